import { expect, test } from 'vitest';
import { metricName, metricRows } from './metrics';

test('figures of studies and slices stand side by side, with their intervals', () => {
  const rows = metricRows([
    { name: 'roc_auc', level: 'slice', value: 0.893, low: 0.859, high: 0.921 },
    { name: 'roc_auc', level: 'study', value: 0.81, low: 0.7, high: 0.89 },
    { name: 'made_up', level: 'slice', value: 0.5, low: null, high: null },
  ]);
  expect(rows).toEqual([
    { name: 'ROC-AUC', study: '0.81 (0.70–0.89)', slice: '0.89 (0.86–0.92)' },
    { name: 'made up', study: '–', slice: '0.50' },
  ]);
});

test.each([
  ['precision', 'Precision'],
  ['specificity_at_target_95', 'Specificity where 95 % sensitivity was aimed at'],
  ['roc_auc_in_series', 'ROC-AUC, slices judged in their series'],
  ['brier_on_test_set', 'Brier score (lower is better), on the frozen test set'],
])('%s is said as people say it', (name, said) => {
  expect(metricName(name)).toBe(said);
});
