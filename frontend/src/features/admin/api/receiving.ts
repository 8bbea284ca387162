import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type DicomPeer = Schema<'Peer'>;
export type IncomingStudy = Schema<'IncomingOut'>;
export type IncomingState = Schema<'IncomingState'>;

const PEERS = ['admin', 'dicom-peers'] as const;
const INCOMING = ['admin', 'incoming-studies'] as const;
/** How often what is being received is read again. */
const LIST_MS = 5_000;

export function useDicomPeers() {
  return useQuery({ queryKey: PEERS, queryFn: () => answerOf(api.GET('/api/v1/admin/dicom-peers')) });
}

export function useAddPeer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<'NewPeer'>) => answerOf(api.POST('/api/v1/admin/dicom-peers', { body })),
    onSettled: () => client.invalidateQueries({ queryKey: PEERS }),
  });
}

export function useRemovePeer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.DELETE('/api/v1/admin/dicom-peers/{dicom_peer_id}', { params: { path: { dicom_peer_id: id } } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: PEERS }),
  });
}

/** What was received lately, the latest first; only what is in that state when one is given. */
export function useIncomingStudies(state: IncomingState | null) {
  return useQuery({
    queryKey: [...INCOMING, state],
    queryFn: () => answerOf(api.GET('/api/v1/admin/incoming-studies', { params: { query: { state } } })),
    refetchInterval: LIST_MS,
  });
}

export function useReadAgain() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.POST('/api/v1/admin/incoming-studies/{incoming_study_id}/retry', {
          params: { path: { incoming_study_id: id } },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: INCOMING }),
  });
}

export function useDiscard() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(
        api.DELETE('/api/v1/admin/incoming-studies/{incoming_study_id}', {
          params: { path: { incoming_study_id: id } },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: INCOMING }),
  });
}
