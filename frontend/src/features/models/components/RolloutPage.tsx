import {
  Button,
  Group,
  NumberInput,
  Paper,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FigureTile } from '@/components/FigureTile';
import { Problem } from '@/components/Problem';
import { ErrorState, LoadingState } from '@/components/States';
import { formatDateTime } from '@/lib/format';
import {
  type ModelOverview,
  type Rollout,
  type RolloutMode,
  useArrangeRollout,
  useModels,
  useRollout,
} from '../api/useModels';
import { shareText } from '../rollout';
import { AgreementTable } from './AgreementTable';
import { Disagreements } from './Disagreements';

const MODES: Record<RolloutMode, { readonly label: string; readonly says: string }> = {
  none: { label: 'None', says: 'The model in use answers every scan alone.' },
  shadow: {
    label: 'Shadow',
    says: 'The challenger is asked about live scans too. Nobody but this page sees what it says.',
  },
  canary: {
    label: 'Canary',
    says: 'The challenger answers a share of the scans, for real. Each answer names its version.',
  },
};

function Arrangement({ rollout, models }: { rollout: Rollout; models: ModelOverview }) {
  const arrange = useArrangeRollout();
  const [mode, setMode] = useState<RolloutMode>(rollout.mode);
  const [challenger, setChallenger] = useState(rollout.challenger);
  const [percent, setPercent] = useState<number | string>(
    rollout.mode === 'none' ? 10 : Math.round(rollout.share * 100),
  );
  const modes = Object.keys(MODES) as RolloutMode[];
  const share = Number(percent) / 100;
  const ready = mode === 'none' || (challenger !== null && share > 0 && share <= 1);
  return (
    <Paper p="md" component="section" aria-label="Arrangement">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          arrange.mutate(mode === 'none' ? { mode, share: 1 } : { mode, challenger, share }, {
            onSuccess: () => notifications.show({ message: 'Arranged.' }),
          });
        }}
      >
        <Stack>
          <Radio.Group
            label="How a challenger runs beside the model in use"
            value={mode}
            onChange={(value) => setMode(modes.find((one) => one === value) ?? mode)}
          >
            <Stack gap="xs" mt={6}>
              {modes.map((one) => (
                <Radio key={one} value={one} label={MODES[one].label} description={MODES[one].says} />
              ))}
            </Stack>
          </Radio.Group>
          {mode !== 'none' && (
            <Group align="flex-start">
              <Select
                label="Challenger"
                placeholder="Choose a version"
                allowDeselect={false}
                w={240}
                value={challenger}
                onChange={setChallenger}
                data={models.versions
                  .filter(({ version, gate }) => version !== models.champion && gate !== 'refused')
                  .map(({ version }) => version)}
              />
              <NumberInput
                label={mode === 'canary' ? 'Share of scans it answers' : 'Share of scans it is asked about'}
                suffix=" %"
                min={1}
                max={100}
                w={220}
                value={percent}
                onChange={setPercent}
              />
            </Group>
          )}
          <Problem error={arrange.error} />
          <Group justify="space-between">
            <Text c="dimmed" fz="xs">
              {rollout.set_at === null
                ? 'Nothing was ever arranged.'
                : `Now: ${MODES[rollout.mode].label.toLowerCase()}, since ${formatDateTime(rollout.set_at)}.`}
            </Text>
            <Button type="submit" disabled={!ready} loading={arrange.isPending}>
              Arrange
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

/** A challenger beside the champion: unseen, or for a share of the scans; and how far the two agree. */
export function RolloutPage() {
  const rollout = useRollout();
  const models = useModels();
  const failed = rollout.isError ? rollout : models.isError ? models : null;
  if (rollout.data === undefined || models.data === undefined) {
    return failed === null ? (
      <LoadingState label="Loading…" />
    ) : (
      <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />
    );
  }
  const { agreement } = rollout.data;
  return (
    <Stack>
      <DocumentTitle>Rollout</DocumentTitle>
      <Arrangement key={rollout.data.set_at} rollout={rollout.data} models={models.data} />
      {agreement !== null && (
        <section aria-label="Agreement">
          <Title order={2} fz="lg" px={{ base: 4, sm: 0 }}>
            How far the two agree
          </Title>
          <Text c="dimmed" mb="xs" px={{ base: 4, sm: 0 }}>
            {agreement.champion} and {agreement.challenger} on the same scans
            {agreement.first_at !== null && `, since ${formatDateTime(agreement.first_at)}`}.
          </Text>
          <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm" mb="sm">
            <FigureTile
              label="Scans compared"
              value={agreement.studies.toLocaleString('en')}
              note={`${agreement.waiting} wait for a free worker`}
            />
            <FigureTile label="Same finding" value={shareText(agreement.same_finding)} />
            <FigureTile label="Same kind of answer" value={shareText(agreement.same_disposition)} />
            <FigureTile label="Cohen’s kappa" value={agreement.kappa?.toFixed(2) ?? '–'} />
          </SimpleGrid>
          <AgreementTable agreement={agreement} />
        </section>
      )}
      {agreement !== null && <Disagreements />}
    </Stack>
  );
}
