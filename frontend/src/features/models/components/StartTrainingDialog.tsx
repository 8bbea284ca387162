import { Radio, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { FormDialog } from '@/components/FormDialog';
import { type TrainingMethod, useStartTraining, useTrainingMethods } from '../api/useTrainings';
import { METHODS } from '../trainings';

/** Asks how to learn, then starts. */
export function StartTrainingDialog({ onClose }: { onClose: () => void }) {
  const start = useStartTraining();
  const offered = useTrainingMethods();
  const missing = (one: TrainingMethod) => offered.data?.find(({ method: is }) => is === one)?.missing;
  const navigate = useNavigate();
  const [method, setMethod] = useState<TrainingMethod>('latent_replay');
  const methods = Object.keys(METHODS) as TrainingMethod[];
  return (
    <FormDialog
      onClose={onClose}
      title="Start a training"
      verb="Start"
      pending={start.isPending}
      error={offered.error ?? start.error}
      onSubmit={() => {
        start.mutate(method, {
          onSuccess: ({ id }) => void navigate(`/models/trainings/${id}`),
        });
      }}
    >
      <Text>
        The model in use learns from the confirmed cases. Its candidate must pass the gate, and an
        administrator approves it before it answers for a patient.
      </Text>
      <Radio.Group
        label="Method"
        value={method}
        onChange={(value) => setMethod(methods.find((one) => one === value) ?? method)}
      >
        <Stack gap="xs" mt={6}>
          {methods.map((one) => (
            <Radio
              key={one}
              value={one}
              label={METHODS[one].label}
              description={[METHODS[one].says, missing(one)].filter(Boolean).join(' ')}
              disabled={one !== 'latent_replay' && (offered.data === undefined || Boolean(missing(one)))}
            />
          ))}
        </Stack>
      </Radio.Group>
    </FormDialog>
  );
}
