import { Anchor, Button, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { IntervalChart } from '@/components/charts/IntervalChart';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime, plural } from '@/lib/format';
import { type ModelOverview, type ModelVersion, useModels } from '../api/useModels';
import type { TrainingState } from '../api/useTrainings';
import { comparedRows, comparisonSummary, RIGHT, WRONG } from '../comparison';
import { onTestSet, ownEvaluation, sharedTestSet, testPatients } from '../evaluation';
import { STATES } from '../trainings';
import { PromoteDialog } from './PromoteDialog';
import { RollbackDialog } from './RollbackDialog';
import { VersionBadges } from './VersionBadges';

function Comparison({ models }: { models: ModelOverview }) {
  const right = comparedRows(models.comparison, RIGHT);
  const wrong = comparedRows(models.comparison, WRONG);
  if (models.champion === null || models.challenger === null) {
    return null;
  }
  if (models.comparison.length === 0) {
    return (
      <Paper p="md" component="section" aria-label="Champion against challenger">
        <Text>
          {models.champion} (in use) and {models.challenger} (challenger) were not measured on the same
          patients, so their figures are not held against each other.
        </Text>
      </Paper>
    );
  }
  const names = { champion: models.champion, challenger: models.challenger };
  return (
    <Paper p="md" component="section" aria-label="Champion against challenger">
      <IntervalChart
        title={`${models.champion} (in use) against ${models.challenger} (challenger)`}
        summary={`Both on the same frozen test set${models.compared_patients === null ? '' : ` of ${plural(models.compared_patients, 'patient')}`}, which neither learned from. ${comparisonSummary(right)} Bars are 95 % intervals over patients.`}
        rows={right}
        names={names}
      />
      {wrong.length > 0 && (
        <IntervalChart
          title="Errors of both (lower is better)"
          summary={comparisonSummary(wrong)}
          rows={wrong}
          names={names}
        />
      )}
      <Button
        component={Link}
        to={`/models/versions/${models.challenger}`}
        variant="default"
        size="compact-sm"
        mt="sm"
      >
        Look at the challenger
      </Button>
    </Paper>
  );
}

/** The standing that the version's own badges do not tell. */
const TOLD: readonly (TrainingState | null)[] = ['awaiting_approval', 'rejected', 'superseded'];

function TestFigure({ version, shared, level }: RowProps & { level: 'study' | 'slice' }) {
  const { figure, apart } = onTestSet(version, shared, level);
  return (
    <Table.Td className="numbers">
      {figure}
      {apart !== null && (
        <Text c="dimmed" fz="xs">
          {apart}
        </Text>
      )}
    </Table.Td>
  );
}

interface RowProps {
  readonly version: ModelVersion;
  /** The test set that the figures of different versions stand side by side on. */
  readonly shared: string | null;
}

function Row({ version, shared, onPromote }: RowProps & { onPromote: () => void }) {
  const own = ownEvaluation(version);
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/models/versions/${version.version}`}>
          {version.version}
        </Anchor>
        <Text c="dimmed" fz="xs" ff="monospace">
          {version.sha256.slice(0, 12)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={6}>
          <VersionBadges version={version} />
          {version.training_state !== null && TOLD.includes(version.training_state) && (
            <ToneBadge tone={STATES[version.training_state].tone}>
              {STATES[version.training_state].label}
            </ToneBadge>
          )}
        </Group>
      </Table.Td>
      <TestFigure version={version} shared={shared} level="study" />
      <TestFigure version={version} shared={shared} level="slice" />
      <Table.Td className="numbers">
        {own?.figures ?? 'On the test set only'}
        {own !== null && (
          <Text c="dimmed" fz="xs">
            {own.how}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="numbers">{formatDateTime(version.registered_at)}</Table.Td>
      <Table.Td ta="end">
        {version.can_be_promoted && (
          <Button variant="default" size="compact-sm" onClick={onPromote}>
            Put to use
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** Every version, the one in use against its challenger, and how to change or take back which is in use. */
export function VersionsPage() {
  const models = useModels();
  const [promoting, setPromoting] = useState<string | null>(null);
  const [rolling, setRolling] = useState(false);
  const { champion = null, rollback_target: target = null, versions = [] } = models.data ?? {};
  const shared = sharedTestSet(versions, champion);
  const patients = testPatients(versions, shared);
  return (
    <Stack>
      <DocumentTitle>Models</DocumentTitle>
      {models.data && <Comparison models={models.data} />}
      <DataPanel
        title="Versions"
        note={`Every version that was published here, newest first. ROC-AUCs can be compared on the frozen test set${patients === null ? '' : ` (${patients} that no version learned from)`} and not with those of an evaluation of other patients.`}
        query={models}
        columns={[
          'Version',
          'Standing',
          'Test set, studies',
          'Test set, slices',
          'Own evaluation',
          'Registered',
          'Actions',
        ]}
        rows={versions.map((version) => (
          <Row
            key={version.version}
            version={version}
            shared={shared}
            onPromote={() => setPromoting(version.version)}
          />
        ))}
        empty="No version is registered"
        action={
          <Group gap="xs">
            <Button component={Link} to="/model" variant="default">
              About the model in use
            </Button>
            {target !== null && (
              <Button
                color="red"
                variant="light"
                leftSection={<IconArrowBackUp size={16} aria-hidden />}
                onClick={() => setRolling(true)}
              >
                Roll back to {target}
              </Button>
            )}
          </Group>
        }
      />
      {promoting !== null && (
        <PromoteDialog version={promoting} champion={champion} onClose={() => setPromoting(null)} />
      )}
      {rolling && target !== null && (
        <RollbackDialog champion={champion} target={target} onClose={() => setRolling(false)} />
      )}
    </Stack>
  );
}
