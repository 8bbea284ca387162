import type { Schema } from '@/client';

export type SeriesDetail = Schema<'SeriesDetail'>;

/** One series as the renderer reads it: its description, and how to get a slice's voxels. */
export interface SliceSource {
  readonly series: SeriesDetail;
  /** The voxels of slice `index`: rows × columns little-endian values of `series.dtype`. */
  readonly load: (index: number) => Promise<ArrayBuffer>;
}

const SCHEME = 'ictus';
const sources = new Map<string, SliceSource>();

/** Makes a series known to the image loader, until the returned function is called. */
export function registerSource(source: SliceSource): () => void {
  sources.set(source.series.id, source);
  return () => {
    if (sources.get(source.series.id) === source) {
      sources.delete(source.series.id);
    }
  };
}

/** The image ids of a series, in slice order. */
export function imageIdsOf(series: SeriesDetail): string[] {
  return Array.from({ length: series.slices }, (_, index) => `${SCHEME}:${series.id}:${index}`);
}

export interface ImageAddress {
  readonly source: SliceSource;
  readonly index: number;
}

/** Which slice an image id names; undefined for ids of others and of series that are gone. */
export function resolveImageId(imageId: string): ImageAddress | undefined {
  const [scheme, seriesId, index] = imageId.split(':');
  const source = scheme === SCHEME && seriesId !== undefined ? sources.get(seriesId) : undefined;
  return source && index !== undefined ? { source, index: Number(index) } : undefined;
}

/** (between slices, rows, columns) in millimetres; pictures without a scale are drawn with square pixels. */
export function spacingOf(series: SeriesDetail): readonly [number, number, number] {
  const [slices, rows, columns] = series.spacing_mm ?? [1, 1, 1];
  return [slices ?? 1, rows ?? 1, columns ?? 1];
}
