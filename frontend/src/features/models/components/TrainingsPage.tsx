import { Anchor, Button, Group, Progress, Stack, Table, Text } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime, plural } from '@/lib/format';
import { type Training, useTrainings } from '../api/useTrainings';
import { isOpen, METHODS, percentDone, STATES } from '../trainings';
import { PermittedChanges } from './PermittedChanges';
import { StartTrainingDialog } from './StartTrainingDialog';
import { TrainingProgress } from './TrainingProgress';

function Row({ training }: { training: Training }) {
  const state = STATES[training.state];
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/models/trainings/${training.id}`}>
          {training.candidate_version}
        </Anchor>
        <Text c="dimmed" fz="xs">
          from {training.base_version}
        </Text>
      </Table.Td>
      <Table.Td>
        <ToneBadge tone={state.tone}>{state.label}</ToneBadge>
        {training.state === 'running' && (
          <Progress size="xs" mt={6} value={percentDone(training)} aria-label="Of the training" />
        )}
      </Table.Td>
      <Table.Td>{METHODS[training.method].label}</Table.Td>
      <Table.Td className="numbers">
        {plural(training.dataset.cases, 'case')}, {training.dataset.new_cases} new
      </Table.Td>
      <Table.Td>{training.automatic ? 'By itself' : 'On request'}</Table.Td>
      <Table.Td className="numbers">{formatDateTime(training.requested_at)}</Table.Td>
    </Table.Tr>
  );
}

/** What was learned when, from what, and what came of it; and how to start another training. */
export function TrainingsPage() {
  const trainings = useTrainings();
  const [starting, setStarting] = useState(false);
  const all = trainings.data?.pages.flatMap(({ items }) => items) ?? [];
  const going = all.find(isOpen);
  return (
    <Stack>
      <DocumentTitle>Trainings</DocumentTitle>
      {going && <TrainingProgress training={going} />}
      <DataPanel
        title="Trainings"
        note="One at a time: on a schedule, when enough cases are confirmed, or on request."
        query={trainings}
        columns={['Candidate', 'State', 'Method', 'Learned from', 'Started', 'Asked for']}
        rows={all.map((training) => <Row key={training.id} training={training} />)}
        empty="Nothing has been learned here yet"
        onMore={trainings.hasNextPage ? () => void trainings.fetchNextPage() : undefined}
        action={
          <Group>
            <Button
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
              disabled={going !== undefined}
              onClick={() => setStarting(true)}
            >
              Start a training
            </Button>
          </Group>
        }
      />
      <PermittedChanges />
      {starting && <StartTrainingDialog onClose={() => setStarting(false)} />}
    </Stack>
  );
}
