import { overlayUrl } from '../api/urls';
import type { Placement } from '../engine/StackStage';
import classes from './Viewer.module.css';

interface OverlayProps {
  readonly studyId: string;
  readonly seriesId: string;
  readonly placement: Placement;
  readonly opacity: number;
}

/** The heatmap of the slice on screen, laid exactly over it. It is keyed by slice: one slice's map never lies on another. */
export function Overlay({ studyId, seriesId, placement: { index, ...box }, opacity }: OverlayProps) {
  return (
    <img
      key={index}
      className={classes.overlay}
      data-testid="overlay"
      src={overlayUrl(studyId, seriesId, index)}
      alt=""
      style={{ ...box, opacity }}
    />
  );
}
