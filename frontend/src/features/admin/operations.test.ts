import { expect, it } from 'vitest';
import { figureOf, formatFigure, formatSpan } from './operations';

const FIGURES = [
  { name: 'ictus_jobs', help: '', labels: { state: 'queued' }, value: 3 },
  { name: 'ictus_jobs', help: '', labels: { state: 'running' }, value: 1 },
  { name: 'ictus_oldest_queued_job_seconds', help: '', labels: {}, value: 75.4 },
];

it('finds the sample of a label, and says when there is none', () => {
  expect(figureOf(FIGURES, 'ictus_jobs', 'running')).toBe(1);
  expect(figureOf(FIGURES, 'ictus_oldest_queued_job_seconds')).toBe(75.4);
  expect(figureOf(FIGURES, 'ictus_jobs', 'failed')).toBeNull();
});

it('knows a figure’s unit by its name', () => {
  expect(FIGURES.map(formatFigure)).toEqual(['3', '1', '1 min']);
});

it('shows a dash for a time that is not known', () => {
  expect([formatSpan(null), formatSpan(12)]).toEqual(['–', '12 s']);
});
