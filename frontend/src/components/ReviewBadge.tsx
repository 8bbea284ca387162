import { type ReviewState, standingOf } from '@/lib/review';
import { ToneBadge } from './ToneBadge';

interface ReviewBadgeProps {
  readonly state: ReviewState;
  /** Whether the readers came to what the model had said; says nothing before the review is final. */
  readonly agrees: boolean;
}

/** Where the review of a result stands. */
export function ReviewBadge({ state, agrees }: ReviewBadgeProps) {
  const { label, tone, icon } = standingOf(state, agrees);
  return (
    <ToneBadge tone={tone} icon={icon}>
      {label}
    </ToneBadge>
  );
}
