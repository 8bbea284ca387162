import type { Tone } from '@/lib/tone';
import { Chart } from './Chart';
import classes from './Chart.module.css';
import { shownLabels, ticksTo } from './scale';

const HEIGHT = 170;
const BOTTOM = 20;
const LEFT = 38;
const TOP = 8;

export interface BarPart {
  readonly label: string;
  readonly tone: Tone;
  readonly counts: readonly number[];
}

interface StackedBarsProps {
  readonly title: string;
  readonly summary: string;
  readonly labels: readonly string[];
  /** From the bottom to the top. */
  readonly parts: readonly BarPart[];
}

/** Counts a day, and what they are made of. */
export function StackedBars({ title, summary, labels, parts }: StackedBarsProps) {
  const totals = labels.map((_, index) => parts.reduce((sum, part) => sum + (part.counts[index] ?? 0), 0));
  const ticks = ticksTo(Math.max(4, ...totals)).filter(Number.isInteger);
  const top = ticks.at(-1) ?? 1;
  const tall = HEIGHT - TOP - BOTTOM;
  return (
    <Chart
      title={title}
      summary={summary}
      height={HEIGHT}
      legend={parts.map(({ label, tone }) => ({ label, tone, shape: 'box' }))}
      table={{
        columns: ['Day', ...parts.map(({ label }) => label), 'All'],
        rows: labels.map((label, index) => [
          label,
          ...parts.map((part) => String(part.counts[index] ?? 0)),
          String(totals[index]),
        ]),
      }}
    >
      {(width) => {
        const slot = (width - LEFT) / Math.max(1, labels.length);
        const thick = Math.min(28, Math.max(2, slot * 0.7));
        return (
          <>
            {ticks.map((tick) => {
              const y = TOP + tall * (1 - tick / top);
              return (
                <g key={tick}>
                  <line className={classes.grid} x1={LEFT} x2={width} y1={y} y2={y} />
                  <text x={LEFT - 6} y={y + 3.5} textAnchor="end">
                    {tick}
                  </text>
                </g>
              );
            })}
            {labels.map((label, index) => {
              let below = 0;
              return parts.map((part) => {
                const count = part.counts[index] ?? 0;
                const height = (count / top) * tall;
                below += height;
                return (
                  count > 0 && (
                    <rect
                      key={`${label} ${part.label}`}
                      className={classes.bar}
                      data-tone={part.tone}
                      x={LEFT + slot * (index + 0.5) - thick / 2}
                      y={TOP + tall - below}
                      width={thick}
                      height={Math.max(1, height - 1)}
                    />
                  )
                );
              });
            })}
            {shownLabels(labels.length, width - LEFT).map((index) => (
              <text
                key={labels[index]}
                x={LEFT + slot * (index + 0.5)}
                y={HEIGHT - 4}
                textAnchor={index === labels.length - 1 && slot < 40 ? 'end' : 'middle'}
              >
                {labels[index]}
              </text>
            ))}
          </>
        );
      }}
    </Chart>
  );
}
