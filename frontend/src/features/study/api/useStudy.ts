import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type QueryOf, type Schema } from '@/client';
import { useCoalesced } from '@/lib/useCoalesced';
import { useEventStream } from '@/lib/useEventStream';

export type StudyDetail = Schema<'StudyDetail'>;
export type ResultDetail = Schema<'ResultDetail'>;
export type JobDetail = Schema<'JobDetail'>;
type StudyEvent = Schema<'StudyEvent'>;

const QUIET_MS = 150;

function studyKey(id: string) {
  return ['study', id] as const;
}

/** One study with its series, latest job and result. */
export function useStudy(id: string) {
  return useQuery({
    queryKey: studyKey(id),
    queryFn: () => answerOf(api.GET('/api/v1/studies/{study_id}', { params: { path: { study_id: id } } })),
  });
}

/**
 * The study as a progress event tells it. Old events, which the stream repeats at its start, change nothing.
 */
export function advance(study: StudyDetail, event: StudyEvent): StudyDetail {
  const { job: open } = study;
  const current =
    open !== null && open.id === event.job_id && !['completed', 'failed', 'cancelled'].includes(open.state);
  if (!current) {
    return study;
  }
  const job = {
    ...open,
    state: 'running',
    stage: event.stage ?? null,
    done: event.done ?? 0,
    total: event.total ?? 0,
  } as const;
  return { ...study, state: 'running', job };
}

/** Keeps a study up to date while it is on screen; listens to nothing where there is no such study. */
export function useLiveStudy(id: string, exists: boolean) {
  const client = useQueryClient();
  const refresh = useCoalesced(() => void client.invalidateQueries({ queryKey: studyKey(id) }), QUIET_MS);
  return useEventStream<StudyEvent>({
    url: exists ? `/api/v1/studies/${id}/events` : null,
    onOpen: refresh,
    onEvent: (event) => {
      if (event.kind === 'job.progress') {
        client.setQueryData<StudyDetail>(studyKey(id), (study) => study && advance(study, event));
      } else {
        refresh();
      }
    },
  });
}

/** Asks for another analysis. */
export function useAnalyseAgain(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/v1/studies/{study_id}/analyses', { params: { path: { study_id: id } }, body: {} }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: studyKey(id) }),
  });
}

/** Stops a waiting or running analysis. */
export function useCancelAnalysis(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/v1/studies/{study_id}/analyses/cancel', { params: { path: { study_id: id } } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: studyKey(id) }),
  });
}

export type ErasureReason = QueryOf<'erase_study'>['reason'];

/** Erases a study for good. */
export function useEraseStudy(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: ErasureReason) =>
      answerOf(
        api.DELETE('/api/v1/studies/{study_id}', { params: { path: { study_id: id }, query: { reason } } }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ['worklist'] }),
  });
}
