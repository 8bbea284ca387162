import type { Finding } from '@/lib/disposition';
import type { Review } from './api/useReviews';

/** A finding as a reader says it. */
export function findingName(finding: Finding | null, lookedFor = 'stroke'): string {
  if (finding === null) {
    return 'Cannot be told from these images';
  }
  const named = lookedFor.replace(/^./, (first) => first.toUpperCase());
  return finding === 'stroke' ? named : `No ${lookedFor}`;
}

export const SUBTYPES = [
  { value: 'intraparenchymal', label: 'Intraparenchymal' },
  { value: 'intraventricular', label: 'Intraventricular' },
  { value: 'subarachnoid', label: 'Subarachnoid' },
  { value: 'subdural', label: 'Subdural' },
  { value: 'epidural', label: 'Epidural' },
] as const;

export const CONFIDENCES = [
  { value: 'low', label: 'Low' },
  { value: 'medium', label: 'Medium' },
  { value: 'high', label: 'High' },
] as const;

/** What a verdict that was just saved has led to. */
export function savedMessage({
  state,
  agrees_with_model,
}: Pick<Review, 'state' | 'agrees_with_model'>): string {
  switch (state) {
    case 'final':
      return agrees_with_model === false
        ? 'Saved. The result is final, and corrected.'
        : 'Saved. The result is final, and confirmed.';
    case 'second_reader':
      return 'Saved. A second reader looks at it before it is final.';
    case 'conflict':
      return 'Saved. You and another reader disagree: a third decides.';
    default:
      return 'Saved.';
  }
}
