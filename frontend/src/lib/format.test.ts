import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatProbability, formatSeconds, formatWait, plural } from './format';

describe('formatProbability', () => {
  it('never claims certainty', () => {
    expect(formatProbability(0)).toBe('<1%');
    expect(formatProbability(1)).toBe('>99%');
  });

  it('shows a tenth where a whole per cent would hide the difference', () => {
    expect(formatProbability(0.034)).toBe('3.4%');
    expect(formatProbability(0.506)).toBe('51%');
    expect(formatProbability(0.934)).toBe('93.4%');
  });

  it('shows a dash where there is none', () => {
    expect(formatProbability(null)).toBe('–');
  });
});

describe('lengths of time', () => {
  it.each([
    [0.42, '0.4 s'],
    [59, '59 s'],
    [61, '1 min'],
    [7300, '2 h'],
    [200_000, '2 d'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [0.2, '1 second'],
    [30, '30 seconds'],
    [61, '61 seconds'],
    [100, '2 minutes'],
  ])('to wait %d seconds is said as %s', (seconds, text) => {
    expect(formatWait(seconds)).toBe(text);
  });

  it('never gives a negative age when two clocks differ', () => {
    expect(formatAge('2026-01-01T00:00:10Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('0.0 s');
  });
});

it('gives sizes in decimal units', () => {
  expect([999, 15_700, 2_000_000_000].map(formatBytes)).toEqual(['999 B', '15.7 kB', '2.0 GB']);
});

it('counts in words', () => {
  expect([plural(1, 'slice'), plural(1200, 'slice')]).toEqual(['1 slice', '1,200 slices']);
});
