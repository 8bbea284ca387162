import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type QueryOf, type Schema } from '@/client';
import { type StudyEvent, useStudyEvents } from '@/lib/studyEvents';
import { useCoalesced } from '@/lib/useCoalesced';

export type StudyDetail = Schema<'StudyDetail'>;
export type ResultDetail = Schema<'ResultDetail'>;
export type JobDetail = Schema<'JobDetail'>;

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

/** The study as a progress event tells it. An event of an analysis that has ended, or is not its latest, changes nothing. */
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

/** Keeps a study up to date while it is on screen. */
export function useLiveStudy(id: string) {
  const client = useQueryClient();
  const refresh = useCoalesced(() => void client.invalidateQueries({ queryKey: studyKey(id) }), QUIET_MS);
  return useStudyEvents({
    onOpen: refresh,
    onEvent: (event) => {
      if (event.study_id !== id) {
        return;
      }
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
