import type { Disposition } from '@/lib/disposition';
import type { Tone } from '@/lib/tone';
import type { DayFigures, Drift, Monitoring } from './api/useMonitoring';

type FigureName = Drift['figure'];

export const FIGURES: Record<FigureName, string> = {
  stroke_probability: 'Stroke probability',
  novelty: 'Novelty of the input',
  uncertainty: 'Uncertainty',
  intensity: 'Brightness of the head',
  contrast: 'Contrast within the head',
  scanner: 'Scanners',
  disposition: 'Kinds of answers',
  agreement: 'Agreement with readers',
};

export const PARTS: readonly { readonly part: Disposition; readonly label: string; readonly tone: Tone }[] = [
  { part: 'confident', label: 'Confident', tone: 'clear' },
  { part: 'uncertain', label: 'Uncertain', tone: 'unsure' },
  { part: 'unsuitable', label: 'Unsuitable', tone: 'quiet' },
  { part: 'not_validated', label: 'Not validated', tone: 'info' },
];

/** A day (YYYY-MM-DD) as an axis has room for it: "24 Nov". */
export function dayLabel(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });
}

/** A share 0–1 as whole percent; "–" of nothing. */
export function percentOf(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
}

/** The figures that are a share or a probability, and are written in per cent. */
const PERCENTAGES: ReadonlySet<FigureName> = new Set(['stroke_probability', 'uncertainty']);

/** A value of a figure as the axis of its histogram has it. */
export function valueLabel(figure: FigureName, value: number): string {
  if (PERCENTAGES.has(figure)) return `${Math.round(value * 100)} %`;
  return figure === 'novelty' ? value.toFixed(1) : value.toFixed(3);
}

/** Counts as shares of their sum; all 0 when there is nothing. */
export function shares(counts: readonly number[]): readonly number[] {
  const sum = counts.reduce((all, count) => all + count, 0);
  return counts.map((count) => (sum === 0 ? 0 : count / sum));
}

export interface Totals {
  readonly received: number;
  readonly answered: number;
  readonly failed: number;
  readonly confident: number;
}

/** The days of a window taken together. */
export function totalsOf(days: readonly DayFigures[]): Totals {
  return days.reduce<Totals>(
    (all, day) => ({
      received: all.received + day.received,
      answered: all.answered + day.answered,
      failed: all.failed + day.failed,
      confident: all.confident + (day.dispositions.confident ?? 0),
    }),
    { received: 0, answered: 0, failed: 0, confident: 0 },
  );
}

/** What is alarming, of whom: "Main site, CT". */
export function alarmScope(alarm: Monitoring['alarms'][number]): string {
  return [alarm.site_name ?? 'All that is shown', alarm.modality].filter(Boolean).join(', ');
}

/** Cohen's kappa in the words of Landis and Koch (Biometrics 1977;33:159-174). */
export function kappaInWords(kappa: number): string {
  if (kappa <= 0) return 'no better than chance';
  if (kappa <= 0.2) return 'slight';
  if (kappa <= 0.4) return 'fair';
  if (kappa <= 0.6) return 'moderate';
  return kappa <= 0.8 ? 'substantial' : 'almost perfect';
}
