import type { Tone } from '@/lib/tone';
import { Chart } from './Chart';
import classes from './Chart.module.css';
import { pathThrough, shownLabels, ticksTo } from './scale';

const HEIGHT = 150;
const BOTTOM = 20;
const LEFT = 38;
const TOP = 8;

export interface Line {
  readonly label: string;
  readonly tone: Tone;
  /** One for each label of the axis; null where there is none. */
  readonly values: readonly (number | null)[];
}

interface LineChartProps {
  readonly title: string;
  readonly summary: string;
  /** What the values stand at, e.g. days. */
  readonly labels: readonly string[];
  readonly lines: readonly Line[];
  /** Above it something is wrong. */
  readonly limit?: { readonly value: number; readonly label: string };
  /** The least upper end of the axis. */
  readonly atLeast?: number;
  readonly format: (value: number) => string;
}

/** Figures over time. */
export function LineChart({ title, summary, labels, lines, limit, atLeast = 0, format }: LineChartProps) {
  const values = lines.flatMap((line) => line.values.filter((value) => value !== null));
  const ticks = ticksTo(Math.max(atLeast, limit?.value ?? 0, ...values));
  const top = ticks.at(-1) ?? 1;
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - Math.max(0, value) / top);
  return (
    <Chart
      title={title}
      summary={summary}
      height={HEIGHT}
      legend={lines.map(({ label, tone }) => ({ label, tone, shape: 'line' }))}
      table={{
        columns: ['Day', ...lines.map(({ label }) => label)],
        rows: labels.map((label, index) => [
          label,
          ...lines.map((line) => {
            const value = line.values[index];
            return value === null || value === undefined ? '–' : format(value);
          }),
        ]),
      }}
    >
      {(width) => {
        const step = (width - LEFT - 8) / Math.max(1, labels.length - 1);
        const x = (index: number) => LEFT + (labels.length === 1 ? (width - LEFT) / 2 : index * step);
        return (
          <>
            {ticks.map((tick) => (
              <g key={tick}>
                <line className={classes.grid} x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
                <text x={LEFT - 6} y={y(tick) + 3.5} textAnchor="end">
                  {format(tick)}
                </text>
              </g>
            ))}
            {shownLabels(labels.length, width - LEFT).map((index) => (
              <text
                key={labels[index]}
                x={x(index)}
                y={HEIGHT - 4}
                textAnchor={index === labels.length - 1 ? 'end' : 'middle'}
              >
                {labels[index]}
              </text>
            ))}
            {limit && (
              <>
                <line
                  className={classes.limit}
                  x1={LEFT}
                  x2={width}
                  y1={y(limit.value)}
                  y2={y(limit.value)}
                />
                <text x={width} y={y(limit.value) - 4} textAnchor="end">
                  {limit.label}
                </text>
              </>
            )}
            {lines.map((line) => (
              <g key={line.label} data-tone={line.tone}>
                <path
                  className={classes.line}
                  d={pathThrough(
                    line.values.map((value, index) => (value === null ? null : [x(index), y(value)])),
                  )}
                />
                {line.values.map(
                  (value, index) =>
                    value !== null && (
                      <circle
                        key={labels[index]}
                        className={classes.dot}
                        cx={x(index)}
                        cy={y(value)}
                        r={2.5}
                      />
                    ),
                )}
              </g>
            ))}
          </>
        );
      }}
    </Chart>
  );
}
