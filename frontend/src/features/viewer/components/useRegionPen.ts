import { useRef, useState } from 'react';
import type { Placement } from '../engine/StackStage';
import type { SeriesDetail } from '../engine/source';
import type { Reading } from '../reading';
import { outlineOf, type Region, voxelAt } from '../regions';
import type { Pen } from './useStageGestures';

/** The pen that draws outlines on the slice on screen, and the line that it is drawing. */
export function useRegionPen(
  series: SeriesDetail,
  placement: Placement | null,
  reading: Reading | null,
): { readonly pen: Pen; readonly line: Region | null } {
  // Moves come faster than they are drawn: what has been drawn is kept apart from what is shown of it.
  const drawn = useRef<Region | null>(null);
  const [line, setLine] = useState<Region | null>(null);
  const draw = (region: Region | null) => {
    drawn.current = region;
    setLine(region);
  };
  const pen: Pen = {
    down: (x, y) =>
      placement && draw({ slice_index: placement.index, points: [voxelAt(x, y, placement, series)] }),
    move: (x, y) => {
      const before = drawn.current;
      if (before === null || placement === null) {
        return;
      }
      // Another slice came under the pen: what was begun belongs to none.
      draw(
        before.slice_index === placement.index
          ? { ...before, points: [...before.points, voxelAt(x, y, placement, series)] }
          : null,
      );
    },
    up: () => {
      const points = outlineOf(drawn.current?.points ?? []);
      if (drawn.current !== null && points !== null) {
        reading?.onRegion({ slice_index: drawn.current.slice_index, points });
      }
      draw(null);
    },
    drop: () => draw(null),
  };
  return { pen, line };
}
