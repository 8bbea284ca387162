import { expect, it } from 'vitest';
import { pathThrough, rangeOf, shownLabels, ticksTo } from './scale';

it.each([
  [3, [0, 1, 2, 3]],
  [0.23, [0, 0.1, 0.2, 0.3]],
  [97, [0, 25, 50, 75, 100]],
])('an axis up to %d is divided in round steps', (most, ticks) => {
  expect(ticksTo(most)).toEqual(ticks);
});

it('an axis of nothing still has two ends', () => {
  expect(ticksTo(0).length).toBeGreaterThanOrEqual(2);
});

it('a range has air, but not beyond what the figure can be', () => {
  expect(rangeOf([0.8, 1], [0, 1])).toEqual([0.78, 1]);
  expect(rangeOf([], [0, 1])).toEqual([0, 1]);
});

it('a day without a value interrupts the line', () => {
  expect(pathThrough([[0, 1], [2, 3], null, [4, 5]])).toBe('M0.0,1.0L2.0,3.0M4.0,5.0');
});

it('labels that have no room are left out, never the last', () => {
  expect(shownLabels(5, 1000)).toEqual([0, 1, 2, 3, 4]);
  expect(shownLabels(30, 320)).toEqual([5, 11, 17, 23, 29]);
});
