import { useQuery } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type Operations = Schema<'Operations'>;

const LOOK_MS = 10_000;

export function useOperations() {
  return useQuery({
    queryKey: ['admin', 'operations'],
    queryFn: () => answerOf(api.GET('/api/v1/admin/operations')),
    refetchInterval: LOOK_MS,
  });
}
