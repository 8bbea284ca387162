import { Stack, Text } from '@mantine/core';
import { formatDateTime, plural } from '@/lib/format';
import { sentence } from '@/lib/words';
import type { Review, Verdict } from '../api/useReviews';
import { findingName } from '../words';
import classes from './Review.module.css';

function marksOf({ key_slices, regions }: Verdict): string | null {
  const marks = [
    key_slices.length > 0 &&
      `key ${key_slices.length === 1 ? 'slice' : 'slices'} ${key_slices.map((index) => index + 1).join(', ')}`,
    regions.length > 0 && plural(regions.length, 'outline'),
  ].filter(Boolean);
  return marks.length > 0 ? sentence(marks.join(' · ')) : null;
}

function Given({ verdict, lookedFor }: { verdict: Verdict; lookedFor: string }) {
  const marks = marksOf(verdict);
  return (
    <li>
      <Text fw={600}>
        {findingName(verdict.finding, lookedFor)}
        {verdict.subtype !== null && `, ${verdict.subtype}`}
      </Text>
      <Text c="dimmed" fz="xs">
        {verdict.mine ? 'You' : (verdict.reader_name ?? 'A former reader')} ·{' '}
        {formatDateTime(verdict.given_at)} · {verdict.confidence} confidence
      </Text>
      {marks !== null && <Text fz="xs">{marks}</Text>}
      {verdict.comment !== '' && <Text className={classes.comment ?? ''}>{verdict.comment}</Text>}
      {verdict.excluded_from_training && <Text fz="xs">Not for training: {verdict.exclusion_reason}</Text>}
    </li>
  );
}

/** What readers said so far, as far as it may be seen. */
export function VerdictList({ review, lookedFor }: { review: Review; lookedFor: string }) {
  return (
    <Stack gap={6}>
      {review.verdicts.length > 0 && (
        <ul className={classes.verdicts}>
          {review.verdicts.map((verdict) => (
            <Given key={verdict.verdict_id} verdict={verdict} lookedFor={lookedFor} />
          ))}
        </ul>
      )}
      {review.hidden_verdicts > 0 && (
        <Text c="dimmed">
          {plural(review.hidden_verdicts, 'reader has', 'readers have')} given a verdict. What it says is
          shown once you have given yours.
        </Text>
      )}
    </Stack>
  );
}
