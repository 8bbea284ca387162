import { Button, Group, Text } from '@mantine/core';
import { IconFileUpload } from '@tabler/icons-react';
import { type InputHTMLAttributes, useRef, useState } from 'react';
import { useDropzone } from 'react-dropzone';
import classes from './DropZone.module.css';

interface DropZoneProps {
  readonly disabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

// Known to every browser, but to no type of React's.
const FOLDER = { webkitdirectory: '' } as InputHTMLAttributes<HTMLInputElement>;

/** Where files and whole folders are dropped, or chosen with two buttons. */
export function DropZone({ disabled, onFiles }: DropZoneProps) {
  const folder = useRef<HTMLInputElement>(null);
  const [empty, setEmpty] = useState(false);
  const take = (files: readonly File[]) => {
    setEmpty(files.length === 0);
    if (files.length > 0) {
      onFiles(files);
    }
  };
  // react-dropzone walks dropped folders by webkitGetAsEntry.
  const { getRootProps, getInputProps, isDragActive, open } = useDropzone({
    disabled,
    noClick: true,
    noKeyboard: true,
    onDrop: take,
  });
  return (
    <div
      {...getRootProps({ className: classes.zone, role: 'group', 'aria-label': 'Files to upload' })}
      data-over={isDragActive || undefined}
    >
      <input {...getInputProps({ 'aria-label': 'Files' })} data-testid="files" />
      <input
        {...FOLDER}
        ref={folder}
        type="file"
        hidden
        aria-label="Folder"
        data-testid="folder"
        disabled={disabled}
        onChange={(event) => {
          take([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <IconFileUpload size={34} stroke={1.3} aria-hidden className={classes.icon ?? ''} />
      <Text fw={600}>{isDragActive ? 'Let go to add them' : 'Drop files or a folder here'}</Text>
      {empty && <Text role="alert">There is no file in it. Choose another folder.</Text>}
      <Text c="dimmed" fz="sm" ta="center">
        DICOM, NIfTI, PNG, JPEG, or a zip of them
      </Text>
      <Group mt="sm" gap="xs" justify="center">
        <Button variant="default" disabled={disabled} onClick={open}>
          Choose files
        </Button>
        <Button variant="default" disabled={disabled} onClick={() => folder.current?.click()}>
          Choose a folder
        </Button>
      </Group>
    </div>
  );
}
