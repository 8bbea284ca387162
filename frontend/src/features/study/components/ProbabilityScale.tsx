import { Text } from '@mantine/core';
import { formatProbability } from '@/lib/format';
import type { ResultDetail } from '../api/useStudy';
import classes from './ProbabilityScale.module.css';

interface ProbabilityScaleProps {
  readonly probability: number;
  readonly thresholds: ResultDetail['thresholds'];
}

/** The study's probability on the scale that it was decided by: normal, uncertain, stroke. */
export function ProbabilityScale({ probability, thresholds }: ProbabilityScaleProps) {
  const low = thresholds?.normal_at_most ?? 0;
  const high = thresholds?.stroke_at_least ?? 1;
  const at = `${Math.min(99, Math.max(1, probability * 100))}%`;
  return (
    <div className={classes.root}>
      <div
        className={classes.scale}
        role="img"
        aria-label={
          thresholds
            ? `Probability ${formatProbability(probability)}; normal up to ${formatProbability(low)}, stroke from ${formatProbability(high)}`
            : `Probability ${formatProbability(probability)}`
        }
      >
        <div data-band="low" style={{ width: `${low * 100}%` }} />
        <div data-band="middle" style={{ width: `${(high - low) * 100}%` }} />
        <div data-band="high" style={{ width: `${(1 - high) * 100}%` }} />
        <div className={classes.marker} style={{ left: at }} />
      </div>
      {thresholds && (
        <div className={`${classes.ticks} numbers`} aria-hidden>
          <Text span style={{ left: `${low * 100}%` }}>
            {formatProbability(low)}
          </Text>
          <Text span style={{ left: `${high * 100}%` }}>
            {formatProbability(high)}
          </Text>
        </div>
      )}
    </div>
  );
}
