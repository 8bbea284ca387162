import { Checkbox, Select, Stack, TextInput } from '@mantine/core';
import type { DestinationDraft, DestinationKind, ObjectKind, Occasion } from '../api/deliveries';
import { choices, isBySocket, KINDS, OBJECTS, OCCASIONS, occasions } from '../deliveryWords';
import { SocketFields, WebFields } from './EndpointFields';

interface Props {
  readonly draft: DestinationDraft;
  /** Whether it is in use already: then its kind stays, and so does a secret that is not typed. */
  readonly exists: boolean;
  readonly onChange: (change: Partial<DestinationDraft>) => void;
}

/** Everything that describes a destination. */
export function DestinationFields({ draft, exists, onChange }: Props) {
  const objects = choices(draft.kind);
  return (
    <Stack>
      <TextInput
        label="Name"
        value={draft.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        data-autofocus
      />
      <Select
        label="Kind"
        data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
        value={draft.kind}
        disabled={exists}
        allowDeselect={false}
        onChange={(kind) => onChange({ kind: kind as DestinationKind })}
      />
      {isBySocket(draft.kind) ? (
        <SocketFields
          draft={draft}
          names={draft.kind === 'dicom_store' ? 'AE title' : 'application'}
          onChange={onChange}
        />
      ) : (
        <WebFields draft={draft} exists={exists} isHook={draft.kind === 'webhook'} onChange={onChange} />
      )}
      {objects.length > 0 && (
        <Checkbox.Group
          label={draft.kind === 'hl7_mllp' ? 'Sent with the message' : 'What is sent'}
          value={draft.content ?? []}
          onChange={(content) => onChange({ content: content as ObjectKind[] })}
        >
          <Stack gap={6} mt={4}>
            {objects.map((kind) => (
              <Checkbox key={kind} value={kind} label={OBJECTS[kind]} />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
      <Checkbox.Group
        label="When"
        value={draft.statuses ?? []}
        onChange={(statuses) => onChange({ statuses: statuses as Occasion[] })}
      >
        <Stack gap={6} mt={4}>
          {occasions(draft.kind).map((status) => (
            <Checkbox key={status} value={status} label={OCCASIONS[status]} />
          ))}
        </Stack>
      </Checkbox.Group>
      <Checkbox
        label="In use"
        checked={draft.enabled ?? true}
        onChange={(event) => onChange({ enabled: event.currentTarget.checked })}
      />
    </Stack>
  );
}
