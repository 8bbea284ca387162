import { expect, it } from 'vitest';
import { shareText } from './rollout';

it.each([
  [null, '–'],
  [0.5, '50 %'],
  [0.1234, '12.3 %'],
  [0.9999, '>99.9 %'],
  [1, '100 %'],
])('a share of %s is said as %s', (share, text) => {
  expect(shareText(share)).toBe(text);
});
