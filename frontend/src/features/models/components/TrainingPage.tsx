import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FigureTile } from '@/components/FigureTile';
import { Problem } from '@/components/Problem';
import { ErrorState, LoadingState } from '@/components/States';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime, plural } from '@/lib/format';
import { type Training, useCancelTraining, useTraining } from '../api/useTrainings';
import { approvalsMissing, figureName, figureText, isOpen, METHODS, STATES, testFigures } from '../trainings';
import { ApproveDialog } from './ApproveDialog';
import { GateChecks } from './GateChecks';
import { RejectDialog } from './RejectDialog';
import { TrainingProgress } from './TrainingProgress';

function Dataset({ training: { dataset } }: { training: Training }) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
      <FigureTile label="Cases" value={String(dataset.cases)} note={`${dataset.new_cases} new`} />
      <FigureTile label="With a stroke" value={String(dataset.stroke_cases)} />
      <FigureTile label="Without" value={String(dataset.normal_cases)} />
      <FigureTile label="Corrected by readers" value={String(dataset.corrected)} />
      <FigureTile label="Patients" value={String(dataset.patients)} />
      <FigureTile
        label="Readers"
        value={String(dataset.readers)}
        note={dataset.held_back > 0 ? `${plural(dataset.held_back, 'case')} held back` : 'nothing held back'}
      />
    </SimpleGrid>
  );
}

function Decision({ training }: { training: Training }) {
  const [asked, setAsked] = useState<'approve' | 'reject' | null>(null);
  const missing = approvalsMissing(training);
  return (
    <Paper p="md" component="section" aria-label="Decision">
      <Group justify="space-between">
        <div>
          <Title order={2} fz="md">
            {missing > 0
              ? `${plural(missing, 'approval')} of ${training.approvals_needed} missing`
              : 'Approved'}
          </Title>
          {training.approvals.map((approval) => (
            <Text key={approval.approver_id}>
              {approval.approver}, {formatDateTime(approval.approved_at)}
            </Text>
          ))}
        </div>
        <Group gap="xs">
          <Button variant="default" onClick={() => setAsked('reject')}>
            Reject
          </Button>
          <Button disabled={missing === 0} onClick={() => setAsked('approve')}>
            Approve
          </Button>
        </Group>
      </Group>
      {asked === 'approve' && <ApproveDialog training={training} onClose={() => setAsked(null)} />}
      {asked === 'reject' && <RejectDialog training={training} onClose={() => setAsked(null)} />}
    </Paper>
  );
}

function Content({ training }: { training: Training }) {
  const cancel = useCancelTraining(training.id);
  const state = STATES[training.state];
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <div>
          <Anchor component={Link} to="/models/trainings" c="dimmed" fz="xs" underline="hover">
            <IconArrowLeft size={13} aria-hidden /> Trainings
          </Anchor>
          <Group gap="xs">
            <Title order={2} fz="lg">
              {training.candidate_version}
            </Title>
            <ToneBadge tone={state.tone}>{state.label}</ToneBadge>
          </Group>
          <Text c="dimmed">
            {METHODS[training.method].label} on top of {training.base_version} ·{' '}
            {training.automatic ? 'started by itself' : 'started on request'}{' '}
            {formatDateTime(training.requested_at)}
          </Text>
        </div>
        {(training.state === 'queued' || training.state === 'running') && (
          <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
            Cancel the training
          </Button>
        )}
      </Group>
      <Problem error={cancel.error} />
      {isOpen(training) ? (
        <TrainingProgress training={training} />
      ) : (
        <Paper p="md" role="status">
          <Text>{state.meaning}</Text>
          {training.failure_reason !== null && <Text mt={4}>{training.failure_reason}</Text>}
          {training.rejected_reason !== null && <Text mt={4}>Reason: {training.rejected_reason}</Text>}
        </Paper>
      )}
      {training.state === 'awaiting_approval' && <Decision training={training} />}
      <Dataset training={training} />
      {training.gate !== null && <GateChecks gate={training.gate} />}
      {training.metrics !== null && (
        <DataPanel
          title="Figures"
          note="On the frozen test set that nothing was learned from."
          columns={['Figure', 'Candidate', 'Model in use then']}
          rows={testFigures(training.metrics).map((figure) => (
            <Table.Tr key={figure.name}>
              <Table.Td>{figureName(figure.name)}</Table.Td>
              <Table.Td className="numbers">{figureText(figure.candidate)}</Table.Td>
              <Table.Td className="numbers">{figureText(figure.champion)}</Table.Td>
            </Table.Tr>
          ))}
          empty="No figures"
        />
      )}
    </Stack>
  );
}

/** One training: how far it is, what it learned from, what the gate says, and the decision on its candidate. */
export function TrainingPage() {
  const { trainingId = '' } = useParams();
  const training = useTraining(trainingId);
  return (
    <>
      <DocumentTitle>Training</DocumentTitle>
      {training.data !== undefined ? (
        <Content training={training.data} />
      ) : training.isPending ? (
        <LoadingState label="Opening the training…" />
      ) : (
        <ErrorState error={training.error} onRetry={() => void training.refetch()} />
      )}
    </>
  );
}
