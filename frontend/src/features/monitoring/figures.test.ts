import { expect, it } from 'vitest';
import type { DayFigures } from './api/useMonitoring';
import { dayLabel, kappaInWords, percentOf, shares, totalsOf, valueLabel } from './figures';

const day: DayFigures = {
  day: '2026-11-24',
  received: 5,
  answered: 4,
  failed: 1,
  dispositions: { confident: 3, uncertain: 1, unsuitable: 0, not_validated: 0 },
  mean_stroke_probability: 0.4,
  mean_novelty: null,
  mean_uncertainty: 0.2,
  mean_intensity: null,
};

it('days are taken together', () => {
  expect(totalsOf([day, day])).toEqual({ received: 10, answered: 8, failed: 2, confident: 6 });
});

it('a share of nothing is said to be none', () => {
  expect([percentOf(1, 3), percentOf(0, 0)]).toEqual(['33 %', '–']);
  expect(shares([0, 0])).toEqual([0, 0]);
  expect(shares([1, 3])).toEqual([0.25, 0.75]);
});

it('brightness is written finely enough for neighbouring bins to differ', () => {
  expect([valueLabel('intensity', 0.525), valueLabel('contrast', 0.2275)]).toEqual(['0.525', '0.228']);
  expect([valueLabel('novelty', 0.6), valueLabel('uncertainty', 0.1)]).toEqual(['0.6', '10 %']);
});

it('a day is written as it was counted, whatever the time zone', () => {
  expect(dayLabel('2026-11-01')).toBe('1 Nov');
});

it.each([
  [-0.1, 'no better than chance'],
  [0.4, 'fair'],
  [0.61, 'substantial'],
  [1, 'almost perfect'],
])('a kappa of %d is %s', (kappa, said) => {
  expect(kappaInWords(kappa)).toBe(said);
});
