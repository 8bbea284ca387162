import { useMemo } from 'react';
import { answerOf, api } from '@/client';
import type { SeriesDetail, SliceSource } from '../engine/source';

/** How the viewer reads the slices of one series. */
export function useSliceSource(studyId: string, series: SeriesDetail): SliceSource {
  // The series of a study never changes: its id stands for it, however often the study is read again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  return useMemo(
    () => ({
      series,
      load: (index) =>
        answerOf(
          api.GET('/api/v1/studies/{study_id}/series/{series_id}/slices/{index}', {
            params: { path: { study_id: studyId, series_id: series.id, index } },
            parseAs: 'arrayBuffer',
            // A patient's pixels stay out of the browser's disk cache; the viewer keeps them in memory.
            cache: 'no-store',
          }),
        ),
    }),
    [studyId, series.id],
  );
}
