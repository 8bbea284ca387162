import { expect, it } from 'vitest';
import type { ModelVersion } from './api/useModels';
import { onTestSet, ownEvaluation, sharedTestSet, testPatients } from './evaluation';

const starter: ModelVersion = {
  version: '0.2.0',
  sha256: 'a'.repeat(64),
  registered_at: '2026-11-24T10:00:00Z',
  aliases: ['champion'],
  gate: null,
  training_id: null,
  training_state: null,
  approvals: 0,
  can_be_promoted: false,
  can_be_rolled_back_to: false,
  figures: { 'study.roc_auc': 0.906, 'slice.roc_auc': 0.922, 'study.roc_auc_on_test_set': 0.829 },
  measured: {
    test_set: 'frozen',
    test_patients: 12,
    test_figures: { 'study.roc_auc': 0.829, 'slice.roc_auc': 0.918 },
    on_test_set: false,
    patients: 82,
    how: '5-fold cross-validation by patient, pooled out-of-fold predictions; limits fitted on the others',
  },
};
const candidate: ModelVersion = {
  ...starter,
  version: '0.2.1',
  aliases: [],
  figures: { 'study.roc_auc': 0.857 },
  measured: {
    ...starter.measured,
    test_figures: { 'study.roc_auc': 0.857, 'slice.roc_auc': 0.92 },
    on_test_set: true,
    patients: null,
    how: 'Measured on the frozen test set',
  },
};
const stranger: ModelVersion = {
  ...candidate,
  version: '1.0.0',
  measured: { ...candidate.measured, test_set: 'other', test_patients: 30 },
};

it('versions stand side by side on the test set that they share, and never by a cross-validation', () => {
  const shared = sharedTestSet([candidate, starter], '0.2.0');
  expect([starter, candidate].map((one) => onTestSet(one, shared, 'study'))).toEqual([
    { figure: '0.829', apart: null },
    { figure: '0.857', apart: null },
  ]);
  expect(testPatients([candidate, starter], shared)).toBe('12 patients');
});

it('what was measured on other patients says so', () => {
  expect(onTestSet(stranger, 'frozen', 'study').apart).toBe('another test set of 30 patients');
  expect(sharedTestSet([stranger, starter], '0.2.0')).toBe('frozen');
  expect(sharedTestSet([stranger, starter], null)).toBe('other');
});

it('an evaluation of its own names its patients and how, in short', () => {
  expect(ownEvaluation(starter)).toEqual({
    figures: '0.906 studies, 0.922 slices',
    how: '82 patients, 5-fold cross-validation by patient',
  });
  expect(ownEvaluation(candidate)).toBeNull();
});

it('a version without a test set has no figure on one', () => {
  const bare = {
    ...starter,
    measured: { ...starter.measured, test_set: null, test_figures: {}, test_patients: null },
  };
  expect(onTestSet(bare, 'frozen', 'study')).toEqual({ figure: '–', apart: null });
  expect([sharedTestSet([bare], '0.2.0'), testPatients([bare], null)]).toEqual([null, null]);
});
