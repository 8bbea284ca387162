import { Text } from '@mantine/core';
import { ReviewBadge } from '@/components/ReviewBadge';
import { rowClasses as classes, LinkedRow, ProbabilityMeter, RowLink } from '@/components/RowTable';
import { StatBadge, StudyStateBadge } from '@/components/StudyBadges';
import { verdictOf } from '@/lib/disposition';
import { formatAge, formatDateTime } from '@/lib/format';
import { patientFacts, patientTitle } from '@/lib/patient';
import type { Tone } from '@/lib/tone';
import { useNow } from '@/lib/useNow';
import type { StudySummary } from '../api/useWorklist';

function toneOf(study: StudySummary): Tone | undefined {
  if (study.state === 'failed') {
    return 'quiet';
  }
  return study.disposition === null ? undefined : verdictOf(study.disposition, study.finding).tone;
}

function Probability({ study }: { study: StudySummary }) {
  const shown = study.disposition === 'confident' || study.disposition === 'uncertain';
  return <ProbabilityMeter value={shown ? study.stroke_probability : null} tone={toneOf(study)} />;
}

function StudyRow({ study, now }: { study: StudySummary; now: number }) {
  const to = `/studies/${study.id}`;
  return (
    <LinkedRow to={to} tone={toneOf(study)}>
      <td className={classes.patient}>
        <RowLink to={to}>{patientTitle(study.patient)}</RowLink>
        <Text c="dimmed" fz="xs" truncate>
          {patientFacts(study.patient)}
        </Text>
      </td>
      <td className={classes.result}>
        <StudyStateBadge study={study} />
        {study.review_state !== null && study.review_state !== 'optional' && (
          <div className={classes.review}>
            <ReviewBadge state={study.review_state} agrees={study.reviewed_finding === study.finding} />
          </div>
        )}
      </td>
      <td className={classes.chance}>
        <Probability study={study} />
      </td>
      <td className={classes.kind}>
        <span>{study.modality}</span>
        {study.priority === 'STAT' && <StatBadge />}
      </td>
      <td className={`${classes.received} numbers`}>
        <time dateTime={study.received_at} title={formatDateTime(study.received_at)}>
          {formatAge(study.received_at, now)} ago
        </time>
      </td>
    </LinkedRow>
  );
}

/** The studies, one a row. On a narrow screen each row becomes a card. */
export function WorklistTable({ studies, label }: { studies: readonly StudySummary[]; label: string }) {
  const now = useNow(15_000);
  return (
    <table className={classes.table} aria-label={label}>
      <thead className={classes.head}>
        <tr>
          <th scope="col">Patient</th>
          <th scope="col">Result</th>
          <th scope="col">Probability</th>
          <th scope="col">Scan</th>
          <th scope="col">Received</th>
        </tr>
      </thead>
      <tbody>
        {studies.map((study) => (
          <StudyRow key={study.id} study={study} now={now} />
        ))}
      </tbody>
    </table>
  );
}
