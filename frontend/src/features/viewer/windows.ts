import type { GreyWindow } from './engine/StackStage';
import type { SeriesDetail } from './engine/source';

export interface WindowPreset extends GreyWindow {
  readonly name: string;
}

const HEAD_CT: readonly WindowPreset[] = [
  { name: 'Brain', center: 40, width: 80 },
  { name: 'Subdural', center: 75, width: 215 },
  { name: 'Stroke', center: 32, width: 40 },
  { name: 'Bone', center: 600, width: 2800 },
];

/** The named windows that make sense for a series' units, the one it opens with first. */
export function presetsFor(series: Pick<SeriesDetail, 'units' | 'default_window'>): readonly WindowPreset[] {
  switch (series.units) {
    case 'hounsfield':
      return HEAD_CT;
    case 'normalised':
      return [
        { name: 'Default', ...series.default_window },
        { name: 'Contrast', center: series.default_window.center, width: series.default_window.width / 2 },
      ];
    case 'display':
      return [
        { name: 'As sent', center: 127.5, width: 255 },
        { name: 'Contrast', center: 127.5, width: 128 },
      ];
  }
}

/** The window after a drag: right widens, down brightens less; the step grows with the width. */
export function dragWindow(window: GreyWindow, x: number, y: number): GreyWindow {
  const step = Math.max(0.25, window.width / 250);
  return { center: window.center + y * step, width: Math.max(1, window.width + x * step) };
}

export function sameWindow(one: GreyWindow, other: GreyWindow): boolean {
  return one.center === other.center && one.width === other.width;
}
