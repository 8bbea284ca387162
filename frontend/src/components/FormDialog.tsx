import { Button, Group, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { Dialog } from './Dialog';
import { Problem } from './Problem';

interface FormDialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** The verb on the button that sends what was entered; Enter does the same. */
  readonly verb: string;
  /** Whether enough was entered to be sent. */
  readonly ready?: boolean;
  /** What is sent cannot simply be taken back. */
  readonly grave?: boolean;
  readonly pending: boolean;
  readonly error: unknown;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
}

/** Asks for something to be entered, then sends it. Rendered while it is open. */
export function FormDialog({
  title,
  children,
  verb,
  ready = true,
  grave = false,
  pending,
  error,
  onSubmit,
  onClose,
}: FormDialogProps) {
  return (
    <Dialog onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !pending) {
            onSubmit();
          }
        }}
      >
        <Stack>
          {children}
          <Problem error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!ready} loading={pending} {...(grave ? { color: 'red.9' } : {})}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
