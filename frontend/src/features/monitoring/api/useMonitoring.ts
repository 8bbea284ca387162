import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answerOf, api, type QueryOf, type Schema } from '@/client';

export type Monitoring = Schema<'Monitoring'>;
export type Drift = Schema<'Drift'>;
export type DayFigures = Schema<'DayFigures'>;
export type AgreementFigure = Schema<'AgreementFigure'>;
export type Watch = QueryOf<'read_monitoring'>;

const REFRESH_MS = 60_000;

/** What the model was given and said, against a reference window. */
export function useMonitoring(watch: Watch) {
  return useQuery({
    queryKey: ['monitoring', watch],
    queryFn: () => answerOf(api.GET('/api/v1/monitoring', { params: { query: watch } })),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}

/** How far readers agree with each other and with the model. */
export function useReaderAgreement() {
  return useQuery({
    queryKey: ['monitoring', 'agreement'],
    queryFn: () => answerOf(api.GET('/api/v1/reviews/agreement')),
    refetchInterval: REFRESH_MS,
  });
}

/** The sites that can be looked at. */
export function useWatchedSites() {
  return useQuery({
    queryKey: ['admin', 'sites'],
    queryFn: () => answerOf(api.GET('/api/v1/admin/sites')),
  });
}
