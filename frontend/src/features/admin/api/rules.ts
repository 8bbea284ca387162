import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type Rules = Schema<'NextStepRulesOut'>;
export type Rule = Rules['table']['rules'][number];
export type Step = Rule['steps'][number];

const RULES = ['admin', 'next-step-rules'] as const;

export function useRules() {
  return useQuery({
    queryKey: RULES,
    queryFn: () => answerOf(api.GET('/api/v1/admin/next-step-rules')),
    // An edit is made from what was read: nothing is put in its place meanwhile.
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Puts the whole table. The gateway refuses when somebody else changed it since it was read. */
export function useReplaceRules() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ based_on, rules }: { based_on: number; rules: readonly Rule[] }) =>
      answerOf(
        api.PUT('/api/v1/admin/next-step-rules', {
          body: { based_on, table: { schema_version: 1, rules: [...rules] } },
        }),
      ),
    onSuccess: (changed) => client.setQueryData(RULES, changed),
  });
}

/** Reads the table anew, dropping what was edited. */
export function useReloadRules() {
  const client = useQueryClient();
  return () => client.resetQueries({ queryKey: RULES });
}
