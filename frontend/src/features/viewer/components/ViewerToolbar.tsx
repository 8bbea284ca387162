import { Tooltip, UnstyledButton } from '@mantine/core';
import {
  type Icon,
  IconArrowBackUp,
  IconArrowsMove,
  IconBookmark,
  IconContrast,
  IconFlame,
  IconLasso,
  IconMaximize,
  IconStack2,
  IconZoomIn,
  IconZoomOut,
} from '@tabler/icons-react';
import type { Dispatch, ReactNode } from 'react';
import type { Reading } from '../reading';
import type { Tool, ViewAction, ViewState } from '../viewState';
import { sameWindow, type WindowPreset } from '../windows';
import { ShortcutHelp } from './ShortcutHelp';
import classes from './Viewer.module.css';

const TOOLS: readonly { readonly tool: Tool; readonly label: string; readonly icon: Icon }[] = [
  { tool: 'scroll', label: 'Drag to scroll slices', icon: IconStack2 },
  { tool: 'window', label: 'Drag to change window and level', icon: IconContrast },
  { tool: 'pan', label: 'Drag to move', icon: IconArrowsMove },
  { tool: 'zoom', label: 'Drag to zoom', icon: IconZoomIn },
];

interface ToolButtonProps {
  readonly label: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}

function ToolButton({ label, pressed, disabled = false, onClick, children }: ToolButtonProps) {
  return (
    <Tooltip label={label}>
      <UnstyledButton
        className={classes.tool ?? ''}
        aria-label={label}
        aria-pressed={pressed}
        disabled={disabled}
        onClick={onClick}
      >
        {children}
      </UnstyledButton>
    </Tooltip>
  );
}

interface ViewerToolbarProps {
  readonly view: ViewState;
  readonly presets: readonly WindowPreset[];
  readonly canOverlay: boolean;
  readonly dispatch: Dispatch<ViewAction>;
  readonly onFit: () => void;
  readonly onZoom: (factor: number) => void;
  readonly reading: Reading | null;
}

/** What a reader marks: key slices and outlines. */
function Marks({
  view,
  reading,
  dispatch,
}: {
  view: ViewState;
  reading: Reading;
  dispatch: Dispatch<ViewAction>;
}) {
  return (
    <fieldset className={classes.group} aria-label="Marks">
      <ToolButton
        label="Key slice (K)"
        pressed={reading.keySlices.includes(view.index)}
        onClick={() => reading.onKeySlice(view.index)}
      >
        <IconBookmark size={18} stroke={1.7} aria-hidden /> Key slice
      </ToolButton>
      <ToolButton
        label="Draw an outline (D)"
        pressed={view.tool === 'draw'}
        onClick={() => dispatch({ type: 'tool', tool: view.tool === 'draw' ? 'window' : 'draw' })}
      >
        <IconLasso size={18} stroke={1.7} aria-hidden /> Outline
      </ToolButton>
      <ToolButton
        label="Take the last outline back (Z)"
        disabled={reading.regions.length === 0}
        onClick={reading.onUndo}
      >
        <IconArrowBackUp size={18} stroke={1.7} aria-hidden />
      </ToolButton>
    </fieldset>
  );
}

/** What can be done to the picture; each control has a key of its own, listed in the help. */
export function ViewerToolbar({
  view,
  presets,
  canOverlay,
  dispatch,
  onFit,
  onZoom,
  reading,
}: ViewerToolbarProps) {
  return (
    <div className={classes.toolbar} role="toolbar" aria-label="Viewer tools">
      <fieldset className={classes.group} aria-label="What a drag does">
        {TOOLS.map(({ tool, label, icon: Shape }) => (
          <ToolButton
            key={tool}
            label={label}
            pressed={view.tool === tool}
            onClick={() => dispatch({ type: 'tool', tool })}
          >
            <Shape size={18} stroke={1.7} aria-hidden />
          </ToolButton>
        ))}
      </fieldset>
      <div className={classes.divider} />
      <fieldset className={classes.group} aria-label="Window">
        {presets.map((preset) => (
          <UnstyledButton
            key={preset.name}
            className={classes.tool ?? ''}
            aria-pressed={sameWindow(preset, view.window)}
            onClick={() => dispatch({ type: 'window', window: preset })}
          >
            {preset.name}
          </UnstyledButton>
        ))}
      </fieldset>
      <div className={classes.divider} />
      {/* Fingers zoom without buttons; a narrow screen keeps the room for the picture. */}
      <fieldset className={`${classes.group} ${classes.wide}`} aria-label="Size">
        <ToolButton label="Zoom out (−)" onClick={() => onZoom(1 / 1.25)}>
          <IconZoomOut size={18} stroke={1.7} aria-hidden />
        </ToolButton>
        <ToolButton label="Zoom in (+)" onClick={() => onZoom(1.25)}>
          <IconZoomIn size={18} stroke={1.7} aria-hidden />
        </ToolButton>
        <ToolButton label="Fit (0)" onClick={onFit}>
          <IconMaximize size={18} stroke={1.7} aria-hidden />
        </ToolButton>
      </fieldset>
      <div className={classes.divider} />
      <div className={classes.group}>
        <ToolButton
          label={canOverlay ? 'Heatmap (H)' : 'No heatmap: the model gave no answer to explain'}
          pressed={canOverlay && view.overlay}
          disabled={!canOverlay}
          onClick={() => dispatch({ type: 'toggleOverlay' })}
        >
          <IconFlame size={18} stroke={1.7} aria-hidden /> Heatmap
        </ToolButton>
        <Tooltip label="Heatmap opacity ([ and ])">
          <input
            type="range"
            className={classes.opacity}
            aria-label="Heatmap opacity"
            min={0}
            max={100}
            step={5}
            value={Math.round(view.opacity * 100)}
            aria-valuetext={`${Math.round(view.opacity * 100)}%`}
            disabled={!canOverlay}
            onChange={(event) =>
              dispatch({ type: 'opacity', opacity: event.currentTarget.valueAsNumber / 100 })
            }
          />
        </Tooltip>
      </div>
      {reading !== null && <Marks view={view} reading={reading} dispatch={dispatch} />}
      <ShortcutHelp presets={presets} marks={reading !== null} />
    </div>
  );
}
