import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { formatProbability } from '@/lib/format';
import type { Tone } from '@/lib/tone';
import classes from './RowTable.module.css';

/** The classes of a table whose rows lead somewhere, and become cards on a narrow screen. */
export { classes as rowClasses };

/** A probability with a bar as long as it is; a dash where there is none to show. */
export function ProbabilityMeter({ value, tone }: { value: number | null; tone: Tone | undefined }) {
  if (value === null) {
    return <Text c="dimmed">–</Text>;
  }
  return (
    <div className={classes.probability}>
      <span className="numbers">{formatProbability(value)}</span>
      <div className={classes.meter} data-tone={tone} aria-hidden>
        <div style={{ width: `${value * 100}%` }} />
      </div>
    </div>
  );
}

/** The link of a row. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className={classes.link ?? ''} data-row-link>
      {children}
    </Link>
  );
}

interface LinkedRowProps {
  readonly to: string;
  readonly tone: Tone | undefined;
  readonly children: ReactNode;
}

/** A row around a `RowLink`, which is what keyboards and screen readers use; the rest is a larger target for it. */
export function LinkedRow({ to, tone, children }: LinkedRowProps) {
  const navigate = useNavigate();
  return (
    <tr
      className={classes.row}
      data-tone={tone}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a'))) {
          void navigate(to);
        }
      }}
    >
      {children}
    </tr>
  );
}
