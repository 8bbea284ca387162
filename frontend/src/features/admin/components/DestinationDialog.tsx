import { Text } from '@mantine/core';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { SecretDialog } from '@/components/SecretDialog';
import { type Destination, type DestinationDraft, useSaveDestination } from '../api/deliveries';
import { choices, occasions } from '../deliveryWords';
import { DestinationFields } from './DestinationFields';

const NEW: DestinationDraft = {
  name: '',
  kind: 'dicom_store',
  enabled: true,
  tls: false,
  own_name: 'ICTUS',
  remote_name: '',
  content: ['sr', 'sc'],
  statuses: ['preliminary', 'final', 'corrected'],
};

/** Enters a destination, or changes one. */
export function DestinationDialog({
  destination,
  onClose,
}: {
  destination: Destination | null;
  onClose: () => void;
}) {
  const save = useSaveDestination(destination?.id ?? null);
  const [draft, setDraft] = useState<DestinationDraft>(destination ?? NEW);
  if (save.data) {
    return (
      <SecretDialog title="Signing secret" secret={save.data} onClose={onClose}>
        Put this into {draft.name}, which checks with it that messages come from here. It is shown only now.
      </SecretDialog>
    );
  }
  const send = () => {
    const content = (draft.content ?? []).filter((kind) => choices(draft.kind).includes(kind));
    const statuses = (draft.statuses ?? []).filter((status) => occasions(draft.kind).includes(status));
    const remote_name = draft.remote_name?.trim() || 'ANY-SCP';
    save.mutate(
      { ...draft, content, statuses, remote_name },
      { onSuccess: (secret) => secret === null && onClose() },
    );
  };
  return (
    <FormDialog
      onClose={onClose}
      title={destination === null ? 'New destination' : 'Change the destination'}
      verb="Save"
      ready={draft.name.trim() !== ''}
      pending={save.isPending}
      error={save.error}
      onSubmit={send}
    >
      <DestinationFields
        draft={draft}
        exists={destination !== null}
        onChange={(change) => setDraft((present) => ({ ...present, ...change }))}
      />
      {draft.kind !== 'webhook' && (
        <Text c="dimmed" fz="sm">
          The patient’s name and number go to this address, as the archive knows them.
        </Text>
      )}
    </FormDialog>
  );
}
