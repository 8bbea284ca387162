import type { Schema } from '@/client';
import { formatSeconds } from '@/lib/format';

type Figure = Schema<'FigureNow'>;

/** The value of a figure, of the sample with this label where it has any; null when it is not told. */
export function figureOf(figures: readonly Figure[], name: string, label?: string): number | null {
  const found = figures.find(
    (one) => one.name === name && (label === undefined || Object.values(one.labels).includes(label)),
  );
  return found?.value ?? null;
}

/** A length of time, or a dash where none is known. */
export function formatSpan(seconds: number | null): string {
  return seconds === null ? '–' : formatSeconds(seconds);
}

/** A figure's value in its unit, which its name ends with. */
export function formatFigure({ name, value }: Figure): string {
  return name.endsWith('_seconds') ? formatSeconds(value) : String(Number(value.toFixed(3)));
}
