import type { Placement } from './engine/StackStage';

/** A position in a slice in voxels: (column, row), the first voxel's centre being (0, 0). */
export type RegionPoint = readonly [column: number, row: number];

/** A closed outline that a reader drew on one slice. */
export interface Region {
  readonly slice_index: number;
  readonly points: readonly RegionPoint[];
}

interface SliceSize {
  readonly rows: number;
  readonly columns: number;
}

/** The most corners that an outline keeps; a hand needs fewer. */
export const MOST_POINTS = 200;
const LEAST_POINTS = 3;
/** Corners nearer than this to the way between their neighbours say nothing, in voxels. */
const TOLERANCE = 0.5;

/** Where a point of the stage (CSS pixels) lies in the drawn slice; outside it, the nearest voxel of its edge. */
export function voxelAt(x: number, y: number, at: Placement, { rows, columns }: SliceSize): RegionPoint {
  const within = (share: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.round((share * count - 0.5) * 10) / 10));
  return [within((x - at.left) / at.width, columns), within((y - at.top) / at.height, rows)];
}

/** From a point to the stretch between two others. */
function distance([x, y]: RegionPoint, [fromX, fromY]: RegionPoint, [toX, toY]: RegionPoint): number {
  const [alongX, alongY] = [toX - fromX, toY - fromY];
  const length = alongX ** 2 + alongY ** 2;
  const share =
    length === 0 ? 0 : Math.min(1, Math.max(0, ((x - fromX) * alongX + (y - fromY) * alongY) / length));
  return Math.hypot(x - fromX - share * alongX, y - fromY - share * alongY);
}

/** Leaves out corners that lie on the way (Ramer 1972, Douglas and Peucker 1973). */
function simplified(points: readonly RegionPoint[]): readonly RegionPoint[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length <= 2) {
    return points;
  }
  let [farthest, most] = [0, 0];
  points.forEach((point, index) => {
    const away = distance(point, first, last);
    if (away > most) [farthest, most] = [index, away];
  });
  if (most <= TOLERANCE) {
    return [first, last];
  }
  return [...simplified(points.slice(0, farthest + 1)).slice(0, -1), ...simplified(points.slice(farthest))];
}

function area(points: readonly RegionPoint[]): number {
  return Math.abs(
    points.reduce((sum, [x, y], index) => {
      const [nextX, nextY] = points[(index + 1) % points.length] ?? [x, y];
      return sum + x * nextY - nextX * y;
    }, 0) / 2,
  );
}

/** What a hand drew as an outline; null when it encloses nothing, as a click does. */
export function outlineOf(drawn: readonly RegionPoint[]): readonly RegionPoint[] | null {
  const corners = simplified(drawn);
  const step = Math.ceil(corners.length / MOST_POINTS);
  const points = corners.filter((_, index) => index % step === 0);
  return points.length >= LEAST_POINTS && area(points) >= 1 ? points : null;
}
