import { Button, Container, Group, Paper, Title } from '@mantine/core';
import { IconArrowLeft, IconDownload } from '@tabler/icons-react';
import { Link, useParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ReviewBadge } from '@/components/ReviewBadge';
import { ErrorState, LoadingState } from '@/components/States';
import { reportPdfUrl, useReport, useReportedStudy } from '../api/useReport';
import classes from './ReportPage.module.css';

/** The report as the patient's file gets it. It runs no script and reaches nothing: the frame is a closed box. */
export function ReportPage() {
  const { studyId = '' } = useParams();
  const report = useReport(studyId);
  const { data: study } = useReportedStudy(studyId);
  return (
    <Container size="lg" py="md" px={{ base: 'xs', sm: 'md' }} className={classes.page ?? ''}>
      <DocumentTitle>Report</DocumentTitle>
      <Group justify="space-between" mb="sm">
        <Group gap="sm">
          <Button
            component={Link}
            to={`/studies/${studyId}`}
            variant="default"
            leftSection={<IconArrowLeft size={16} aria-hidden />}
          >
            Study
          </Button>
          <Title order={1} fz={20}>
            Report
          </Title>
          {study?.review_state && (
            <ReviewBadge state={study.review_state} agrees={study.reviewed_finding === study.finding} />
          )}
        </Group>
        <Button
          component="a"
          href={reportPdfUrl(studyId)}
          download
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          PDF
        </Button>
      </Group>
      <Paper className={classes.paper ?? ''}>
        {report.isPending ? (
          <LoadingState label="Writing the report…" />
        ) : report.isError ? (
          <ErrorState error={report.error} onRetry={() => void report.refetch()} />
        ) : (
          <iframe className={classes.frame} title="Report" sandbox="" srcDoc={report.data} />
        )}
      </Paper>
    </Container>
  );
}
