import { type RefObject, useEffect, useRef, useState } from 'react';
import { type GreyWindow, type Placement, StackStage } from '../engine/StackStage';
import type { SliceSource } from '../engine/source';

interface StageView {
  readonly index: number;
  readonly window: GreyWindow;
}

/** Runs a stage inside an element and keeps it at the slice and window that the view asks for. */
export function useStage(
  element: RefObject<HTMLDivElement | null>,
  source: SliceSource,
  { index, window }: StageView,
) {
  const stage = useRef<StackStage | null>(null);
  const opening = useRef({ index, window });
  opening.current = { index, window };
  const [placement, setPlacement] = useState<Placement | null>(null);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    if (element.current === null) {
      return;
    }
    setPlacement(null);
    setError(null);
    const running = new StackStage(
      element.current,
      source,
      { onDrawn: setPlacement, onError: setError },
      opening.current.index,
      opening.current.window,
    );
    stage.current = running;
    return () => {
      stage.current = null;
      running.dispose();
    };
  }, [element, source]);

  useEffect(() => {
    setError(null);
    stage.current?.show(index);
  }, [index]);
  useEffect(() => stage.current?.setWindow(window), [window]);

  return { stage, placement, error };
}
