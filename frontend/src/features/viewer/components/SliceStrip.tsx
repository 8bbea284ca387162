import { Text } from '@mantine/core';
import { type KeyboardEvent, type PointerEvent, useRef } from 'react';
import { formatProbability } from '@/lib/format';
import classes from './SliceStrip.module.css';

export interface StripSlice {
  readonly stroke_probability: number | null;
}

interface SliceStripProps {
  readonly slices: readonly StripSlice[];
  /** Indices that drove the study's score. */
  readonly keySlices: readonly number[];
  /** Indices that a reader marked. */
  readonly marked: readonly number[];
  readonly index: number;
  readonly lookedFor: string;
  /** From this probability on a bar is drawn as likely, up to `low` as unlikely. */
  readonly thresholds: { readonly low: number; readonly high: number } | null;
  readonly onIndex: (index: number) => void;
}

const STEPS: Record<string, number> = {
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 5,
  PageDown: -5,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

function levelOf(probability: number | null, thresholds: SliceStripProps['thresholds']): string {
  if (probability === null) {
    return 'none';
  }
  if (thresholds === null) {
    return 'middle';
  }
  return probability >= thresholds.high ? 'high' : probability <= thresholds.low ? 'low' : 'middle';
}

/** Every slice's probability as a bar, and the slider that chooses the slice: click, drag or use the keys. */
export function SliceStrip({
  slices,
  keySlices,
  marked,
  index,
  lookedFor,
  thresholds,
  onIndex,
}: SliceStripProps) {
  const track = useRef<HTMLDivElement>(null);
  const current = slices[index];
  const probability = current?.stroke_probability ?? null;
  const isKey = keySlices.includes(index);
  const isMarked = marked.includes(index);

  const pick = (event: PointerEvent) => {
    const box = track.current?.getBoundingClientRect();
    if (box && event.buttons === 1) {
      const share = (event.clientX - box.left) / box.width;
      onIndex(Math.min(slices.length - 1, Math.max(0, Math.floor(share * slices.length))));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    // With Shift the arrows move the picture: that is the page's.
    if (step !== undefined && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      onIndex(Math.min(slices.length - 1, Math.max(0, index + step)));
    }
  };

  const said = probability === null ? 'no probability' : `probability ${formatProbability(probability)}`;
  return (
    <div className={classes.root}>
      <div
        ref={track}
        className={classes.track}
        role="slider"
        tabIndex={0}
        aria-label="Slice"
        aria-valuemin={1}
        aria-valuemax={slices.length}
        aria-valuenow={index + 1}
        aria-valuetext={`Slice ${index + 1} of ${slices.length}, ${said}${isKey ? ', key slice' : ''}${isMarked ? ', marked by you' : ''}`}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          pick(event);
        }}
        onPointerMove={pick}
      >
        {thresholds && <div className={classes.threshold} style={{ bottom: `${thresholds.high * 100}%` }} />}
        {slices.map((slice, position) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: a slice is its position in the series.
            key={position}
            className={classes.slot}
            data-current={position === index || undefined}
            data-key={keySlices.includes(position) || undefined}
            data-marked={marked.includes(position) || undefined}
          >
            <div
              className={classes.bar}
              data-level={levelOf(slice.stroke_probability, thresholds)}
              style={{ height: `${Math.max(3, (slice.stroke_probability ?? 0) * 100)}%` }}
            />
          </div>
        ))}
      </div>
      <Text className={`${classes.legend} numbers`} component="p" aria-hidden>
        <span>
          Slice {index + 1} / {slices.length}
        </span>
        <span>
          {probability === null ? 'No probability' : `${formatProbability(probability)} ${lookedFor}`}
        </span>
        {keySlices.length > 0 && (
          <span className={classes.keyLegend} data-on={isKey || undefined}>
            <i /> key slice
          </span>
        )}
        {marked.length > 0 && (
          <span className={classes.markedLegend} data-on={isMarked || undefined}>
            <i /> yours
          </span>
        )}
      </Text>
    </div>
  );
}
