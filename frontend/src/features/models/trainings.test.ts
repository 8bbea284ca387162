import { expect, it } from 'vitest';
import { approvalsMissing, figureName, figureText, isOpen, percentDone, testFigures } from './trainings';

it('a candidate’s figures stand beside the champion’s', () => {
  expect(testFigures({ test_auc: 0.91, champion_test_auc: 0.9, loss: 0.2 })).toEqual([
    { name: 'loss', candidate: 0.2, champion: null },
    { name: 'test_auc', candidate: 0.91, champion: 0.9 },
  ]);
});

it('progress never leaves the bar', () => {
  const at = (fraction: number) =>
    percentDone({ progress: { stage: null, fraction, figures: {}, at: null } });
  expect([at(-1), at(0.337), at(7)]).toEqual([0, 34, 100]);
});

it('a training is open until it has ended', () => {
  expect(isOpen({ state: 'cancelling' })).toBe(true);
  expect(isOpen({ state: 'awaiting_approval' })).toBe(false);
});

it('approvals still missing are counted', () => {
  const approval = { approver_id: 'a', approver: 'A', approved_at: '' };
  expect(approvalsMissing({ approvals: [approval], approvals_needed: 2 })).toBe(1);
  expect(approvalsMissing({ approvals: [approval, approval], approvals_needed: 1 })).toBe(0);
});

it.each([
  [null, '–'],
  [12, '12'],
  [0.12345, '0.123'],
  [0.00002, '2.0e-5'],
])('%s is shown as %s', (value, text) => {
  expect(figureText(value)).toBe(text);
});

it('letters that stand for words stay capitals', () => {
  expect([figureName('test_auc'), figureName('maximum_ece'), figureName('sauce_of_loss')]).toEqual([
    'Test AUC',
    'Maximum ECE',
    'Sauce of loss',
  ]);
});
