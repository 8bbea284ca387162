import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { type StreamState, type StudyEvent, useStudyEvents } from './studyEvents';
import { useCoalesced } from './useCoalesced';

const QUIET_MS = 400;

/** Everything but progress within an analysis, which changes no line of a list. */
function changesLists({ kind }: StudyEvent): boolean {
  return kind !== 'job.progress';
}

/** Reads a query again whenever an event changes its answer, a burst of them with one read; whether events come just now. */
export function useLiveQuery(
  queryKey: QueryKey,
  changes: (event: StudyEvent) => boolean = changesLists,
): StreamState {
  const client = useQueryClient();
  const refresh = useCoalesced(() => void client.invalidateQueries({ queryKey }), QUIET_MS);
  return useStudyEvents({
    onOpen: refresh,
    onEvent: (event) => {
      if (changes(event)) {
        refresh();
      }
    },
  });
}
