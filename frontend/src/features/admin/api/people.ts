import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type Person = Schema<'UserOut'>;
export type PersonState = Person['state'];
export type PersonRole = Schema<'Approval'>['role'];
export type Site = Schema<'SiteOut'>;

const PEOPLE = ['admin', 'people'] as const;
const SITES = ['admin', 'sites'] as const;

export function usePeople(state: PersonState | null) {
  return useInfiniteQuery({
    queryKey: [...PEOPLE, state],
    queryFn: ({ pageParam }) =>
      answerOf(api.GET('/api/v1/admin/users', { params: { query: { state, cursor: pageParam } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

export interface PersonChange {
  readonly id: string;
  readonly role: PersonRole;
  readonly site_id: string;
}

function usePeopleMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => client.invalidateQueries({ queryKey: PEOPLE }) });
}

export function useApprovePerson() {
  return usePeopleMutation(({ id, ...body }: PersonChange) =>
    answerOf(api.POST('/api/v1/admin/users/{user_id}/approve', { params: { path: { user_id: id } }, body })),
  );
}

export function useChangePerson() {
  return usePeopleMutation(({ id, ...body }: PersonChange) =>
    answerOf(api.PATCH('/api/v1/admin/users/{user_id}', { params: { path: { user_id: id } }, body })),
  );
}

export function useDisablePerson() {
  return usePeopleMutation((id: string) =>
    answerOf(api.POST('/api/v1/admin/users/{user_id}/disable', { params: { path: { user_id: id } } })),
  );
}

export function useEnablePerson() {
  return usePeopleMutation((id: string) =>
    answerOf(api.POST('/api/v1/admin/users/{user_id}/enable', { params: { path: { user_id: id } } })),
  );
}

export function useResetPassword() {
  return usePeopleMutation((id: string) =>
    answerOf(api.POST('/api/v1/admin/users/{user_id}/reset-password', { params: { path: { user_id: id } } })),
  );
}

export function useSites() {
  return useQuery({ queryKey: SITES, queryFn: () => answerOf(api.GET('/api/v1/admin/sites')) });
}

function useSiteMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => client.invalidateQueries({ queryKey: SITES }) });
}

export function useCreateSite() {
  return useSiteMutation((name: string) => answerOf(api.POST('/api/v1/admin/sites', { body: { name } })));
}

export function useRenameSite() {
  return useSiteMutation(({ id, name }: { id: string; name: string }) =>
    answerOf(
      api.PATCH('/api/v1/admin/sites/{site_id}', { params: { path: { site_id: id } }, body: { name } }),
    ),
  );
}

export function useDeleteSite() {
  return useSiteMutation((id: string) =>
    answerOf(api.DELETE('/api/v1/admin/sites/{site_id}', { params: { path: { site_id: id } } })),
  );
}
