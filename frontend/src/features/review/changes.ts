import { plural } from '@/lib/format';
import type { Review } from './api/useReviews';

type Seen = Pick<Review, 'job_id' | 'revision' | 'state' | 'verdicts' | 'hidden_verdicts' | 'model_version'>;

const STATES: Record<Review['state'], string> = {
  optional: 'It may be reviewed.',
  open: 'It waits for a reader.',
  second_reader: 'It waits for a second reader.',
  conflict: 'Two readers disagree: a third decides.',
  final: 'It is final.',
};

/** What happened to a review since it was opened, in sentences; nothing when it is the same. */
export function changesBetween(before: Seen, after: Seen): readonly string[] {
  if (before.job_id !== after.job_id) {
    return [`The scan was analysed again, by model ${after.model_version}. Look at the new answer.`];
  }
  if (before.revision === after.revision) {
    return [];
  }
  const added =
    after.verdicts.length + after.hidden_verdicts - before.verdicts.length - before.hidden_verdicts;
  return [
    added > 0
      ? `${plural(added, 'other verdict was', 'other verdicts were')} given.`
      : 'Another reader changed their verdict.',
    ...(before.state === after.state ? [] : [STATES[after.state]]),
  ];
}
