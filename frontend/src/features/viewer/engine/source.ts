import type { Schema } from '@/client';

export type SeriesDetail = Schema<'SeriesDetail'>;

/** One series as the renderer reads it: its description, and how to get a slice's voxels. */
export interface SliceSource {
  readonly series: SeriesDetail;
  /** The voxels of slice `index`: rows × columns little-endian values of `series.dtype`. */
  readonly load: (index: number) => Promise<ArrayBuffer>;
}

const SCHEME = 'ictus';
const KEPT = 32;
const open = new Map<string, SliceVoxels>();

/**
 * The voxels of one open series, fetched before Cornerstone3D is asked to draw them: its cache leaves a failed load as
 * an unhandled rejection, so no load may fail in there.
 */
export class SliceVoxels {
  readonly #loading = new Map<number, Promise<ArrayBuffer>>();
  readonly #here = new Map<number, ArrayBuffer>();

  constructor(private readonly source: SliceSource) {
    open.set(source.series.id, this);
  }

  get series(): SeriesDetail {
    return this.source.series;
  }

  /** Brings a slice here; the same request is never on its way twice, and a failed one may be made again. */
  fetch(index: number): Promise<ArrayBuffer> {
    const known = this.#loading.get(index);
    if (known !== undefined) {
      return known;
    }
    const loading = this.source.load(index).then((bytes) => {
      if (
        bytes.byteLength !==
        this.series.rows * this.series.columns * (this.series.dtype === 'int16' ? 2 : 1)
      ) {
        throw new Error('The slice did not arrive whole.');
      }
      this.#here.set(index, bytes);
      return bytes;
    });
    this.#loading.set(index, loading);
    loading.catch(() => this.#loading.delete(index));
    return loading;
  }

  /** A slice that has been fetched. */
  take(index: number): ArrayBuffer | undefined {
    return this.#here.get(index);
  }

  /** Lets go of slices far from `index`; the renderer keeps those that it has drawn. */
  keepAround(index: number): void {
    for (const held of this.#here.keys()) {
      if (Math.abs(held - index) > KEPT) {
        this.#here.delete(held);
        this.#loading.delete(held);
      }
    }
  }

  /** Forgets everything. */
  close(): void {
    this.#here.clear();
    this.#loading.clear();
    if (open.get(this.series.id) === this) {
      open.delete(this.series.id);
    }
  }
}

/** The image ids of a series, in slice order. */
export function imageIdsOf(series: SeriesDetail): string[] {
  return Array.from({ length: series.slices }, (_, index) => `${SCHEME}:${series.id}:${index}`);
}

export interface ImageAddress {
  readonly voxels: SliceVoxels;
  readonly index: number;
}

/** Which slice an image id names; undefined for ids of others and of series that are gone. */
export function resolveImageId(imageId: string): ImageAddress | undefined {
  const [scheme, seriesId, index] = imageId.split(':');
  const voxels = scheme === SCHEME && seriesId !== undefined ? open.get(seriesId) : undefined;
  return voxels && index !== undefined ? { voxels, index: Number(index) } : undefined;
}

/** (between slices, rows, columns) in millimetres; pictures without a scale are drawn with square pixels. */
export function spacingOf(series: SeriesDetail): readonly [number, number, number] {
  const [slices, rows, columns] = series.spacing_mm ?? [1, 1, 1];
  return [slices ?? 1, rows ?? 1, columns ?? 1];
}
