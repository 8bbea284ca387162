import { useQuery } from '@tanstack/react-query';
import { answerOf, api, type Schema } from '@/client';

export type CurrentModel = Schema<'CurrentModel'>;
export type ModelMetric = Schema<'ModelMetric'>;

/** The model version in use, and what it is validated for. */
export function useCurrentModel() {
  return useQuery({
    queryKey: ['model'],
    queryFn: () => answerOf(api.GET('/api/v1/models/current')),
  });
}
