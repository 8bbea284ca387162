import {
  type Icon,
  IconCircleCheck,
  IconClock,
  IconEyeQuestion,
  IconGitCompare,
  IconPencilCheck,
  IconUsers,
} from '@tabler/icons-react';
import type { Schema } from '@/client';
import type { Tone } from './tone';

export type ReviewState = NonNullable<Schema<'StudySummary'>['review_state']>;

/** Where a review stands, as it is shown. */
export interface Standing {
  readonly label: string;
  readonly tone: Tone;
  readonly icon: Icon;
}

const STATES: Record<Exclude<ReviewState, 'final'>, Standing> = {
  optional: { label: 'May be reviewed', tone: 'quiet', icon: IconEyeQuestion },
  open: { label: 'Waits for a reader', tone: 'unsure', icon: IconClock },
  second_reader: { label: 'Second reader', tone: 'info', icon: IconUsers },
  conflict: { label: 'Readers disagree', tone: 'unsure', icon: IconGitCompare },
};
const CONFIRMED: Standing = { label: 'Final: confirmed', tone: 'clear', icon: IconCircleCheck };
const CORRECTED: Standing = { label: 'Final: corrected', tone: 'info', icon: IconPencilCheck };

/** How a review's state is shown; a final one is told apart by whether the readers agree with the model. */
export function standingOf(state: ReviewState, agrees: boolean): Standing {
  return state === 'final' ? (agrees ? CONFIRMED : CORRECTED) : STATES[state];
}
