import { describe, expect, it } from 'vitest';
import { agreesWith, type Draft, draftOf, draftReducer, EMPTY, missingIn, verdictBody } from './draft';

const review = { job_id: 'job', revision: 3, finding: 'normal' } as const;
const sure: Draft = { ...EMPTY, decision: 'stroke', subtype: 'subdural', confidence: 'high' };

describe('a verdict being made', () => {
  it('has no subtype once it is no stroke any more', () => {
    expect(draftReducer(sure, { type: 'decide', decision: 'normal' }).subtype).toBeNull();
    expect(draftReducer(sure, { type: 'decide', decision: 'stroke' }).subtype).toBe('subdural');
  });

  it('marks key slices in their order, and takes a mark away again', () => {
    const two = [7, 3].reduce((draft, index) => draftReducer(draft, { type: 'keySlice', index }), EMPTY);
    expect(two.keySlices).toEqual([3, 7]);
    expect(draftReducer(two, { type: 'keySlice', index: 3 }).keySlices).toEqual([7]);
  });

  it('loses the last outline only', () => {
    const region = { slice_index: 1, points: [[0, 0]] as const };
    const two = [region, { ...region, slice_index: 2 }].reduce(
      (draft, one) => draftReducer(draft, { type: 'region', region: one }),
      EMPTY,
    );
    expect(draftReducer(two, { type: 'undoRegion' }).regions).toEqual([region]);
    expect(draftReducer(EMPTY, { type: 'undoRegion' }).regions).toEqual([]);
  });
});

describe('what is missing', () => {
  it.each<[string | RegExp, Draft]>([
    [/what the scan shows/, EMPTY],
    [/how sure/, { ...EMPTY, decision: 'none' }],
    [/nothing is to be learned/, { ...sure, excluded: true, exclusionReason: '  ' }],
  ])('is said: %s', (said, draft) => {
    expect(missingIn(draft)).toMatch(said);
    expect(verdictBody(draft, review)).toBeNull();
  });

  it('is nothing when the verdict is whole', () => {
    expect(missingIn(sure)).toBeNull();
  });
});

describe('the verdict that is sent', () => {
  it('names the review that was read, and whether it is the model’s finding', () => {
    expect(verdictBody({ ...sure, comment: ' small ' }, review)).toMatchObject({
      job_id: 'job',
      expected_revision: 3,
      agrees: false,
      finding: 'stroke',
      comment: 'small',
      exclusion_reason: null,
    });
  });

  it('can say that the images do not tell', () => {
    const none: Draft = { ...sure, decision: 'none', subtype: null };
    expect(verdictBody(none, review)?.finding).toBeNull();
    expect(agreesWith(none, null)).toBe(true);
    expect(agreesWith(none, 'stroke')).toBe(false);
    expect(agreesWith(EMPTY, 'stroke')).toBeNull();
  });

  it('gives no reason for an exclusion that was taken back', () => {
    expect(verdictBody({ ...sure, exclusionReason: 'motion' }, review)?.exclusion_reason).toBeNull();
  });
});

it('whoever gave a verdict before begins with it', () => {
  const given = {
    mine: true,
    finding: null,
    subtype: null,
    key_slices: [2],
    regions: [],
    confidence: 'low',
    comment: 'blurred',
    excluded_from_training: true,
    exclusion_reason: 'motion',
  };
  const verdicts = [{ ...given, mine: false, finding: 'stroke' }, given] as never;
  expect(draftOf({ verdicts })).toEqual({
    decision: 'none',
    subtype: null,
    keySlices: [2],
    regions: [],
    confidence: 'low',
    comment: 'blurred',
    excluded: true,
    exclusionReason: 'motion',
  });
  expect(draftOf({ verdicts: [] })).toEqual(EMPTY);
});
