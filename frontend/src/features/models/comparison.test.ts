import { expect, it } from 'vitest';
import type { ComparedFigure } from './api/useModels';
import { comparedRows, comparisonSummary, RIGHT, WRONG } from './comparison';

const metric = (value: number, low: number | null, high: number | null) => ({
  name: 'roc_auc',
  level: 'slice' as const,
  value,
  low,
  high,
});
const figure = (challenger: ComparedFigure['challenger']): ComparedFigure => ({
  name: 'roc_auc',
  level: 'slice',
  champion: metric(0.9, 0.88, 0.92),
  challenger,
});

it('figures that few people ask for are left to the table', () => {
  expect(comparedRows([{ ...figure(null), name: 'specificity_at_target_95' }], RIGHT)).toEqual([]);
});

it('intervals that overlap are said to prove nothing', () => {
  expect(comparisonSummary(comparedRows([figure(metric(0.91, 0.89, 0.93))], RIGHT))).toMatch(/overlap/);
});

it('a figure whose intervals lie apart is named', () => {
  const rows = comparedRows([figure(metric(0.95, 0.93, 0.97))], RIGHT);
  expect(comparisonSummary(rows)).toBe('Told apart by their intervals: ROC-AUC, slices.');
});

it('a version without intervals is told apart by nothing', () => {
  expect(comparisonSummary(comparedRows([figure(metric(0.99, null, null))], RIGHT))).toMatch(/overlap/);
});

it('errors and merits never share a scale', () => {
  expect(comparedRows([figure(null)], WRONG)).toEqual([]);
  expect(comparedRows([{ ...figure(null), name: 'ece' }], WRONG)).toHaveLength(1);
});
