import { Box, Loader } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useMemo, useReducer, useRef } from 'react';
import { messageOf } from '@/lib/problem';
import { useMainKeys } from '@/lib/useMainKeys';
import { useSliceSource } from '../api/useSliceSource';
import type { SeriesDetail } from '../engine/source';
import type { Reading } from '../reading';
import { initialView, viewReducer } from '../viewState';
import { presetsFor } from '../windows';
import { Overlay } from './Overlay';
import { RegionLayer } from './RegionLayer';
import { SliceStrip, type StripSlice } from './SliceStrip';
import { useRegionPen } from './useRegionPen';
import { useStage } from './useStage';
import { useStageGestures } from './useStageGestures';
import { useViewerKeys } from './useViewerKeys';
import classes from './Viewer.module.css';
import { ViewerToolbar } from './ViewerToolbar';

export interface ViewedSlice extends StripSlice {
  readonly has_overlay: boolean;
}

export interface ViewerProps {
  readonly studyId: string;
  readonly series: SeriesDetail;
  /** The answer for each slice; empty while there is none. */
  readonly slices: readonly ViewedSlice[];
  readonly keySlices: readonly number[];
  readonly lookedFor: string;
  readonly thresholds: { readonly low: number; readonly high: number } | null;
  /** What the reader marks; absent where nothing is marked. */
  readonly reading?: Reading | null;
}

/** The slice viewer: scroll, window, zoom, pan, the heatmap, and the strip of slice probabilities. */
export default function Viewer({
  studyId,
  series,
  slices,
  keySlices,
  lookedFor,
  thresholds,
  reading = null,
}: ViewerProps) {
  const element = useRef<HTMLDivElement>(null);
  const touch = useMediaQuery('(pointer: coarse)', false, { getInitialValueInEffect: false });
  const presets = presetsFor(series);
  const [view, dispatch] = useReducer(viewReducer, undefined, () =>
    initialView(
      series.slices,
      keySlices[0] ?? Math.floor(series.slices / 2),
      presets[0] ?? series.default_window,
      touch ? 'scroll' : 'window',
    ),
  );
  const source = useSliceSource(studyId, series);
  const { stage, placement, error } = useStage(element, source, view);
  const { pen, line } = useRegionPen(series, placement, reading);
  useStageGestures(element, stage, view, pen, dispatch);
  const onKey = useViewerKeys({ stage, view, presets, keySlices, dispatch, reading });
  useMainKeys(onKey);

  const strip = useMemo<readonly StripSlice[]>(
    () =>
      slices.length > 0
        ? slices
        : Array.from({ length: series.slices }, () => ({ stroke_probability: null })),
    [slices, series.slices],
  );
  const shown = placement?.index;
  const hasOverlay = shown !== undefined && slices[shown]?.has_overlay === true;
  const waiting = error === null && shown !== view.index;

  return (
    <section className={classes.viewer} aria-label="Scan viewer">
      <ViewerToolbar
        view={view}
        presets={presets}
        canOverlay={slices.some((slice) => slice.has_overlay)}
        dispatch={dispatch}
        onFit={() => stage.current?.fit()}
        onZoom={(factor) => stage.current?.zoomBy(factor)}
        reading={reading}
      />
      <Box className={classes.stage}>
        <div
          ref={element}
          className={classes.canvas}
          role="img"
          aria-label={`${series.modality} slice ${view.index + 1} of ${series.slices}${hasOverlay && view.overlay ? ', heatmap shown' : ''}`}
          data-testid="stage"
          data-slice={shown}
        />
        {placement && hasOverlay && view.overlay && (
          <Overlay studyId={studyId} seriesId={series.id} placement={placement} opacity={view.opacity} />
        )}
        {placement && reading !== null && (
          <RegionLayer
            regions={reading.regions}
            line={line}
            placement={placement}
            rows={series.rows}
            columns={series.columns}
          />
        )}
        <div className={`${classes.corner} numbers`} data-at="top-left" aria-hidden>
          {series.description || `${series.modality} series`}
        </div>
        <div className={`${classes.corner} numbers`} data-at="bottom-left" aria-hidden>
          L {Math.round(view.window.center)} · W {Math.round(view.window.width)}
        </div>
        <div className={`${classes.corner} numbers`} data-at="bottom-right" aria-hidden>
          {view.index + 1} / {series.slices}
        </div>
        {series.modality !== 'OT' && series.units !== 'display' && (
          <>
            <div className={classes.side} data-at="left" aria-hidden>
              R
            </div>
            <div className={classes.side} data-at="right" aria-hidden>
              L
            </div>
          </>
        )}
        {waiting && (
          <Loader
            className={classes.loader ?? ''}
            size="sm"
            color="gray.4"
            role="img"
            aria-label="Loading the slice"
          />
        )}
        {error !== null && (
          <div className={classes.error} role="alert">
            {messageOf(error)}
          </div>
        )}
      </Box>
      {series.slices > 1 && (
        <SliceStrip
          slices={strip}
          keySlices={keySlices}
          marked={reading?.keySlices ?? []}
          index={view.index}
          lookedFor={lookedFor}
          thresholds={thresholds}
          onIndex={(index) => dispatch({ type: 'goto', index })}
        />
      )}
    </section>
  );
}
