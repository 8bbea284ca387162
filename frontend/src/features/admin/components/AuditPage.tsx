import { Group, Select, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { CLEAR } from '@/components/clearButton';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTimeSeconds } from '@/lib/format';
import type { Tone } from '@/lib/tone';
import { type AuditEvent, useAudit } from '../api/work';

type Outcome = AuditEvent['outcome'];

const OUTCOMES: Record<Outcome, { readonly label: string; readonly tone: Tone }> = {
  done: { label: 'Done', tone: 'quiet' },
  refused: { label: 'Refused', tone: 'unsure' },
  failed: { label: 'Failed', tone: 'stroke' },
};

const ACTORS: Record<AuditEvent['actor_kind'], string> = {
  user: 'Person',
  api_client: 'API key',
  dicom_peer: 'DICOM system',
  service: 'Service',
  system: 'Ictus',
  anonymous: 'Not signed in',
};

function Row({ event }: { event: AuditEvent }) {
  const outcome = OUTCOMES[event.outcome];
  return (
    <Table.Tr>
      <Table.Td className="numbers" style={{ whiteSpace: 'nowrap' }}>
        {formatDateTimeSeconds(event.at)}
      </Table.Td>
      <Table.Td>
        {event.actor_name ?? ACTORS[event.actor_kind]}
        {event.address !== null && (
          <Text c="dimmed" fz="xs" className="numbers">
            {event.address}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Text ff="monospace" fz="xs">
          {event.action}
        </Text>
        {event.object_id !== null && (
          <Text c="dimmed" fz="xs" ff="monospace">
            {event.object_type} {event.object_id.slice(0, 8)}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <ToneBadge tone={outcome.tone}>{outcome.label}</ToneBadge>
        {event.code !== null && (
          <Text c="dimmed" fz="xs">
            {event.code.replaceAll('_', ' ')}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** Who did, saw or was refused what. Reading it is written down too. */
export function AuditPage() {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [action, setAction] = useState('');
  const [wanted] = useDebouncedValue(action.trim(), 400);
  const audit = useAudit({ ...(outcome && { outcome }), ...(wanted && { action: wanted }) });
  const outcomes = Object.keys(OUTCOMES) as Outcome[];
  return (
    <>
      <DocumentTitle>Audit</DocumentTitle>
      <DataPanel
        title="Audit trail"
        note="Every read, change and refusal, newest first."
        query={audit}
        columns={['When', 'Who', 'What', 'Outcome']}
        rows={(audit.data?.pages ?? []).flatMap(({ items }) =>
          items.map((event) => <Row key={event.id} event={event} />),
        )}
        empty="Nothing fits"
        onMore={audit.hasNextPage ? () => void audit.fetchNextPage() : undefined}
        action={
          <Group gap="xs">
            <TextInput
              aria-label="Action"
              placeholder="Action, e.g. study.read"
              value={action}
              onChange={(event) => setAction(event.currentTarget.value)}
            />
            <Select
              aria-label="Outcome"
              placeholder="Any outcome"
              clearable
              clearButtonProps={{ ...CLEAR, 'aria-label': 'Clear: outcome' }}
              w={150}
              value={outcome}
              onChange={(value) => setOutcome(outcomes.find((one) => one === value) ?? null)}
              data={outcomes.map((value) => ({ value, label: OUTCOMES[value].label }))}
            />
          </Group>
        }
      />
    </>
  );
}
