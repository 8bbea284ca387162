import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type Destination = Schema<'DestinationOut'>;
export type DestinationDraft = Schema<'DestinationDraft'>;
export type DestinationKind = Schema<'DestinationKind'>;
export type ObjectKind = Schema<'ObjectKind'>;
export type Occasion = Schema<'Occasion'>;
export type Delivery = Schema<'DeliveryOut'>;
export type DeliveryState = Schema<'DeliveryState'>;

const DESTINATIONS = ['admin', 'destinations'] as const;
const DELIVERIES = ['admin', 'deliveries'] as const;
/** How often lists that deliveries change by themselves are read again. */
const LIST_MS = 5_000;

export function useDestinations() {
  return useQuery({
    queryKey: DESTINATIONS,
    queryFn: () => answerOf(api.GET('/api/v1/admin/destinations')),
    refetchInterval: LIST_MS,
  });
}

/** Enters a destination, or changes the one with this id. A signing secret that was made for it comes back once. */
export function useSaveDestination(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: DestinationDraft): Promise<string | null> => {
      if (id === null) {
        const entered = await answerOf(api.POST('/api/v1/admin/destinations', { body }));
        return entered.webhook_secret;
      }
      const params = { path: { destination_id: id } };
      await answerOf(api.PUT('/api/v1/admin/destinations/{destination_id}', { params, body }));
      return null;
    },
    onSettled: () => client.invalidateQueries({ queryKey: DESTINATIONS }),
  });
}

export function useDeleteDestination() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.DELETE('/api/v1/admin/destinations/{destination_id}', {
          params: { path: { destination_id: id } },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: DESTINATIONS }),
  });
}

export function useTestDestination() {
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.POST('/api/v1/admin/destinations/{destination_id}/test', {
          params: { path: { destination_id: id } },
        }),
      ),
  });
}

export function useDeliveries(states: readonly DeliveryState[]) {
  return useInfiniteQuery({
    queryKey: [...DELIVERIES, states],
    queryFn: ({ pageParam }) =>
      answerOf(
        api.GET('/api/v1/admin/deliveries', {
          params: { query: { state: [...states], cursor: pageParam } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: LIST_MS,
  });
}

export function useSendAgain() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.POST('/api/v1/admin/deliveries/{delivery_id}/resend', { params: { path: { delivery_id: id } } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: DELIVERIES }),
  });
}
