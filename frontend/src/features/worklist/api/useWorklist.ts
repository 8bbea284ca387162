import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { answerOf, api, type QueryOf, type Schema } from '@/client';
import { useLiveQuery } from '@/lib/useLiveQuery';

export type StudySummary = Schema<'StudySummary'>;
export type WorklistQuery = QueryOf<'list_studies'>;

const PAGE = 50;
const EVERYTHING: Omit<Schema<'StudySearch'>, 'text' | 'limit'> = {
  sort: 'urgency',
  state: [],
  disposition: [],
  modality: [],
  priority: [],
};

function readPage(query: WorklistQuery, text: string | null, cursor: string | null) {
  const wanted = { ...query, limit: PAGE, cursor };
  return text === null
    ? answerOf(api.GET('/api/v1/studies', { params: { query: wanted } }))
    : answerOf(api.POST('/api/v1/studies/search', { body: { ...EVERYTHING, ...wanted, text } }));
}

/** The worklist's pages in the order and under the filters asked for; with a text only the studies that it fits. */
export function useWorklist(query: WorklistQuery, text: string | null) {
  const pages = useInfiniteQuery({
    queryKey: ['worklist', query, text],
    queryFn: ({ pageParam }) => readPage(query, text, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (previous) => previous,
  });
  // A page of a search may hold nothing though a later one does.
  const { hasNextPage, isFetching, isError, fetchNextPage } = pages;
  const found = pages.data?.pages.some((page) => page.items.length > 0) ?? true;
  useEffect(() => {
    if (!found && hasNextPage && !isFetching && !isError) {
      void fetchNextPage();
    }
  }, [found, hasNextPage, isFetching, isError, fetchNextPage]);
  const studies = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return { ...pages, studies, isSearching: !found && hasNextPage };
}

/** Reads the worklist again whenever a study changes. */
export function useLiveWorklist() {
  return useLiveQuery(['worklist']);
}
