import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ErrorState, LoadingState } from '@/components/States';
import { useModels, useModelVersion } from '../api/useModels';
import { GateChecks } from './GateChecks';
import { ModelDescription } from './ModelDescription';
import { PromoteDialog } from './PromoteDialog';
import { RollbackDialog } from './RollbackDialog';
import { VersionBadges } from './VersionBadges';

/** One version: what it is validated for, how it did, what the gate says, and what can be done with it. */
export function VersionPage() {
  const { version = '' } = useParams();
  const model = useModelVersion(version);
  const champion = useModels().data?.champion ?? null;
  const [asked, setAsked] = useState<'promote' | 'rollback' | null>(null);
  if (model.data === undefined) {
    return model.isPending ? (
      <LoadingState label="Opening the version…" />
    ) : (
      <ErrorState error={model.error} onRetry={() => void model.refetch()} />
    );
  }
  const { registered, description, training } = model.data;
  return (
    <Stack>
      <DocumentTitle>{`Model ${version}`}</DocumentTitle>
      <Group justify="space-between" align="flex-start">
        <div>
          <Anchor component={Link} to="/models" c="dimmed" fz="xs" underline="hover">
            <IconArrowLeft size={13} aria-hidden /> Versions
          </Anchor>
          <Group gap="xs">
            <Title order={2} fz="lg">
              {registered.version}
            </Title>
            <VersionBadges version={registered} />
          </Group>
          <Text c="dimmed" fz="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
            {registered.sha256}
          </Text>
        </div>
        <Group gap="xs">
          {training !== null && (
            <Button component={Link} to={`/models/trainings/${training.id}`} variant="default">
              Its training
            </Button>
          )}
          {registered.can_be_promoted && <Button onClick={() => setAsked('promote')}>Put to use</Button>}
          {!registered.can_be_promoted && registered.can_be_rolled_back_to && (
            <Button color="red" variant="light" onClick={() => setAsked('rollback')}>
              Roll back to it
            </Button>
          )}
        </Group>
      </Group>
      {training?.gate && <GateChecks gate={training.gate} />}
      <ModelDescription model={description} />
      {asked === 'promote' && (
        <PromoteDialog version={version} champion={champion} onClose={() => setAsked(null)} />
      )}
      {asked === 'rollback' && (
        <RollbackDialog champion={champion} target={version} onClose={() => setAsked(null)} />
      )}
    </Stack>
  );
}
