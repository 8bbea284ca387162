import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type QueryOf, type Schema } from '@/client';

export type AuditEvent = Schema<'AuditEventOut'>;
export type AuditQuery = Omit<QueryOf<'list_audit_events'>, 'cursor' | 'limit'>;
export type HeldStudy = Schema<'StudySummary'>;

const JOBS = ['admin', 'jobs'] as const;
const HELD = ['admin', 'held'] as const;
/** How often a list that others add to is read again. */
const LIST_MS = 15_000;

export function useQueueStatus() {
  return useQuery({
    queryKey: [...JOBS, 'queue'],
    queryFn: () => answerOf(api.GET('/api/v1/admin/jobs/queue')),
    refetchInterval: 5000,
  });
}

export function useFailedJobs() {
  return useInfiniteQuery({
    queryKey: [...JOBS, 'failed'],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/admin/jobs/failed', { params: { query: { cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: LIST_MS,
  });
}

export function useRetryJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(api.POST('/api/v1/admin/jobs/{job_id}/retry', { params: { path: { job_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: JOBS }),
  });
}

export function useHeldStudies() {
  return useQuery({
    queryKey: HELD,
    queryFn: () => answerOf(api.GET('/api/v1/admin/held-studies')),
    refetchInterval: LIST_MS,
  });
}

export function useReleaseStudy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.POST('/api/v1/admin/held-studies/{study_id}/release', { params: { path: { study_id: id } } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: HELD }),
  });
}

export function useRejectStudy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.POST('/api/v1/admin/held-studies/{study_id}/reject', { params: { path: { study_id: id } } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: HELD }),
  });
}

export function useAudit(query: AuditQuery) {
  return useInfiniteQuery({
    queryKey: ['admin', 'audit', query],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/admin/audit', { params: { query: { ...query, cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}
