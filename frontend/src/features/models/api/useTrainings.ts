import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';
import { isOpen } from '../trainings';

export type Training = Schema<'TrainingOut'>;
export type TrainingMethod = Training['method'];
export type TrainingState = Training['state'];
export type GateReport = NonNullable<Training['gate']>;
export type GateCheck = GateReport['checks'][number];

const TRAININGS = ['trainings'] as const;
/** How often a training that goes on is looked at; one that does not, more seldom. */
const GOING_MS = 1500;
const RESTING_MS = 15_000;

/** The trainings, the latest first. */
export function useTrainings() {
  return useInfiniteQuery({
    queryKey: [...TRAININGS, 'list'],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/trainings', { params: { query: { cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ items }) => items.some(isOpen)) ? GOING_MS : RESTING_MS,
  });
}

/** One training, with its progress while it goes on. */
export function useTraining(id: string) {
  return useQuery({
    queryKey: [...TRAININGS, 'one', id],
    queryFn: () =>
      answerOf(api.GET('/api/v1/trainings/{training_id}', { params: { path: { training_id: id } } })),
    refetchInterval: ({ state }) => (state.data && isOpen(state.data) ? GOING_MS : RESTING_MS),
  });
}

/** What a training may change, and what the gate asks of its candidate. */
export function usePermittedChanges() {
  return useQuery({
    queryKey: [...TRAININGS, 'permitted-changes'],
    queryFn: () => answerOf(api.GET('/api/v1/trainings/permitted-changes')),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The ways of learning, with what the trainer lacks for each. */
export function useTrainingMethods() {
  return useQuery({
    queryKey: [...TRAININGS, 'methods'],
    queryFn: () => answerOf(api.GET('/api/v1/trainings/methods')),
  });
}

function useTrainingMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: TRAININGS }),
        client.invalidateQueries({ queryKey: ['models'] }),
        client.invalidateQueries({ queryKey: ['model'] }),
      ]),
  });
}

export function useStartTraining() {
  return useTrainingMutation((method: TrainingMethod) =>
    answerOf(api.POST('/api/v1/trainings', { body: { method } })),
  );
}

export function useCancelTraining(id: string) {
  return useTrainingMutation(() =>
    answerOf(api.POST('/api/v1/trainings/{training_id}/cancel', { params: { path: { training_id: id } } })),
  );
}

export function useApproveTraining(id: string) {
  return useTrainingMutation((publish: boolean) =>
    answerOf(
      api.POST('/api/v1/trainings/{training_id}/approve', {
        params: { path: { training_id: id } },
        body: { publish },
      }),
    ),
  );
}

export function useRejectTraining(id: string) {
  return useTrainingMutation((reason: string) =>
    answerOf(
      api.POST('/api/v1/trainings/{training_id}/reject', {
        params: { path: { training_id: id } },
        body: { reason },
      }),
    ),
  );
}
