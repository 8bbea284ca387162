/** Round steps that cover 0 to at least `most`: what an axis is divided by. */
export function ticksTo(most: number, count = 4): readonly number[] {
  if (!(most > 0)) {
    return [0, 1];
  }
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough * 0.999) ?? rough;
  const steps = Math.max(1, Math.ceil((most / step) * 0.999));
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** The range of the values with some air around it, within `limits`. */
export function rangeOf(
  values: readonly number[],
  limits: readonly [number, number],
): readonly [low: number, high: number] {
  if (values.length === 0) {
    return limits;
  }
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = Math.max((most - least) * 0.1, 0.005);
  return [Math.max(limits[0], least - air), Math.min(limits[1], most + air)];
}

/** A line through the points that are there; a gap where one is missing. */
export function pathThrough(points: readonly (readonly [x: number, y: number] | null)[]): string {
  let pen = 'M';
  return points
    .map((point) => {
      if (point === null) {
        pen = 'M';
        return '';
      }
      const piece = `${pen}${point[0].toFixed(1)},${point[1].toFixed(1)}`;
      pen = 'L';
      return piece;
    })
    .join('');
}

/** Which of `count` labels have room in `width` pixels: every so many, always the last. */
export function shownLabels(count: number, width: number, pixelsEach = 64): readonly number[] {
  const every = Math.max(1, Math.ceil((count * pixelsEach) / Math.max(1, width)));
  return Array.from({ length: count }, (_, index) => index).filter(
    (index) => (count - 1 - index) % every === 0,
  );
}
