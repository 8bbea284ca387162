import type { Tone } from '@/lib/tone';
import { Chart } from './Chart';
import classes from './Chart.module.css';
import { rangeOf } from './scale';

const ROW = 44;
const BOTTOM = 20;

export interface Measured {
  readonly value: number;
  /** The ends of the 95 % interval; null where none is known. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface IntervalRow {
  readonly label: string;
  readonly champion: Measured | null;
  readonly challenger: Measured | null;
}

interface IntervalChartProps {
  readonly title: string;
  readonly summary: string;
  readonly rows: readonly IntervalRow[];
  readonly names: { readonly champion: string; readonly challenger: string };
}

function text(measured: Measured | null): string {
  if (measured === null) {
    return '–';
  }
  const { value, low, high } = measured;
  return low === null || high === null
    ? value.toFixed(3)
    : `${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
}

const SIDES: readonly {
  readonly side: 'champion' | 'challenger';
  readonly tone: Tone;
  readonly at: number;
}[] = [
  { side: 'champion', tone: 'quiet', at: 22 },
  { side: 'challenger', tone: 'info', at: 34 },
];

/** Two versions' figures with their 95 % intervals, one above the other. */
export function IntervalChart({ title, summary, rows, names }: IntervalChartProps) {
  const height = rows.length * ROW + BOTTOM;
  const ends = rows.flatMap(({ champion, challenger }) =>
    [champion, challenger].flatMap((one) =>
      one === null ? [] : [one.low ?? one.value, one.high ?? one.value],
    ),
  );
  const [low, high] = rangeOf(ends, [0, 1]);
  return (
    <Chart
      title={title}
      summary={summary}
      height={height}
      legend={[
        { label: names.champion, tone: 'quiet', shape: 'dot' },
        { label: names.challenger, tone: 'info', shape: 'dot' },
      ]}
      table={{
        columns: ['Figure', names.champion, names.challenger],
        rows: rows.map(({ label, champion, challenger }) => [label, text(champion), text(challenger)]),
      }}
    >
      {(width) => {
        const x = (value: number) => 6 + ((value - low) / (high - low || 1)) * (width - 12);
        return (
          <>
            {[low, (low + high) / 2, high].map((tick, index) => (
              <g key={tick}>
                <line className={classes.grid} x1={x(tick)} x2={x(tick)} y1={0} y2={height - BOTTOM} />
                <text x={x(tick)} y={height - 4} textAnchor={(['start', 'middle', 'end'] as const)[index]}>
                  {tick.toFixed(2)}
                </text>
              </g>
            ))}
            {rows.map((row, index) => (
              <g key={row.label} transform={`translate(0 ${index * ROW})`}>
                <text x={6} y={11}>
                  {row.label}
                </text>
                {SIDES.map(({ side, tone, at }) => {
                  const one = row[side];
                  return (
                    one !== null && (
                      <g key={side} data-tone={tone}>
                        {one.low !== null && one.high !== null && (
                          <line
                            className={classes.interval}
                            x1={x(one.low)}
                            x2={x(one.high)}
                            y1={at}
                            y2={at}
                          />
                        )}
                        <circle className={classes.dot} cx={x(one.value)} cy={at} r={5} />
                      </g>
                    )
                  );
                })}
              </g>
            ))}
          </>
        );
      }}
    </Chart>
  );
}
