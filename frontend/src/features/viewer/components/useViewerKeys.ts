import type { Dispatch, RefObject } from 'react';
import type { StackStage } from '../engine/StackStage';
import type { Reading } from '../reading';
import type { ViewAction, ViewState } from '../viewState';
import type { WindowPreset } from '../windows';

const PAN_PIXELS = 24;

interface ViewerKeysOptions {
  readonly stage: RefObject<StackStage | null>;
  readonly view: ViewState;
  readonly presets: readonly WindowPreset[];
  readonly keySlices: readonly number[];
  readonly dispatch: Dispatch<ViewAction>;
  readonly reading: Reading | null;
}

const PAN: Record<string, readonly [number, number]> = {
  ArrowUp: [0, PAN_PIXELS],
  ArrowDown: [0, -PAN_PIXELS],
  ArrowLeft: [PAN_PIXELS, 0],
  ArrowRight: [-PAN_PIXELS, 0],
};
const STEP: Record<string, number> = {
  ArrowUp: 1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowLeft: -1,
  PageUp: 5,
  PageDown: -5,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** The viewer's keys; gives the handler, which says whether it took the key. */
export function useViewerKeys({ stage, view, presets, keySlices, dispatch, reading }: ViewerKeysOptions) {
  return (event: KeyboardEvent): boolean => {
    const move = event.shiftKey ? PAN[event.key] : undefined;
    if (move) {
      stage.current?.panBy(...move);
      return true;
    }
    const step = STEP[event.key];
    if (step !== undefined) {
      dispatch({ type: 'step', by: step });
      return true;
    }
    const preset = presets[Number(event.key) - 1];
    if (preset) {
      dispatch({ type: 'window', window: preset });
      return true;
    }
    switch (event.key) {
      case 'h':
      case 'H':
        dispatch({ type: 'toggleOverlay' });
        return true;
      case '[':
      case ']': {
        const opacity = view.opacity + (event.key === ']' ? 0.1 : -0.1);
        dispatch({ type: 'opacity', opacity: Math.min(1, Math.max(0, opacity)) });
        return true;
      }
      case 'n':
      case 'N': {
        const sorted = [...keySlices].sort((one, other) => one - other);
        const next = sorted.find((index) => index > view.index) ?? sorted[0];
        if (next !== undefined) {
          dispatch({ type: 'goto', index: next });
        }
        return true;
      }
      case 'k':
      case 'K':
        reading?.onKeySlice(view.index);
        return reading !== null;
      case 'd':
      case 'D':
        if (reading !== null) {
          dispatch({ type: 'tool', tool: view.tool === 'draw' ? 'window' : 'draw' });
        }
        return reading !== null;
      case 'z':
      case 'Z':
        reading?.onUndo();
        return reading !== null;
      case '+':
      case '=':
        stage.current?.zoomBy(1.25);
        return true;
      case '-':
        stage.current?.zoomBy(1 / 1.25);
        return true;
      case '0':
        stage.current?.fit();
        return true;
      default:
        return false;
    }
  };
}
