import { expect, it } from 'vitest';
import { changesBetween } from './changes';

const seen = {
  job_id: 'one',
  revision: 1,
  state: 'second_reader',
  verdicts: [],
  hidden_verdicts: 1,
  model_version: '1.0',
} as const;

it('the same review has not changed', () => {
  expect(changesBetween({ ...seen, verdicts: [] }, { ...seen, verdicts: [] })).toEqual([]);
});

it('another reader’s verdict is said, and where the review stands now', () => {
  const after = { ...seen, verdicts: [], revision: 2, hidden_verdicts: 2, state: 'conflict' } as const;
  expect(changesBetween({ ...seen, verdicts: [] }, { ...after, verdicts: [] })).toEqual([
    '1 other verdict was given.',
    'Two readers disagree: a third decides.',
  ]);
});

it('a replaced verdict is told from a new one', () => {
  expect(changesBetween({ ...seen, verdicts: [] }, { ...seen, verdicts: [], revision: 2 })).toEqual([
    'Another reader changed their verdict.',
  ]);
});

it('another analysis comes before everything else', () => {
  const after = { ...seen, verdicts: [], job_id: 'two', model_version: '1.1', revision: 0 };
  expect(changesBetween({ ...seen, verdicts: [] }, after)).toEqual([
    'The scan was analysed again, by model 1.1. Look at the new answer.',
  ]);
});
