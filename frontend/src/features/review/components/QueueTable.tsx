import { Text } from '@mantine/core';
import { ReviewBadge } from '@/components/ReviewBadge';
import { rowClasses as classes, LinkedRow, ProbabilityMeter, RowLink } from '@/components/RowTable';
import { StatBadge } from '@/components/StudyBadges';
import { verdictOf } from '@/lib/disposition';
import { formatAge, formatDateTime } from '@/lib/format';
import { patientFacts, patientTitle } from '@/lib/patient';
import { useNow } from '@/lib/useNow';
import type { ReviewRow } from '../api/useReviews';

function QueueRow({ review, now }: { review: ReviewRow; now: number }) {
  const { study } = review;
  const { tone } = verdictOf(review.disposition, review.finding);
  return (
    <LinkedRow to={`/review/${study.id}`} tone={tone}>
      <td className={classes.patient}>
        <RowLink to={`/review/${study.id}`}>{patientTitle(study.patient)}</RowLink>
        <Text c="dimmed" fz="xs" truncate>
          {patientFacts(study.patient)}
        </Text>
      </td>
      <td className={classes.result}>
        <ReviewBadge state={review.state} agrees={review.agrees_with_model !== false} />
        <Text c="dimmed" fz="xs">
          {review.why}
          {review.judged_by_me && ' You have read it.'}
        </Text>
      </td>
      <td className={classes.chance}>
        <ProbabilityMeter
          value={
            review.disposition === 'confident' || review.disposition === 'uncertain'
              ? review.stroke_probability
              : null
          }
          tone={tone}
        />
      </td>
      <td className={classes.kind}>
        <span>{review.modality}</span>
        {review.priority === 'STAT' && <StatBadge />}
      </td>
      <td className={`${classes.received} numbers`}>
        <time dateTime={review.predicted_at} title={formatDateTime(review.predicted_at)}>
          {formatAge(review.predicted_at, now)}
        </time>
      </td>
    </LinkedRow>
  );
}

/** Results that wait for a reader, in the order in which they are best read. */
export function QueueTable({ reviews }: { reviews: readonly ReviewRow[] }) {
  const now = useNow(15_000);
  return (
    <table className={classes.table} aria-label="Reviews">
      <thead className={classes.head}>
        <tr>
          <th scope="col">Patient</th>
          <th scope="col">Why it waits</th>
          <th scope="col">Probability</th>
          <th scope="col">Scan</th>
          <th scope="col">Waiting</th>
        </tr>
      </thead>
      <tbody>
        {reviews.map((review) => (
          <QueueRow key={review.job_id} review={review} now={now} />
        ))}
      </tbody>
    </table>
  );
}
