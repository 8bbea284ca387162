import { Select, Stack } from '@mantine/core';
import { Suspense, useState } from 'react';
import { LoadingState } from '@/components/States';
import type { StudyDetail } from '@/features/study';
import { type Reading, Viewer } from '@/features/viewer';
import classes from './StudyPage.module.css';

type SeriesAnswer = NonNullable<StudyDetail['result']>['series'][number];

/** The slices as the viewer may show them: where the model may not say, its numbers mean nothing and stay hidden. */
function shownSlices(answer: SeriesAnswer | undefined): SeriesAnswer['slices'] {
  if (answer === undefined) {
    return [];
  }
  const answered = answer.disposition === 'confident' || answer.disposition === 'uncertain';
  return answered ? answer.slices : answer.slices.map((slice) => ({ ...slice, stroke_probability: null }));
}

interface StudyScanProps {
  readonly study: StudyDetail;
  /** What a reader marks, and in which series. */
  readonly marks?: { readonly seriesId: string; readonly reading: Reading };
}

/** The slices of a study with what the model said of each; several series are shown one at a time. */
export function StudyScan({ study, marks }: StudyScanProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const driving = chosen ?? study.result?.driving_series_id ?? study.series[0]?.id;
  const series = study.series.find(({ id }) => id === driving) ?? study.series[0];
  if (series === undefined) {
    return null;
  }
  const answer = study.result?.series.find(({ series_id }) => series_id === series.id);
  const limits = study.result?.thresholds ?? null;
  return (
    <Stack gap="xs" className={classes.scan ?? ''}>
      {study.series.length > 1 && (
        <Select
          aria-label="Series"
          allowDeselect={false}
          value={series.id}
          onChange={setChosen}
          data={study.series.map((one, index) => ({
            value: one.id,
            label: `Series ${index + 1}: ${one.modality}, ${one.slices} slices${one.description ? `, ${one.description}` : ''}${one.id === study.result?.driving_series_id ? ' (decided the answer)' : ''}`,
          }))}
        />
      )}
      <div className={classes.viewer}>
        <Suspense fallback={<LoadingState label="Opening the viewer…" />}>
          <Viewer
            // Another answer brings other heatmaps and key slices: the viewer starts afresh with them.
            key={`${series.id} ${study.result?.job_id ?? ''}`}
            studyId={study.id}
            series={series}
            slices={shownSlices(answer)}
            keySlices={answer?.key_slices ?? []}
            lookedFor={study.result?.looked_for ?? 'stroke'}
            reading={marks?.seriesId === series.id ? marks.reading : null}
            thresholds={limits && { low: limits.normal_at_most, high: limits.stroke_at_least }}
          />
        </Suspense>
      </div>
    </Stack>
  );
}
