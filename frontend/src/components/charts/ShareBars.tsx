import { Chart } from './Chart';
import classes from './Chart.module.css';

const ROW = 36;
const NAME = 14;
const BAR = 8;
const PERCENT = 44;

export interface Share {
  readonly name: string;
  /** Of all there is now and was before, 0–1. */
  readonly now: number;
  readonly reference: number;
}

interface ShareBarsProps {
  readonly title: string;
  readonly summary: string;
  /** What the names are, over the table's first column. */
  readonly of: string;
  readonly shares: readonly Share[];
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** What something is made of now (bars), against what it was made of in the reference window (outlines). */
export function ShareBars({ title, summary, of, shares }: ShareBarsProps) {
  const longest = Math.max(0.01, ...shares.flatMap(({ now, reference }) => [now, reference]));
  return (
    <Chart
      title={title}
      summary={summary}
      height={shares.length * ROW}
      legend={[
        { label: 'Now', tone: 'info', shape: 'box' },
        { label: 'Reference', tone: 'quiet', shape: 'outline' },
      ]}
      table={{
        columns: [of, 'Now', 'Reference'],
        rows: shares.map(({ name, now, reference }) => [name, percent(now), percent(reference)]),
      }}
    >
      {(width) => {
        const long = (share: number) => ((width - PERCENT) * share) / longest;
        return shares.map(({ name, now, reference }, index) => {
          const top = index * ROW;
          return (
            <g key={name}>
              <text x={0} y={top + NAME - 4}>
                {name}
              </text>
              <rect
                className={classes.bar}
                data-tone="info"
                x={0}
                y={top + NAME}
                width={long(now)}
                height={BAR}
              />
              <text x={long(now) + 5} y={top + NAME + BAR - 0.5}>
                {percent(now)}
              </text>
              {reference > 0 && (
                <rect
                  className={classes.outline}
                  x={0.75}
                  y={top + NAME + BAR + 2}
                  width={Math.max(1, long(reference) - 1.5)}
                  height={BAR - 2}
                />
              )}
            </g>
          );
        });
      }}
    </Chart>
  );
}
