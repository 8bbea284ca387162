import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { answerOf, api, type QueryOf, type Schema } from '@/client';
import { useCoalesced } from '@/lib/useCoalesced';
import { useEventStream } from '@/lib/useEventStream';

export type StudySummary = Schema<'StudySummary'>;
export type WorklistQuery = QueryOf<'list_studies'>;
type StudyEvent = Schema<'StudyEvent'>;

const PAGE = 50;
const QUIET_MS = 400;

/** The worklist's pages in the order and under the filters asked for. */
export function useWorklist(query: WorklistQuery) {
  const pages = useInfiniteQuery({
    queryKey: ['worklist', query],
    queryFn: ({ pageParam }) =>
      answerOf(
        api.GET('/api/v1/studies', { params: { query: { ...query, limit: PAGE, cursor: pageParam } } }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (previous) => previous,
  });
  const studies = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return { ...pages, studies };
}

/** Reads the worklist again whenever a study changes; a burst of events is answered with one read. */
export function useLiveWorklist(onEvent: (event: StudyEvent) => void) {
  const client = useQueryClient();
  const refresh = useCoalesced(() => void client.invalidateQueries({ queryKey: ['worklist'] }), QUIET_MS);
  return useEventStream<StudyEvent>({
    url: '/api/v1/events',
    onOpen: refresh,
    onEvent: (event) => {
      // Progress within an analysis changes no line of the worklist.
      if (event.kind !== 'job.progress') {
        refresh();
        onEvent(event);
      }
    },
  });
}
