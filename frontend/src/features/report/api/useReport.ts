import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '@/client';

/** The report of a study as one HTML document. */
export function useReport(studyId: string) {
  return useQuery({
    queryKey: ['report', studyId],
    queryFn: () =>
      answerOf(
        api.GET('/api/v1/studies/{study_id}/report', {
          params: { path: { study_id: studyId } },
          parseAs: 'text',
        }),
      ),
    staleTime: 0,
  });
}

/** Where the report's PDF lies, for a download link. */
export function reportPdfUrl(studyId: string): string {
  return `/api/v1/studies/${studyId}/report.pdf`;
}
