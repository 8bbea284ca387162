import { Checkbox, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { type Training, useApproveTraining } from '../api/useTrainings';
import { approvalsMissing } from '../trainings';

/** Asks before a candidate is approved, and whether it is put to use at once. */
export function ApproveDialog({ training, onClose }: { training: Training; onClose: () => void }) {
  const approve = useApproveTraining(training.id);
  const [publish, setPublish] = useState(true);
  const last = approvalsMissing(training) <= 1;
  return (
    <FormDialog
      onClose={onClose}
      title={`Approve ${training.candidate_version}?`}
      verb="Approve"
      pending={approve.isPending}
      error={approve.error}
      onSubmit={() => {
        approve.mutate(publish, {
          onSuccess: ({ state, candidate_version }) => {
            notifications.show({
              message: state === 'published' ? `${candidate_version} is in use now.` : 'Approved.',
            });
            onClose();
          },
        });
      }}
    >
      <Text>
        Your name stands for this decision in the audit trail.{' '}
        {last
          ? 'No further approval is needed.'
          : 'Another administrator must approve it too before it can be put to use.'}
      </Text>
      <Checkbox
        label="Put it to use with the last approval"
        description="Otherwise it stays approved, for a canary or for later."
        checked={publish}
        onChange={(event) => setPublish(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}
