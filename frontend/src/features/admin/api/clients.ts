import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type OAuthClient = Schema<'OAuthClientOut'>;

const CLIENTS = ['admin', 'oauth-clients'] as const;

export function useOAuthClients() {
  return useQuery({ queryKey: CLIENTS, queryFn: () => answerOf(api.GET('/api/v1/admin/oauth-clients')) });
}

export function useRegisterClient() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<'OAuthClientDraft'>) =>
      answerOf(api.POST('/api/v1/admin/oauth-clients', { body })),
    onSettled: () => client.invalidateQueries({ queryKey: CLIENTS }),
  });
}

export function useReplaceClientKeys() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, jwks }: { id: string; jwks: Schema<'KeySetDocument'> }) =>
      answerOf(
        api.PUT('/api/v1/admin/oauth-clients/{oauth_client_id}/keys', {
          params: { path: { oauth_client_id: id } },
          body: jwks,
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: CLIENTS }),
  });
}

export function useRevokeClient() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.DELETE('/api/v1/admin/oauth-clients/{oauth_client_id}', {
          params: { path: { oauth_client_id: id } },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: CLIENTS }),
  });
}
