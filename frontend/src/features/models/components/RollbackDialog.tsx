import { Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { useRollback } from '../api/useModels';

interface RollbackDialogProps {
  readonly champion: string | null;
  readonly target: string;
  readonly onClose: () => void;
}

/** Asks why before an earlier version answers again. */
export function RollbackDialog({ champion, target, onClose }: RollbackDialogProps) {
  const rollback = useRollback();
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      onClose={onClose}
      title={`Roll back to ${target}?`}
      verb="Roll back"
      grave
      pending={rollback.isPending}
      error={rollback.error}
      onSubmit={() => {
        rollback.mutate(
          { to: target, reason: reason.trim() || null },
          {
            onSuccess: () => {
              notifications.show({ message: `${target} is in use again.` });
              onClose();
            },
          },
        );
      }}
    >
      <Text>
        {champion !== null && `${champion} answers no further scan. `}
        {target} is in use again within a minute. Answers that were given stay as they are, each with the
        version that gave it: analyse a scan again to have it answered anew. What {champion ?? 'the version'}{' '}
        learned from stays new for the next training.
      </Text>
      <TextInput
        label="Reason"
        description="For the record; no names of patients."
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
