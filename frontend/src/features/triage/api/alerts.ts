import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';
import type { StudyEvent } from '@/lib/studyEvents';
import { useLiveQuery } from '@/lib/useLiveQuery';

export type StudyClock = Schema<'StudyClock'>;

const ALERTS_KEY = ['alerts'] as const;

/** Likely strokes that nobody has taken on, the longest waiting first. Read anew when an event says so, never by itself. */
export function useAlerts() {
  return useQuery({ queryKey: ALERTS_KEY, queryFn: () => answerOf(api.GET('/api/v1/alerts')) });
}

/** What changes which alerts are open. */
const CHANGES: ReadonlySet<StudyEvent['kind']> = new Set([
  'alert.raised',
  'alert.acknowledged',
  'alert.escalated',
  'review.changed',
  'study.erased',
]);

/** Reads the alerts again whenever one is raised, taken on, escalated or decided. */
export function useLiveAlerts() {
  useLiveQuery(ALERTS_KEY, ({ kind }) => CHANGES.has(kind));
}

function clockKey(studyId: string) {
  return ['study', studyId, 'clock'] as const;
}

/** When a study was received, analysed, seen, acknowledged and reported. */
export function useClock(studyId: string) {
  return useQuery({
    queryKey: clockKey(studyId),
    queryFn: () =>
      answerOf(api.GET('/api/v1/studies/{study_id}/clock', { params: { path: { study_id: studyId } } })),
  });
}

/** Takes a likely stroke on. */
export function useAcknowledge(studyId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/v1/studies/{study_id}/acknowledge', { params: { path: { study_id: studyId } } }),
      ),
    onSuccess: (clock) => client.setQueryData<StudyClock>(clockKey(studyId), clock),
    onSettled: () => client.invalidateQueries({ queryKey: ALERTS_KEY }),
  });
}
