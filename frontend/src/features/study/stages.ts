import type { JobDetail } from './api/useStudy';

type Stage = NonNullable<JobDetail['stage']>;

export const STAGES: readonly { readonly stage: Stage; readonly label: string; readonly doing: string }[] = [
  { stage: 'loading', label: 'Load', doing: 'Reading the scan' },
  { stage: 'preprocessing', label: 'Prepare', doing: 'Preparing the slices' },
  { stage: 'classifying', label: 'Classify', doing: 'Looking at each slice' },
  { stage: 'explaining', label: 'Explain', doing: 'Drawing where the model looked' },
  { stage: 'storing', label: 'Store', doing: 'Storing the answer' },
];

export type StepState = 'done' | 'now' | 'next';

export interface Step {
  readonly label: string;
  readonly state: StepState;
}

/** The way of a job, as steps: received, waiting, the five stages. */
export function stepsOf(job: Pick<JobDetail, 'state' | 'stage'>): readonly Step[] {
  const running = job.state === 'running';
  const at = running
    ? Math.max(
        0,
        STAGES.findIndex(({ stage }) => stage === job.stage),
      )
    : -1;
  return [
    { label: 'Received', state: 'done' },
    { label: 'Wait', state: running ? 'done' : 'now' },
    ...STAGES.map(({ label }, index) => ({
      label,
      state: index < at ? ('done' as const) : index === at ? ('now' as const) : ('next' as const),
    })),
  ];
}

/** What is being done, in words, with how far it is. */
export function activityOf(job: Pick<JobDetail, 'state' | 'stage' | 'done' | 'total' | 'attempt'>): string {
  if (job.state === 'queued') {
    return job.attempt > 0 ? 'Waiting to be tried again' : 'Waiting for a free worker';
  }
  const doing = STAGES.find(({ stage }) => stage === job.stage)?.doing ?? 'Starting';
  return job.total > 0 ? `${doing}: ${job.done} of ${job.total}` : `${doing}…`;
}
