import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type ApiKey = Schema<'ApiKeyOut'>;
export type Scope = Schema<'Scope'>;

const KEYS = ['admin', 'api-keys'] as const;

export function useApiKeys() {
  return useQuery({ queryKey: KEYS, queryFn: () => answerOf(api.GET('/api/v1/admin/api-keys')) });
}

export function useIssueKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<'ApiKeyDraft'>) => answerOf(api.POST('/api/v1/admin/api-keys', { body })),
    onSettled: () => client.invalidateQueries({ queryKey: KEYS }),
  });
}

export function useRevokeKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(api.DELETE('/api/v1/admin/api-keys/{api_key_id}', { params: { path: { api_key_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: KEYS }),
  });
}
