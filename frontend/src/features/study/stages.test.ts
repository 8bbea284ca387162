import { describe, expect, it } from 'vitest';
import { naturalFrequency } from './naturalFrequency';
import { activityOf, stepsOf } from './stages';

describe('the steps of an analysis', () => {
  it('wait before a worker has it', () => {
    const steps = stepsOf({ state: 'queued', stage: null });
    expect(steps.map(({ state }) => state)).toEqual(['done', 'now', 'next', 'next', 'next', 'next', 'next']);
  });

  it('are done up to the present one', () => {
    const steps = stepsOf({ state: 'running', stage: 'classifying' });
    expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'now', 'next', 'next']);
  });

  it('say what is being done and how far', () => {
    expect(activityOf({ state: 'running', stage: 'classifying', done: 3, total: 24, attempt: 1 })).toBe(
      'Looking at each slice: 3 of 24',
    );
    expect(activityOf({ state: 'queued', stage: null, done: 0, total: 0, attempt: 1 })).toContain('again');
  });
});

it('puts a probability as a count of scans', () => {
  expect(naturalFrequency(0.87, 'a bleed')).toBe(
    'Of 100 scans that get this score, about 87 show a bleed and about 13 do not.',
  );
  expect(naturalFrequency(0.002, 'a bleed')).toContain('fewer than 1');
  expect(naturalFrequency(0.999, 'a bleed')).toContain('more than 99');
});
