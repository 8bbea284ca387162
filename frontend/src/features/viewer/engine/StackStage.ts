import { cache, Enums, init, RenderingEngine, type Types } from '@cornerstonejs/core';
import { registerSliceLoader } from './imageLoader';
import { imageIdsOf, type SliceSource, SliceVoxels, spacingOf } from './source';

/** Where the drawn slice lies, in CSS pixels of the stage; an overlay is laid on exactly this. */
export interface Placement {
  readonly index: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface GreyWindow {
  readonly center: number;
  readonly width: number;
}

interface StageEvents {
  /** After every drawn frame: which slice is on screen (not which was asked for) and where. */
  readonly onDrawn: (placement: Placement) => void;
  readonly onError: (error: unknown) => void;
}

const PREFETCH = [1, -1, 2, -2, 3, 4];
const ZOOM_LIMITS = [0.5, 12] as const;

let started = false;
let stages = 0;

function start(): void {
  if (!started) {
    started = true;
    // Without WebGL, init() itself chooses the renderer that draws on a 2-D canvas.
    init();
    registerSliceLoader();
  }
}

/** One Cornerstone3D stack viewport in one element, showing one series. */
export class StackStage {
  readonly #engine: RenderingEngine;
  readonly #viewport: Types.IStackViewport;
  readonly #imageIds: readonly string[];
  readonly #voxels: SliceVoxels;
  readonly #resize: ResizeObserver;
  #wanted: number;
  #moving = false;
  #opened = false;
  #disposed = false;

  constructor(
    private readonly element: HTMLDivElement,
    private readonly source: SliceSource,
    private readonly events: StageEvents,
    first: number,
    private window: GreyWindow,
  ) {
    start();
    stages += 1;
    this.#voxels = new SliceVoxels(source);
    this.#imageIds = imageIdsOf(source.series);
    this.#wanted = first;
    this.#engine = new RenderingEngine(`ictus-${stages}`);
    this.#engine.enableElement({
      viewportId: 'slices',
      element,
      type: Enums.ViewportType.STACK,
      defaultOptions: { background: [0, 0, 0] },
    });
    this.#viewport = this.#engine.getViewport('slices') as Types.IStackViewport;
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.#onRendered);
    this.#resize = new ResizeObserver(() => this.#engine.resize(true, true));
    this.show(first);
  }

  /** Shows a slice. Calls that come faster than slices can be drawn end at the last one asked for. */
  show(index: number): void {
    this.#wanted = index;
    const there = this.#opened && this.#viewport.getCurrentImageIdIndex() === index;
    if (!this.#moving && !this.#disposed && !there) {
      this.#moving = true;
      this.#display(index)
        .catch(this.#report)
        .finally(() => this.#settle(index));
    }
  }

  setWindow(window: GreyWindow): void {
    this.window = window;
    if (this.#opened) {
      const { center, width } = window;
      this.#viewport.setProperties({ voiRange: { lower: center - width / 2, upper: center + width / 2 } });
      this.#viewport.render();
    }
  }

  /** Moves the picture by CSS pixels. */
  panBy(x: number, y: number): void {
    if (!this.#opened) {
      return;
    }
    const [left, top] = this.#viewport.getPan();
    this.#viewport.setPan([left + x, top + y]);
    this.#viewport.render();
  }

  /** Zooms about a point of the element in CSS pixels, or about its middle. */
  zoomBy(factor: number, at?: readonly [number, number]): void {
    if (!this.#opened) {
      return;
    }
    const zoom = this.#viewport.getZoom();
    const next = Math.min(ZOOM_LIMITS[1], Math.max(ZOOM_LIMITS[0], zoom * factor));
    const fixed: Types.Point2 = at
      ? [at[0], at[1]]
      : [this.element.clientWidth / 2, this.element.clientHeight / 2];
    const world = this.#viewport.canvasToWorld(fixed);
    this.#viewport.setZoom(next);
    const [x, y] = this.#viewport.worldToCanvas(world);
    this.panBy(fixed[0] - x, fixed[1] - y);
  }

  /** Fits the slice into the stage again. */
  fit(): void {
    if (this.#opened) {
      this.#viewport.resetCamera();
      this.#viewport.render();
    }
  }

  /** Frees the renderer and forgets the voxels. */
  dispose(): void {
    this.#disposed = true;
    this.#resize.disconnect();
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.#onRendered);
    this.#engine.destroy();
    this.#voxels.close();
    for (const imageId of this.#imageIds) {
      if (cache.getImageLoadObject(imageId) !== undefined) {
        cache.removeImageLoadObject(imageId, { force: true });
      }
    }
  }

  async #display(index: number): Promise<void> {
    const imageId = this.#imageIds[index];
    if (imageId !== undefined && cache.getImageLoadObject(imageId) === undefined) {
      await this.#voxels.fetch(index);
    }
    if (this.#disposed) {
      return;
    }
    if (this.#opened) {
      await this.#viewport.setImageIdIndex(index);
    } else {
      await this.#viewport.setStack([...this.#imageIds], index);
      this.#opened = true;
      if (!this.#disposed) {
        this.setWindow(this.window);
        this.#resize.observe(this.element);
      }
    }
  }

  readonly #report = (error: unknown): void => {
    if (!this.#disposed) {
      this.events.onError(error);
    }
  };

  /** After an attempt at a slice, whether or not it worked: go on only to another one. */
  #settle(tried: number): void {
    this.#moving = false;
    if (!this.#disposed) {
      this.#prefetch(tried);
      if (this.#wanted !== tried) {
        this.show(this.#wanted);
      }
    }
  }

  readonly #onRendered = (): void => {
    // An empty frame is drawn before the first slice has arrived.
    if (this.#disposed || !this.#viewport.getImageData()) {
      return;
    }
    const index = this.#viewport.getCurrentImageIdIndex();
    const { rows, columns } = this.source.series;
    const [slice, row, column] = spacingOf(this.source.series);
    const z = index * slice;
    // The origin is the centre of the first voxel, so the picture's edges lie half a voxel further out.
    const [left, top] = this.#viewport.worldToCanvas([-0.5 * column, -0.5 * row, z]);
    const [right, bottom] = this.#viewport.worldToCanvas([(columns - 0.5) * column, (rows - 0.5) * row, z]);
    this.events.onDrawn({ index, left, top, width: right - left, height: bottom - top });
  };

  #prefetch(around: number): void {
    this.#voxels.keepAround(around);
    for (const step of PREFETCH) {
      if (this.#imageIds[around + step] !== undefined) {
        // A slice that cannot be fetched ahead is reported when it is asked for.
        this.#voxels.fetch(around + step).catch(() => undefined);
      }
    }
  }
}
