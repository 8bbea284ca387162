import { useMutation, useQuery } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type Pull = Schema<'PullOut'>;

/** How often a study that is being fetched is asked after. */
const LOOK_MS = 1_500;

export function isOpen(pull: Pull): boolean {
  return pull.state === 'queued' || pull.state === 'running';
}

/** Has a study fetched from the site's archives. */
export function useAskForStudy() {
  return useMutation({
    mutationFn: (body: Schema<'PullRequest'>) => answerOf(api.POST('/api/v1/studies/pull', { body })),
  });
}

/** How far a study that was asked for is; looked at until it is here or was given up. */
export function usePull(asked: Pull | undefined) {
  const id = asked?.id ?? '';
  return useQuery({
    queryKey: ['pull', id],
    queryFn: () =>
      answerOf(api.GET('/api/v1/studies/pulls/{pull_id}', { params: { path: { pull_id: id } } })),
    enabled: asked !== undefined,
    refetchInterval: ({ state }) => (state.data === undefined || isOpen(state.data) ? LOOK_MS : false),
  }).data;
}
