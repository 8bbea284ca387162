import { Chart } from './Chart';
import classes from './Chart.module.css';
import { ticksTo } from './scale';

const HEIGHT = 150;
const BOTTOM = 20;
const LEFT = 38;
const TOP = 8;

interface HistogramProps {
  readonly title: string;
  readonly summary: string;
  /** The ends of the bins: one more than there are bins. */
  readonly edges: readonly number[];
  /** The share of each bin, 0–1. */
  readonly now: readonly number[];
  readonly reference: readonly number[];
  readonly format: (value: number) => string;
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** How a figure is spread now (bars), against how it was spread in the reference window (outline). */
export function Histogram({ title, summary, edges, now, reference, format }: HistogramProps) {
  const ticks = ticksTo(Math.max(0.1, ...now, ...reference), 3);
  const top = ticks.at(-1) ?? 1;
  const tall = HEIGHT - TOP - BOTTOM;
  const y = (share: number) => TOP + tall * (1 - share / top);
  const bins = edges.slice(0, -1).map((edge, index) => `${format(edge)}–${format(edges[index + 1] ?? edge)}`);
  return (
    <Chart
      title={title}
      summary={summary}
      height={HEIGHT}
      legend={[
        { label: 'Now', tone: 'info', shape: 'box' },
        { label: 'Reference', tone: 'quiet', shape: 'outline' },
      ]}
      table={{
        columns: ['From–to', 'Now', 'Reference'],
        rows: bins.map((bin, index) => [bin, percent(now[index] ?? 0), percent(reference[index] ?? 0)]),
      }}
    >
      {(width) => {
        const slot = (width - LEFT) / Math.max(1, bins.length);
        const x = (index: number) => LEFT + slot * index;
        const outline = reference.map(
          (share, index) => `L${x(index)},${y(share)}L${x(index + 1)},${y(share)}`,
        );
        return (
          <>
            {ticks.map((tick) => (
              <g key={tick}>
                <line className={classes.grid} x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
                <text x={LEFT - 6} y={y(tick) + 3.5} textAnchor="end">
                  {percent(tick)}
                </text>
              </g>
            ))}
            {bins.map((bin, index) => (
              <rect
                key={bin}
                className={classes.bar}
                data-tone="info"
                x={x(index) + 1}
                y={y(now[index] ?? 0)}
                width={Math.max(1, slot - 2)}
                height={TOP + tall - y(now[index] ?? 0)}
              />
            ))}
            {reference.length > 0 && (
              <path
                className={classes.outline}
                d={`M${x(0)},${y(0)}${outline.join('')}L${x(bins.length)},${y(0)}`}
              />
            )}
            {edges.map(
              (edge, index) =>
                index % Math.max(1, Math.ceil((edges.length * 34) / width)) === 0 && (
                  <text
                    key={edge}
                    x={x(index)}
                    y={HEIGHT - 4}
                    textAnchor={index === edges.length - 1 ? 'end' : 'middle'}
                  >
                    {format(edge)}
                  </text>
                ),
            )}
          </>
        );
      }}
    </Chart>
  );
}
