import { Button, Group, Paper, Progress, Text, Title } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { Problem } from '@/components/Problem';
import { formatAge } from '@/lib/format';
import { useNow } from '@/lib/useNow';
import { type JobDetail, useCancelAnalysis } from '../api/useStudy';
import { activityOf, stepsOf } from '../stages';
import classes from './StageProgress.module.css';

/** A waiting or running analysis, stage by stage. */
export function StageProgress({ job }: { job: JobDetail }) {
  const cancel = useCancelAnalysis(job.study_id);
  const now = useNow(1000);
  const steps = stepsOf(job);
  const share = job.total > 0 ? (job.done / job.total) * 100 : 0;
  return (
    <Paper p="md" component="section" aria-label="Progress of the analysis">
      <Group justify="space-between" mb="sm">
        <Title order={2} fz="md">
          Analysis
        </Title>
        <Text c="dimmed" fz="xs" className="numbers">
          {formatAge(job.created_at, now)}
        </Text>
      </Group>
      <ol className={classes.steps}>
        {steps.map(({ label, state }) => (
          <li key={label} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
            <span className={classes.dot}>
              {state === 'done' && <IconCheck size={12} stroke={3} aria-hidden />}
            </span>
            {label}
          </li>
        ))}
      </ol>
      <Progress
        value={job.state === 'running' && job.total === 0 ? 100 : share}
        animated={job.state === 'running'}
        size="sm"
        mt="md"
        aria-label="This step"
      />
      <Group justify="space-between" mt="xs">
        <Text role="status" className="numbers">
          {job.cancel_requested ? 'Stopping…' : activityOf(job)}
        </Text>
        {!job.cancel_requested && (
          <Button
            variant="subtle"
            size="compact-sm"
            loading={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            Stop
          </Button>
        )}
      </Group>
      <Problem error={cancel.error} />
    </Paper>
  );
}
