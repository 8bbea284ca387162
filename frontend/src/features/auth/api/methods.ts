import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '@/client';

/** How one can sign in besides e-mail address and password. */
export function useSignInMethods() {
  return useQuery({
    queryKey: ['auth', 'methods'],
    queryFn: () => answerOf(api.GET('/api/v1/auth/methods')),
    staleTime: Number.POSITIVE_INFINITY,
  });
}
