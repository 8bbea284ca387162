import { Button, Group, Text } from '@mantine/core';
import { IconFileUpload } from '@tabler/icons-react';
import { type InputHTMLAttributes, useRef } from 'react';
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
  // react-dropzone walks dropped folders by webkitGetAsEntry.
  const { getRootProps, getInputProps, isDragActive, open } = useDropzone({
    disabled,
    noClick: true,
    noKeyboard: true,
    onDrop: (files) => files.length > 0 && onFiles(files),
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
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <IconFileUpload size={34} stroke={1.3} aria-hidden className={classes.icon ?? ''} />
      <Text fw={600}>{isDragActive ? 'Let go to add them' : 'Drop files or a folder here'}</Text>
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
