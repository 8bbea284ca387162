import {
  type QueryClient,
  type QueryFilters,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { answerOf, api, ProblemError, type Schema, setCsrfToken } from '@/client';
import { type CurrentUser, SESSION_KEY } from '@/lib/session';

export interface Session {
  readonly user: CurrentUser;
  /** The gateway ends a session that asks for nothing for so long. */
  readonly idleSeconds: number;
}

function adopt({ csrf_token, user, idle_seconds }: Schema<'SignedIn'>): Session {
  setCsrfToken(csrf_token);
  return { user, idleSeconds: idle_seconds };
}

/** Everything in the cache besides the session: what was read for whoever is signed in. */
const READ_FOR_SOMEBODY: QueryFilters = { predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] };

async function readSession(client: QueryClient): Promise<Session | null> {
  try {
    const session = adopt(await answerOf(api.GET('/api/v1/auth/me')));
    const before = client.getQueryData<Session | null>(SESSION_KEY);
    if (before && before.user.id !== session.user.id) {
      // Somebody else signed in, in another tab of this browser.
      void client.resetQueries(READ_FOR_SOMEBODY);
    }
    return session;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 401) {
      endSession(client);
      return null;
    }
    throw error;
  }
}

/** Who is signed in: null for nobody. Held in memory only, and read anew when the window is looked at again. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: ({ client }) => readSession(client),
  staleTime: 60_000,
  refetchOnWindowFocus: 'always',
});

/** Nobody is signed in any more: forgets everything that was read for the one who was. */
export function endSession(client: QueryClient): void {
  setCsrfToken(null);
  client.setQueryData(SESSION_KEY, null);
  client.removeQueries(READ_FOR_SOMEBODY);
}

export function useSession() {
  return useQuery(sessionQuery);
}

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: Schema<'Credentials'>) =>
      adopt(await answerOf(api.POST('/api/v1/auth/login', { body }))),
    onSuccess: (session) => client.setQueryData(SESSION_KEY, session),
  });
}

/** Signs out, then loads the page named, so that nothing of what was shown stays in memory. */
export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (_to: string) => answerOf(api.POST('/api/v1/auth/logout')),
    // Whether or not the server could still be told, nothing that was read stays on this screen.
    onSettled: (_answer, _error, to) => {
      endSession(client);
      // Once the page has been emptied, so that the browser's "back" has nothing to show again.
      window.setTimeout(() => window.location.replace(to));
    },
  });
}

export function useRegister() {
  return useMutation({
    mutationFn: (body: Schema<'Registration'>) => answerOf(api.POST('/api/v1/auth/register', { body })),
  });
}

export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: Schema<'PasswordChange'>) =>
      adopt(await answerOf(api.POST('/api/v1/auth/password', { body }))),
    onSuccess: (session) => client.setQueryData(SESSION_KEY, session),
  });
}
