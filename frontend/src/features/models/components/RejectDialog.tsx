import { Textarea } from '@mantine/core';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { type Training, useRejectTraining } from '../api/useTrainings';

/** Asks why a candidate is not wanted. */
export function RejectDialog({ training, onClose }: { training: Training; onClose: () => void }) {
  const reject = useRejectTraining(training.id);
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      onClose={onClose}
      title={`Reject ${training.candidate_version}?`}
      verb="Reject"
      ready={reason.trim().length >= 3}
      grave
      pending={reject.isPending}
      error={reject.error}
      onSubmit={() => {
        reject.mutate(reason.trim(), { onSuccess: onClose });
      }}
    >
      <Textarea
        label="Reason"
        description="It is kept with the training."
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
