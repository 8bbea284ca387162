import type { Placement } from '../engine/StackStage';
import type { Region, RegionPoint } from '../regions';
import classes from './Viewer.module.css';

interface RegionLayerProps {
  readonly regions: readonly Region[];
  /** The line being drawn. */
  readonly line: Region | null;
  readonly placement: Placement;
  readonly rows: number;
  readonly columns: number;
}

function corners(points: readonly RegionPoint[]): string {
  return points.map((point) => point.join(',')).join(' ');
}

/** The outlines of the slice on screen, laid exactly over it. */
export function RegionLayer({ regions, line, placement, rows, columns }: RegionLayerProps) {
  const { index, ...box } = placement;
  return (
    <svg
      className={classes.overlay}
      data-testid="regions"
      style={box}
      // The origin is the centre of the first voxel.
      viewBox={`-0.5 -0.5 ${columns} ${rows}`}
      preserveAspectRatio="none"
      aria-hidden
    >
      {regions
        .filter(({ slice_index }) => slice_index === index)
        .map(({ points }) => (
          <polygon key={corners(points)} className={classes.region} points={corners(points)} />
        ))}
      {line?.slice_index === index && <polyline className={classes.line} points={corners(line.points)} />}
    </svg>
  );
}
