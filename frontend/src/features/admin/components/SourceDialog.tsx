import { Checkbox, Select, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { type Source, type SourceDraft, type SourceKind, useSaveSource } from '../api/sources';
import { SocketFields, WebFields } from './EndpointFields';

export const KINDS: Record<SourceKind, string> = {
  dimse: 'DICOM archive (C-FIND, C-MOVE or C-GET)',
  dicomweb: 'DICOMweb archive (QIDO-RS, WADO-RS)',
};

const RETRIEVALS: Record<Source['retrieval'], string> = {
  move: 'C-MOVE: it sends to our listener, which it must know',
  get: 'C-GET: over the same connection',
};

const NEW: SourceDraft = {
  name: '',
  kind: 'dimse',
  enabled: true,
  tls: false,
  own_name: 'ICTUS',
  remote_name: '',
  retrieval: 'move',
  move_destination: 'ICTUS',
};

/** Enters an archive to fetch from, or changes one. */
export function SourceDialog({ source, onClose }: { source: Source | null; onClose: () => void }) {
  const save = useSaveSource(source?.id ?? null);
  const [draft, setDraft] = useState<SourceDraft>(() => {
    if (source === null) {
      return NEW;
    }
    const { id: _, has_secret: __, created_at: ___, ...kept } = source;
    return kept;
  });
  const change = (changed: Partial<SourceDraft>) => setDraft((present) => ({ ...present, ...changed }));
  return (
    <FormDialog
      title={source === null ? 'New source' : 'Change the source'}
      verb="Save"
      ready={draft.name.trim() !== ''}
      pending={save.isPending}
      error={save.error}
      onSubmit={() =>
        save.mutate({ ...draft, remote_name: draft.remote_name?.trim() || 'ANY-SCP' }, { onSuccess: onClose })
      }
      onClose={onClose}
    >
      <TextInput
        label="Name"
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        data-autofocus
      />
      <Select
        label="Kind"
        data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
        value={draft.kind}
        allowDeselect={false}
        onChange={(kind) => change({ kind: kind === 'dicomweb' ? kind : 'dimse' })}
      />
      {draft.kind === 'dimse' ? (
        <>
          <SocketFields draft={draft} names="AE title" onChange={change} />
          <Select
            label="How images come"
            data={Object.entries(RETRIEVALS).map(([value, label]) => ({ value, label }))}
            value={draft.retrieval ?? 'move'}
            allowDeselect={false}
            onChange={(way) => change({ retrieval: way === 'get' ? way : 'move' })}
          />
          {draft.retrieval !== 'get' && (
            <TextInput
              label="Our listener’s AE title"
              description="As the archive knows it; the archive must be a DICOM peer under Receiving."
              value={draft.move_destination ?? ''}
              onChange={(event) => change({ move_destination: event.currentTarget.value })}
            />
          )}
        </>
      ) : (
        <WebFields draft={draft} exists={source !== null} onChange={change} />
      )}
      <Checkbox
        label="In use"
        checked={draft.enabled ?? true}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
      <Text c="dimmed" fz="sm">
        Accession numbers and study UIDs that are asked for go to this address.
      </Text>
    </FormDialog>
  );
}
