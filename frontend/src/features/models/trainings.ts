import type { Tone } from '@/lib/tone';
import { sentence } from '@/lib/words';
import type { Training, TrainingMethod, TrainingState } from './api/useTrainings';

interface StateWords {
  readonly label: string;
  readonly tone: Tone;
  readonly meaning: string;
}

/** Where a training stands, in words. */
export const STATES: Record<TrainingState, StateWords> = {
  queued: { label: 'Waiting', tone: 'quiet', meaning: 'It waits for a free trainer.' },
  running: { label: 'Running', tone: 'info', meaning: 'The trainer is at work.' },
  cancelling: { label: 'Stopping', tone: 'quiet', meaning: 'It ends at its next step.' },
  cancelled: { label: 'Cancelled', tone: 'quiet', meaning: 'It was stopped; nothing came of it.' },
  failed: {
    label: 'Failed',
    tone: 'stroke',
    meaning: 'It ended without a candidate. Its cases stay new: start another one when the reason is gone.',
  },
  refused: {
    label: 'Refused by the gate',
    tone: 'unsure',
    meaning:
      'The candidate has not shown that it is as good as the model in use; the reasons are below. It is kept and never answers for a patient. Its cases stay new: a later training may learn from them again.',
  },
  awaiting_approval: {
    label: 'Waits for approval',
    tone: 'unsure',
    meaning: 'The candidate passed the gate. An administrator decides.',
  },
  rejected: { label: 'Rejected', tone: 'quiet', meaning: 'An administrator did not want it.' },
  published: {
    label: 'Published',
    tone: 'clear',
    meaning: 'The candidate was put to use. Whether it still is, the list of versions says.',
  },
  superseded: {
    label: 'Superseded',
    tone: 'quiet',
    meaning: 'Another model came into use meanwhile; this one was compared with an older one.',
  },
};

export const METHODS: Record<TrainingMethod, { readonly label: string; readonly says: string }> = {
  latent_replay: {
    label: 'Latent replay',
    says: 'Only the head learns, from kept embeddings of new cases and of the model’s own examples. Minutes, no images.',
  },
  full_fine_tuning: {
    label: 'Full fine-tuning',
    says: 'The last stages and the head learn, from images of the cases and of the model’s own data set. Hours; needs both.',
  },
};

/** Whether a training waits or runs. */
export function isOpen({ state }: Pick<Training, 'state'>): boolean {
  return state === 'queued' || state === 'running' || state === 'cancelling';
}

/** What approving does just now: one more approval, or the last one that is needed. */
export function approvalsMissing({
  approvals,
  approvals_needed,
}: Pick<Training, 'approvals' | 'approvals_needed'>): number {
  return Math.max(0, approvals_needed - approvals.length);
}

/** The progress of a training in whole percent. */
export function percentDone({ progress }: Pick<Training, 'progress'>): number {
  return Math.round(Math.min(1, Math.max(0, progress.fraction)) * 100);
}

const CHAMPION = 'champion_';

export interface TestFigure {
  readonly name: string;
  readonly candidate: number | null;
  readonly champion: number | null;
}

/** The candidate's figures beside the champion's on the same test, which carry the prefix `champion_`. */
export function testFigures(metrics: Readonly<Record<string, number>>): readonly TestFigure[] {
  const names = new Set(
    Object.keys(metrics).map((name) => (name.startsWith(CHAMPION) ? name.slice(CHAMPION.length) : name)),
  );
  return [...names].sort().map((name) => ({
    name,
    candidate: metrics[name] ?? null,
    champion: metrics[CHAMPION + name] ?? null,
  }));
}

/** A figure of a training as it is shown: enough digits to see it move. */
export function figureText(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (Number.isInteger(value)) {
    return value.toLocaleString('en');
  }
  return Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(3);
}

/** The name of a figure as people write it: "test_auc" is "Test AUC". */
export function figureName(name: string): string {
  return sentence(name).replace(/\b(auc|ece|ks|psi)\b/gi, (letters) => letters.toUpperCase());
}
