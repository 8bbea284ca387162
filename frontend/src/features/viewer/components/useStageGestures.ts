import { type Dispatch, type RefObject, useEffect, useRef } from 'react';
import type { StackStage } from '../engine/StackStage';
import type { Tool, ViewAction, ViewState } from '../viewState';
import { dragWindow } from '../windows';

const PIXELS_PER_SLICE = 12;

interface Point {
  readonly x: number;
  readonly y: number;
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce((all, point) => ({ x: all.x + point.x, y: all.y + point.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function spread(points: readonly Point[]): number {
  const [one, other] = points;
  return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
}

function toolOf(event: PointerEvent, chosen: Tool): Tool {
  if (event.buttons & 4 || event.shiftKey) {
    return 'pan';
  }
  return event.buttons & 2 ? 'zoom' : chosen;
}

/** A line drawn by hand, in CSS pixels of the stage. */
export interface Pen {
  readonly down: (x: number, y: number) => void;
  readonly move: (x: number, y: number) => void;
  readonly up: () => void;
  /** A second finger came: it is no line. */
  readonly drop: () => void;
}

/**
 * Mouse, pen and touch on the stage. Wheel: slices (with Ctrl: zoom). Drag: the chosen tool; middle button or
 * Shift: pan; right button: zoom. Two fingers: zoom and pan.
 */
export function useStageGestures(
  element: RefObject<HTMLDivElement | null>,
  stage: RefObject<StackStage | null>,
  view: ViewState,
  pen: Pen,
  dispatch: Dispatch<ViewAction>,
) {
  const latest = useRef({ ...view, pen });
  latest.current = { ...view, pen };

  useEffect(() => {
    const target = element.current;
    if (target === null) {
      return;
    }
    const pointers = new Map<number, Point>();
    let carried = 0;

    const scrollBy = (pixels: number, perSlice: number) => {
      carried += pixels / perSlice;
      const whole = Math.trunc(carried);
      if (whole !== 0) {
        carried -= whole;
        dispatch({ type: 'step', by: whole });
      }
    };
    const local = (point: Point): [number, number] => {
      const box = target.getBoundingClientRect();
      return [point.x - box.left, point.y - box.top];
    };
    const drag = (tool: Tool, x: number, y: number) => {
      switch (tool) {
        case 'scroll':
          return scrollBy(y, PIXELS_PER_SLICE);
        case 'window':
          return dispatch({ type: 'window', window: dragWindow(latest.current.window, x, y) });
        case 'pan':
          return stage.current?.panBy(x, y);
        case 'zoom':
          return stage.current?.zoomBy(1.006 ** -y);
        case 'draw':
          return;
      }
    };

    const onDown = (event: PointerEvent) => {
      target.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      carried = 0;
      if (pointers.size > 1) {
        latest.current.pen.drop();
      } else if (toolOf(event, latest.current.tool) === 'draw') {
        latest.current.pen.down(...local({ x: event.clientX, y: event.clientY }));
      }
    };
    const onMove = (event: PointerEvent) => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) {
        return;
      }
      const old = [...pointers.values()];
      const now = { x: event.clientX, y: event.clientY };
      pointers.set(event.pointerId, now);
      if (pointers.size === 1) {
        const tool = toolOf(event, latest.current.tool);
        drag(tool, now.x - before.x, now.y - before.y);
        if (tool === 'draw') {
          latest.current.pen.move(...local(now));
        }
      } else if (pointers.size === 2) {
        const next = [...pointers.values()];
        const [from, to] = [middle(old), middle(next)];
        stage.current?.zoomBy(spread(next) / Math.max(1, spread(old)), local(to));
        stage.current?.panBy(to.x - from.x, to.y - from.y);
      }
    };
    const onUp = (event: PointerEvent) => {
      pointers.delete(event.pointerId);
      latest.current.pen.up();
    };
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) {
        stage.current?.zoomBy(1.0015 ** -event.deltaY, local({ x: event.clientX, y: event.clientY }));
      } else {
        // A wheel notch is about 100 px; a track pad sends many small steps.
        scrollBy(event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 33 : event.deltaY, 100);
      }
    };
    const onMenu = (event: MouseEvent) => event.preventDefault();

    target.addEventListener('pointerdown', onDown);
    target.addEventListener('pointermove', onMove);
    target.addEventListener('pointerup', onUp);
    target.addEventListener('pointercancel', onUp);
    target.addEventListener('wheel', onWheel, { passive: false });
    target.addEventListener('contextmenu', onMenu);
    return () => {
      target.removeEventListener('pointerdown', onDown);
      target.removeEventListener('pointermove', onMove);
      target.removeEventListener('pointerup', onUp);
      target.removeEventListener('pointercancel', onUp);
      target.removeEventListener('wheel', onWheel);
      target.removeEventListener('contextmenu', onMenu);
    };
  }, [element, stage, dispatch]);
}
