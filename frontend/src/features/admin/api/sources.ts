import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type Source = Schema<'SourceOut'>;
export type SourceDraft = Schema<'SourceDraft'>;
export type SourceKind = Schema<'SourceKind'>;

const SOURCES = ['admin', 'sources'] as const;

export function useSources() {
  return useQuery({ queryKey: SOURCES, queryFn: () => answerOf(api.GET('/api/v1/admin/sources')) });
}

/** Enters a source, or changes the one with this id. */
export function useSaveSource(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: SourceDraft) =>
      id === null
        ? answerOf(api.POST('/api/v1/admin/sources', { body }))
        : answerOf(
            api.PUT('/api/v1/admin/sources/{source_id}', { params: { path: { source_id: id } }, body }),
          ),
    onSettled: () => client.invalidateQueries({ queryKey: SOURCES }),
  });
}

export function useDeleteSource() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(api.DELETE('/api/v1/admin/sources/{source_id}', { params: { path: { source_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: SOURCES }),
  });
}

export function useTestSource() {
  return useMutation({
    mutationFn: (id: string) =>
      answerOf(api.POST('/api/v1/admin/sources/{source_id}/test', { params: { path: { source_id: id } } })),
  });
}
