import { Anchor, Button, Group, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { ToneBadge } from '@/components/ToneBadge';
import { formatBytes, formatDateTime, plural } from '@/lib/format';
import type { Tone } from '@/lib/tone';
import {
  type IncomingState,
  type IncomingStudy,
  useDiscard,
  useIncomingStudies,
  useReadAgain,
} from '../api/receiving';
import { PeersPanel } from './PeersPanel';

const STATES: Record<IncomingState, { word: string; tone: Tone }> = {
  receiving: { word: 'Being received', tone: 'info' },
  accepting: { word: 'Being read', tone: 'info' },
  accepted: { word: 'Taken in', tone: 'clear' },
  quarantined: { word: 'In quarantine', tone: 'unsure' },
  discarded: { word: 'Discarded', tone: 'quiet' },
};

interface LineProps {
  readonly study: IncomingStudy;
  readonly onDiscard: () => void;
}

/** What was received, what became of it, and why it did not become a study. */
function Line({ study, onDiscard }: LineProps) {
  const again = useReadAgain();
  const { word, tone } = STATES[study.state];
  return (
    <Table.Tr>
      <Table.Td className="numbers">{formatDateTime(study.last_received_at)}</Table.Td>
      <Table.Td className="numbers">
        {plural(study.objects, 'object')}, {formatBytes(study.bytes)}
      </Table.Td>
      <Table.Td>
        <ToneBadge tone={tone}>{word}</ToneBadge>
        {study.detail !== null && (
          <Text fz="xs" c="dimmed" mt={4}>
            {study.detail}
          </Text>
        )}
        <Problem error={again.error} />
      </Table.Td>
      <Table.Td>
        {study.study_id !== null && (
          <Anchor component={Link} to={`/studies/${study.study_id}`}>
            {study.study_id.slice(0, 8)}
          </Anchor>
        )}
      </Table.Td>
      <Table.Td>
        {study.state === 'quarantined' && (
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button
              variant="subtle"
              size="compact-sm"
              loading={again.isPending}
              onClick={() => again.mutate(study.id)}
            >
              Read again
            </Button>
            <Button variant="subtle" size="compact-sm" onClick={onDiscard}>
              Discard
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** Who may send by DICOM, and what became of what they sent. */
export function ReceivingPage() {
  const [view, setView] = useState<'all' | 'quarantined'>('all');
  const incoming = useIncomingStudies(view === 'all' ? null : view);
  const discard = useDiscard();
  const [ending, setEnding] = useState<IncomingStudy | null>(null);
  return (
    <Stack gap="xl">
      <DocumentTitle>Receiving</DocumentTitle>
      <PeersPanel />
      <DataPanel
        title="Received by DICOM"
        note="What came in the last 30 days. What cannot be taken in waits in quarantine for you."
        query={incoming}
        columns={['Last received', 'What', 'State', 'Study', 'Actions']}
        rows={(incoming.data ?? []).map((study) => (
          <Line key={study.id} study={study} onDiscard={() => setEnding(study)} />
        ))}
        empty={view === 'all' ? 'Nothing was received' : 'Nothing is in quarantine'}
        action={
          <SegmentedControl
            aria-label="Which studies"
            data={[
              { value: 'all', label: 'All' },
              { value: 'quarantined', label: 'In quarantine' },
            ]}
            value={view}
            onChange={(value) => setView(value === 'quarantined' ? value : 'all')}
          />
        }
      />
      {ending && (
        <ConfirmDialog
          title="Discard what was received?"
          verb="Discard it"
          pending={discard.isPending}
          error={discard.error}
          onConfirm={() => discard.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => setEnding(null)}
        >
          What could not be taken in is removed for good: {plural(ending.objects, 'object')}. The sender may
          send it again.
        </ConfirmDialog>
      )}
    </Stack>
  );
}
