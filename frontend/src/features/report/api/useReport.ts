import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '@/client';

/** The report of a study as one HTML document. */
export function useReport(studyId: string) {
  return useQuery({
    // Below the study's: what makes the study be read again does the same for its report.
    queryKey: ['study', studyId, 'report'],
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

/** The study that the report is about. */
export function useReportedStudy(studyId: string) {
  return useQuery({
    queryKey: ['study', studyId],
    queryFn: () =>
      answerOf(api.GET('/api/v1/studies/{study_id}', { params: { path: { study_id: studyId } } })),
  });
}
