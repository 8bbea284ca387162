import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { endSession } from '@/features/auth';
import { ProblemError } from '@/lib/problem';

/** Refusals are final; only a server that cannot be reached, or is overloaded, is asked again. */
function mayRetry(failures: number, error: unknown): boolean {
  return failures < 2 && error instanceof ProblemError && (error.status === 0 || error.status >= 502);
}

/** The cache of everything read from the gateway. A 401 anywhere ends the session on this screen. */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof ProblemError && error.status === 401) {
      endSession(client);
    }
  };
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { retry: mayRetry, staleTime: 10_000 } },
  });
  return client;
}
