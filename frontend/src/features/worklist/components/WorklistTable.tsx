import { Text } from '@mantine/core';
import type { KeyboardEvent } from 'react';
import { Link, useNavigate } from 'react-router';
import { StatBadge, StudyStateBadge } from '@/components/StudyBadges';
import { verdictOf } from '@/lib/disposition';
import { formatAge, formatDateTime, formatProbability } from '@/lib/format';
import { patientFacts, patientTitle } from '@/lib/patient';
import type { Tone } from '@/lib/tone';
import { useNow } from '@/lib/useNow';
import type { StudySummary } from '../api/useWorklist';
import classes from './WorklistTable.module.css';

function toneOf(study: StudySummary): Tone | undefined {
  if (study.state === 'failed') {
    return 'quiet';
  }
  return study.disposition === null ? undefined : verdictOf(study.disposition, study.finding).tone;
}

function Probability({ study }: { study: StudySummary }) {
  const shown = study.disposition === 'confident' || study.disposition === 'uncertain';
  if (!shown || study.stroke_probability === null) {
    return <Text c="dimmed">–</Text>;
  }
  return (
    <div className={classes.probability}>
      <span className="numbers">{formatProbability(study.stroke_probability)}</span>
      <div className={classes.meter} data-tone={toneOf(study)} aria-hidden>
        <div style={{ width: `${study.stroke_probability * 100}%` }} />
      </div>
    </div>
  );
}

function StudyRow({ study, now }: { study: StudySummary; now: number }) {
  const navigate = useNavigate();
  const to = `/studies/${study.id}`;
  return (
    // The link in the row is what keyboards and screen readers use; the rest of the row is a larger target for it.
    <tr
      className={classes.row}
      data-tone={toneOf(study)}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a'))) {
          void navigate(to);
        }
      }}
    >
      <td className={classes.patient}>
        <Link to={to} className={classes.link ?? ''} data-row-link>
          {patientTitle(study.patient)}
        </Link>
        <Text c="dimmed" fz="xs" truncate>
          {patientFacts(study.patient)}
        </Text>
      </td>
      <td className={classes.result}>
        <StudyStateBadge study={study} />
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
    </tr>
  );
}

const STEP: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

/** Moves the focus between the rows' links; says whether it took the key. */
export function moveBetweenRows(event: KeyboardEvent | globalThis.KeyboardEvent): boolean {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('[data-row-link]')];
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  const step = STEP[event.key];
  if (step === undefined || (event.key.startsWith('Arrow') && at < 0)) {
    return false;
  }
  const next = at < 0 ? links[0] : links[Math.min(links.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
  return next !== undefined;
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
