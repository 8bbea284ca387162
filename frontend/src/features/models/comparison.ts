import type { IntervalRow, Measured } from '@/components/charts/IntervalChart';
import type { ComparedFigure } from './api/useModels';
import { metricName } from './metrics';

type Metric = ComparedFigure['champion'];

/** The figures by which two versions are told apart at a glance; the others stand in the table of each version. */
export const RIGHT = ['roc_auc', 'sensitivity', 'specificity', 'accuracy'];
/** Those that are better the lower they are, on a scale of their own. */
export const WRONG = ['brier', 'ece'];

function measured(metric: Metric): Measured | null {
  return metric === null ? null : { value: metric.value, low: metric.low, high: metric.high };
}

/** These figures of both versions, studies before slices. */
export function comparedRows(
  comparison: readonly ComparedFigure[],
  names: readonly string[],
): readonly IntervalRow[] {
  return (['study', 'slice'] as const).flatMap((level) =>
    names.flatMap((name) => {
      const found = comparison.find((figure) => figure.name === name && figure.level === level);
      return found === undefined
        ? []
        : [
            {
              label: `${metricName(name)}, ${level === 'study' ? 'studies' : 'slices'}`,
              champion: measured(found.champion),
              challenger: measured(found.challenger),
            },
          ];
    }),
  );
}

/** What the comparison says in a sentence: how many figures are better, as far as the intervals tell them apart. */
export function comparisonSummary(rows: readonly IntervalRow[]): string {
  const apart = rows.filter(
    ({ champion, challenger }) =>
      champion?.low != null &&
      champion.high != null &&
      challenger?.low != null &&
      challenger.high != null &&
      (champion.high < challenger.low || challenger.high < champion.low),
  );
  return apart.length === 0
    ? 'The intervals of all figures overlap: chance alone could make these differences.'
    : `Told apart by their intervals: ${apart.map(({ label }) => label).join('; ')}.`;
}
