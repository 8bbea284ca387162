import type { Region } from './regions';

/** What a reader marks in the viewer while giving a verdict. */
export interface Reading {
  readonly keySlices: readonly number[];
  readonly regions: readonly Region[];
  /** Marks a slice as a key slice, or takes the mark away. */
  readonly onKeySlice: (index: number) => void;
  readonly onRegion: (region: Region) => void;
  /** Takes the last outline back. */
  readonly onUndo: () => void;
}
