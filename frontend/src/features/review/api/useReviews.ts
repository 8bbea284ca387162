import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { answerOf, api, type QueryOf, type Schema } from '@/client';
import { useLiveQuery } from '@/lib/useLiveQuery';

export type ReviewRow = Schema<'ReviewLine'>;
export type Review = Schema<'ReviewDetail'>;
export type Verdict = Review['verdicts'][number];
export type VerdictBody = Schema<'VerdictDraft'>;
export type ReviewFilter = NonNullable<QueryOf<'list_reviews'>['state']>;

const PAGE = 50;
/** An answer is in the queue some seconds after its event: it goes there by way of the outbox. */
const QUEUE_MS = 5000;
const QUEUE = ['reviews'] as const;

function reviewKey(studyId: string) {
  // Below the study's: what makes the study be read again does the same for its review.
  return ['study', studyId, 'review'] as const;
}

/** The reviews of the site, in the order in which they are best read. */
export function useReviewQueue(state: ReviewFilter) {
  const pages = useInfiniteQuery({
    queryKey: [...QUEUE, state],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/reviews', { params: { query: { state, limit: PAGE, cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: QUEUE_MS,
  });
  const reviews = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return { ...pages, reviews };
}

/** Reads the queue again whenever an answer or a verdict arrives. */
export function useLiveReviews() {
  return useLiveQuery(QUEUE);
}

/** The review of a study's present result, as far as the caller may see it. */
export function useReview(studyId: string, exists: boolean) {
  return useQuery({
    queryKey: reviewKey(studyId),
    queryFn: () =>
      answerOf(api.GET('/api/v1/studies/{study_id}/review', { params: { path: { study_id: studyId } } })),
    enabled: exists,
  });
}

/** Gives a verdict. The gateway refuses when the review changed since it was read. */
export function useGiveVerdict(studyId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: VerdictBody) =>
      answerOf(
        api.POST('/api/v1/studies/{study_id}/review/verdicts', {
          params: { path: { study_id: studyId } },
          body,
        }),
      ),
    onSuccess: async (review) => {
      client.setQueryData(reviewKey(studyId), review);
      await Promise.all([
        client.invalidateQueries({ queryKey: QUEUE }),
        client.invalidateQueries({ queryKey: ['study', studyId] }),
        client.invalidateQueries({ queryKey: ['worklist'] }),
      ]);
    },
    // Refused because the review is another one now: it is read, so that the reader sees what is different.
    onError: () => client.invalidateQueries({ queryKey: reviewKey(studyId) }),
  });
}

/** The study that waits longest after this one and is not it; null when nothing else waits. */
export function useNextReview() {
  const client = useQueryClient();
  return async (studyId: string): Promise<string | null> => {
    const page = await client.fetchQuery({
      queryKey: [...QUEUE, 'next'],
      queryFn: () =>
        answerOf(api.GET('/api/v1/reviews', { params: { query: { state: 'waiting', limit: 20 } } })),
      staleTime: 0,
    });
    return page.items.find(({ study }) => study.id !== studyId)?.study.id ?? null;
  };
}
