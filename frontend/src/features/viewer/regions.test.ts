import { describe, expect, it } from 'vitest';
import { MOST_POINTS, outlineOf, type RegionPoint, voxelAt } from './regions';

const size = { rows: 100, columns: 200 };
const placement = { index: 0, left: 10, top: 20, width: 400, height: 200 };

describe('a point of the stage', () => {
  it('is the voxel that is drawn there', () => {
    expect(voxelAt(11, 21, placement, size)).toEqual([0, 0]);
    expect(voxelAt(210, 120, placement, size)).toEqual([99.5, 49.5]);
  });

  it('outside the picture is the nearest voxel of its edge', () => {
    expect(voxelAt(-50, 1000, placement, size)).toEqual([0, 99]);
  });
});

describe('an outline', () => {
  it('keeps the corners and leaves out what lies between them', () => {
    const side = (from: RegionPoint, to: RegionPoint): RegionPoint[] =>
      Array.from({ length: 20 }, (_, step) => [
        from[0] + ((to[0] - from[0]) * step) / 20,
        from[1] + ((to[1] - from[1]) * step) / 20,
      ]);
    const square = [
      ...side([0, 0], [40, 0]),
      ...side([40, 0], [40, 40]),
      ...side([40, 40], [0, 40]),
      ...side([0, 40], [0, 0]),
    ];
    const outline = outlineOf(square);
    expect(outline).toEqual(
      expect.arrayContaining([
        [0, 0],
        [40, 0],
        [40, 40],
        [0, 40],
      ]),
    );
    expect(outline?.length).toBeLessThan(7);
  });

  it('never has more corners than may be kept', () => {
    const star = Array.from({ length: 1000 }, (_, step): RegionPoint => {
      const [angle, radius] = [(step * Math.PI) / 500, step % 2 === 0 ? 60 : 90];
      return [100 + radius * Math.cos(angle), 100 + radius * Math.sin(angle)];
    });
    const outline = outlineOf(star);
    expect(outline?.length).toBe(MOST_POINTS);
  });

  it.each<[string, RegionPoint[]]>([
    ['a click', [[5, 5]]],
    [
      'a line',
      [
        [5, 5],
        [10, 10],
        [60, 60],
      ],
    ],
  ])('is not made of %s', (_, drawn) => {
    expect(outlineOf(drawn)).toBeNull();
  });
});
