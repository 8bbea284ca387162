import type { ModelMetric } from './api/useCurrentModel';

const FIGURES: Record<string, string> = {
  roc_auc: 'ROC-AUC',
  pr_auc: 'Precision-recall AUC',
  accuracy: 'Accuracy',
  precision: 'Precision',
  f1: 'F1 score',
  sensitivity: 'Sensitivity',
  specificity: 'Specificity',
  sensitivity_ruling_out: 'Strokes not called confidently normal',
  specificity_ruling_out: 'Normals called confidently normal',
  confident_share: 'Share of confident answers',
  confident_accuracy: 'Accuracy of confident answers',
  brier: 'Brier score (lower is better)',
  ece: 'Calibration error (lower is better)',
};

const AT_TARGET = /^(sensitivity|specificity)_at_target_(\d+)$/;
const IN_SERIES = '_in_series';
const ON_TEST_SET = '_on_test_set';

/** A figure of the evaluation as people say it. */
export function metricName(name: string): string {
  if (name.endsWith(IN_SERIES))
    return `${metricName(name.slice(0, -IN_SERIES.length))}, slices judged in their series`;
  if (name.endsWith(ON_TEST_SET))
    return `${metricName(name.slice(0, -ON_TEST_SET.length))}, on the frozen test set`;
  const target = AT_TARGET.exec(name);
  if (target !== null) return `${FIGURES[target[1] ?? '']} where ${target[2]} % sensitivity was aimed at`;
  return FIGURES[name] ?? name.replaceAll('_', ' ');
}

/** A value with its interval, "0.81 (0.70–0.89)". */
export function metricText({ value, low, high }: ModelMetric): string {
  const interval = low === null || high === null ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
  return value.toFixed(2) + interval;
}

export interface MetricRow {
  readonly name: string;
  readonly study: string;
  readonly slice: string;
}

/** One row for each figure, in the order of the evaluation; a level that was not measured is "–". */
export function metricRows(metrics: readonly ModelMetric[]): MetricRow[] {
  const names = [...new Set(metrics.map(({ name }) => name))];
  const text = (name: string, level: ModelMetric['level']) => {
    const found = metrics.find((metric) => metric.name === name && metric.level === level);
    return found === undefined ? '–' : metricText(found);
  };
  return names.map((name) => ({
    name: metricName(name),
    study: text(name, 'study'),
    slice: text(name, 'slice'),
  }));
}
