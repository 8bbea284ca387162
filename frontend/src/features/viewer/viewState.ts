import type { GreyWindow } from './engine/StackStage';

/** What a drag of the main button, or of one finger, does. */
export type Tool = 'scroll' | 'window' | 'pan' | 'zoom' | 'draw';

export interface ViewState {
  readonly index: number;
  readonly slices: number;
  readonly window: GreyWindow;
  readonly overlay: boolean;
  /** 0–1. */
  readonly opacity: number;
  readonly tool: Tool;
}

export type ViewAction =
  | { readonly type: 'step'; readonly by: number }
  | { readonly type: 'goto'; readonly index: number }
  | { readonly type: 'window'; readonly window: GreyWindow }
  | { readonly type: 'tool'; readonly tool: Tool }
  | { readonly type: 'toggleOverlay' }
  | { readonly type: 'opacity'; readonly opacity: number };

export function initialView(slices: number, index: number, window: GreyWindow, tool: Tool): ViewState {
  return { index: clamp(index, slices), slices, window, overlay: true, opacity: 0.55, tool };
}

function clamp(index: number, slices: number): number {
  return Math.min(slices - 1, Math.max(0, index));
}

export function viewReducer(state: ViewState, action: ViewAction): ViewState {
  switch (action.type) {
    case 'step':
      return { ...state, index: clamp(state.index + action.by, state.slices) };
    case 'goto':
      return { ...state, index: clamp(action.index, state.slices) };
    case 'window':
      return { ...state, window: action.window };
    case 'tool':
      return { ...state, tool: action.tool };
    case 'toggleOverlay':
      return { ...state, overlay: !state.overlay };
    case 'opacity':
      return { ...state, opacity: action.opacity, overlay: true };
  }
}
