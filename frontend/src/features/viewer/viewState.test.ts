import { describe, expect, it } from 'vitest';
import { initialView, viewReducer } from './viewState';
import { dragWindow, presetsFor } from './windows';

const view = initialView(24, 12, { center: 40, width: 80 }, 'window');

describe('slices', () => {
  it('stay within the series', () => {
    expect(viewReducer(view, { type: 'step', by: 100 }).index).toBe(23);
    expect(viewReducer(view, { type: 'step', by: Number.NEGATIVE_INFINITY }).index).toBe(0);
    expect(viewReducer(view, { type: 'goto', index: -3 }).index).toBe(0);
  });
});

describe('the heatmap', () => {
  it('appears when its opacity is changed', () => {
    const hidden = viewReducer(view, { type: 'toggleOverlay' });
    expect(hidden.overlay).toBe(false);
    expect(viewReducer(hidden, { type: 'opacity', opacity: 0.3 })).toMatchObject({
      overlay: true,
      opacity: 0.3,
    });
  });
});

describe('the window', () => {
  it('never gets narrower than one grey value', () => {
    expect(dragWindow({ center: 40, width: 80 }, -10_000, 0).width).toBe(1);
  });

  it('moves faster when it is wide', () => {
    const narrow = dragWindow({ center: 40, width: 80 }, 0, 10).center - 40;
    const wide = dragWindow({ center: 600, width: 2800 }, 0, 10).center - 600;
    expect(wide).toBeGreaterThan(narrow);
  });

  it('has CT presets for Hounsfield units only', () => {
    const window = { center: 127.5, width: 255 };
    expect(presetsFor({ units: 'hounsfield', default_window: window }).map(({ name }) => name)).toContain(
      'Bone',
    );
    expect(presetsFor({ units: 'display', default_window: window }).map(({ name }) => name)).not.toContain(
      'Bone',
    );
  });
});
