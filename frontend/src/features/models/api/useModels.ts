import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type ModelOverview = Schema<'ModelOverview'>;
export type ModelVersion = ModelOverview['versions'][number];
export type ComparedFigure = ModelOverview['comparison'][number];
export type Release = ModelOverview['releases'][number];
export type Rollout = Schema<'RolloutOut'>;
export type RolloutMode = Rollout['mode'];
export type AgreementReport = NonNullable<Rollout['agreement']>;

const MODELS = ['models'] as const;
/** How often what others, and workers, change is read again. */
const WATCH_MS = 10_000;

/** Every registered version, the champion and its challenger. */
export function useModels() {
  return useQuery({
    queryKey: [...MODELS, 'overview'],
    queryFn: () => answerOf(api.GET('/api/v1/models')),
    refetchInterval: WATCH_MS,
  });
}

/** One version, with the training that made it. */
export function useModelVersion(version: string) {
  return useQuery({
    queryKey: [...MODELS, 'version', version],
    queryFn: () => answerOf(api.GET('/api/v1/models/{version}', { params: { path: { version } } })),
  });
}

/** Every change of the model in use, the latest first. */
export function useReleases() {
  return useInfiniteQuery({
    queryKey: [...MODELS, 'releases'],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/models/releases', { params: { query: { cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: WATCH_MS,
  });
}

function useModelMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: MODELS }),
        client.invalidateQueries({ queryKey: ['model'] }),
        client.invalidateQueries({ queryKey: ['trainings'] }),
      ]),
  });
}

/** Puts a version to use. */
export function usePromote() {
  return useModelMutation((version: string) =>
    answerOf(api.POST('/api/v1/models/{version}/promote', { params: { path: { version } } })),
  );
}

/** Brings an earlier version back. */
export function useRollback() {
  return useModelMutation((body: Schema<'RollbackRequest'>) =>
    answerOf(api.POST('/api/v1/models/rollback', { body })),
  );
}

/** How a challenger runs beside the champion, and how far they agree. */
export function useRollout() {
  return useQuery({
    queryKey: [...MODELS, 'rollout'],
    queryFn: () => answerOf(api.GET('/api/v1/models/rollout')),
    refetchInterval: WATCH_MS,
  });
}

/** The scans of which the two say different things, the latest first. */
export function useDisagreements() {
  return useInfiniteQuery({
    queryKey: [...MODELS, 'disagreements'],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/models/rollout/disagreements', { params: { query: { cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

export function useArrangeRollout() {
  return useModelMutation((body: Schema<'RolloutRequest'>) =>
    answerOf(api.PUT('/api/v1/models/rollout', { body })),
  );
}
