import { Group, Paper, Progress, Text } from '@mantine/core';
import { formatAge } from '@/lib/format';
import { useNow } from '@/lib/useNow';
import type { Training } from '../api/useTrainings';
import { figureName, figureText, percentDone, STATES } from '../trainings';

/** How far a training is: its step, a bar, and the figures it has come to. */
export function TrainingProgress({ training }: { training: Training }) {
  const now = useNow(1000);
  const { progress } = training;
  const percent = percentDone(training);
  const figures = Object.entries(progress.figures);
  return (
    <Paper p="md" component="section" aria-label="Progress of the training">
      <Group justify="space-between" mb="xs">
        <Text fw={600} role="status">
          {training.state === 'running' && progress.stage !== null
            ? progress.stage
            : STATES[training.state].meaning}
        </Text>
        <Text c="dimmed" className="numbers">
          {percent} % · {formatAge(training.started_at ?? training.requested_at, now)}
          {training.attempt > 1 && ` · attempt ${training.attempt}`}
        </Text>
      </Group>
      <Progress value={percent} animated={training.state === 'running'} aria-label="Of the training" />
      {figures.length > 0 && (
        <Group gap="lg" mt="sm">
          {figures.map(([name, value]) => (
            <div key={name}>
              <Text c="dimmed" fz="xs">
                {figureName(name)}
              </Text>
              <Text className="numbers" fw={600}>
                {figureText(value)}
              </Text>
            </div>
          ))}
        </Group>
      )}
    </Paper>
  );
}
