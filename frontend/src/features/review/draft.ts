import type { Finding } from '@/lib/disposition';
import type { Review, VerdictBody } from './api/useReviews';

type Confidence = VerdictBody['confidence'];
type Subtype = NonNullable<VerdictBody['subtype']>;

/** An outline in voxels: corners as (column, row). */
interface Region {
  readonly slice_index: number;
  readonly points: readonly (readonly [column: number, row: number])[];
}

/** What a reader decides: what the scan shows, or that it cannot be told from these images. */
export type Decision = Finding | 'none';

/** A verdict while it is being made. */
export interface Draft {
  readonly decision: Decision | null;
  readonly subtype: Subtype | null;
  readonly keySlices: readonly number[];
  readonly regions: readonly Region[];
  readonly confidence: Confidence | null;
  readonly comment: string;
  readonly excluded: boolean;
  readonly exclusionReason: string;
}

export type DraftAction =
  | { readonly type: 'decide'; readonly decision: Decision }
  | { readonly type: 'subtype'; readonly subtype: Subtype | null }
  | { readonly type: 'keySlice'; readonly index: number }
  | { readonly type: 'region'; readonly region: Region }
  | { readonly type: 'undoRegion' }
  | { readonly type: 'clearMarks' }
  | { readonly type: 'confidence'; readonly confidence: Confidence }
  | { readonly type: 'comment'; readonly comment: string }
  | { readonly type: 'excluded'; readonly excluded: boolean }
  | { readonly type: 'exclusionReason'; readonly reason: string };

export const EMPTY: Draft = {
  decision: null,
  subtype: null,
  keySlices: [],
  regions: [],
  confidence: null,
  comment: '',
  excluded: false,
  exclusionReason: '',
};

/** Where a reader begins: with nothing, or with the verdict that they gave before and may replace. */
export function draftOf(review: Pick<Review, 'verdicts'>): Draft {
  const mine = review.verdicts.findLast((verdict) => verdict.mine);
  return mine === undefined
    ? EMPTY
    : {
        decision: mine.finding ?? 'none',
        subtype: mine.subtype,
        keySlices: mine.key_slices,
        regions: mine.regions.map(({ slice_index, points }) => ({
          slice_index,
          points: points.map(([column = 0, row = 0]) => [column, row] as const),
        })),
        confidence: mine.confidence,
        comment: mine.comment,
        excluded: mine.excluded_from_training,
        exclusionReason: mine.exclusion_reason ?? '',
      };
}

export function draftReducer(draft: Draft, action: DraftAction): Draft {
  switch (action.type) {
    case 'decide':
      // Only a stroke has a subtype.
      return {
        ...draft,
        decision: action.decision,
        subtype: action.decision === 'stroke' ? draft.subtype : null,
      };
    case 'subtype':
      return { ...draft, subtype: action.subtype };
    case 'keySlice': {
      const others = draft.keySlices.filter((index) => index !== action.index);
      return {
        ...draft,
        keySlices:
          others.length < draft.keySlices.length
            ? others
            : [...others, action.index].sort((one, other) => one - other),
      };
    }
    case 'region':
      return { ...draft, regions: [...draft.regions, action.region] };
    case 'undoRegion':
      return { ...draft, regions: draft.regions.slice(0, -1) };
    case 'clearMarks':
      return { ...draft, keySlices: [], regions: [] };
    case 'confidence':
      return { ...draft, confidence: action.confidence };
    case 'comment':
      return { ...draft, comment: action.comment };
    case 'excluded':
      return { ...draft, excluded: action.excluded };
    case 'exclusionReason':
      return { ...draft, exclusionReason: action.reason };
  }
}

/** Whether the reader agrees with the model; null while nothing is decided. */
export function agreesWith(draft: Draft, modelFinding: Finding | null): boolean | null {
  if (draft.decision === null) {
    return null;
  }
  return (draft.decision === 'none' ? null : draft.decision) === modelFinding;
}

/** What is still missing before the verdict can be given; null when nothing is. */
export function missingIn(draft: Draft): string | null {
  if (draft.decision === null) {
    return 'Say what the scan shows.';
  }
  if (draft.confidence === null) {
    return 'Say how sure you are.';
  }
  return draft.excluded && draft.exclusionReason.trim() === ''
    ? 'Say why nothing is to be learned from this scan.'
    : null;
}

/** The draft as the gateway takes it; null while something is missing. */
export function verdictBody(
  draft: Draft,
  review: Pick<Review, 'job_id' | 'revision' | 'finding'>,
): VerdictBody | null {
  if (missingIn(draft) !== null || draft.confidence === null) {
    return null;
  }
  return {
    job_id: review.job_id,
    expected_revision: review.revision,
    agrees: agreesWith(draft, review.finding) === true,
    finding: draft.decision === 'none' ? null : draft.decision,
    subtype: draft.subtype,
    key_slices: [...draft.keySlices],
    regions: draft.regions.map(({ slice_index, points }) => ({
      slice_index,
      points: points.map((point) => [...point]),
    })),
    confidence: draft.confidence,
    comment: draft.comment.trim(),
    excluded_from_training: draft.excluded,
    exclusion_reason: draft.excluded ? draft.exclusionReason.trim() : null,
  };
}
