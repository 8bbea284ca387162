import { Anchor, Button, Group, Menu, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconArrowLeft,
  IconDotsVertical,
  IconDownload,
  IconEraser,
  IconFileText,
  IconRefresh,
} from '@tabler/icons-react';
import { Link, useNavigate, useParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { ErrorState, LoadingState } from '@/components/States';
import { StatBadge, StudyStateBadge } from '@/components/StudyBadges';
import { reportPdfUrl } from '@/features/report';
import { ReviewPanel, useReview } from '@/features/review';
import {
  EraseDialog,
  ResultPanel,
  StageProgress,
  type StudyDetail,
  StudyFacts,
  StudyNotice,
  useAnalyseAgain,
  useLiveStudy,
  useStudy,
} from '@/features/study';
import { AlertPanel } from '@/features/triage';
import { verdictOf } from '@/lib/disposition';
import { patientFacts, patientTitle } from '@/lib/patient';
import { ProblemError } from '@/lib/problem';
import { useCurrentUser } from '@/lib/session';
import { NotFoundPage } from './NotFoundPage';
import classes from './StudyPage.module.css';
import { StudyScan } from './StudyScan';

function Header({ study }: { study: StudyDetail }) {
  const again = useAnalyseAgain(study.id);
  const navigate = useNavigate();
  const [erasing, erase] = useDisclosure(false);
  const mayErase = useCurrentUser().role === 'admin';
  return (
    <header className={classes.header}>
      <div className={classes.patient}>
        <Anchor
          component={Link}
          to="/worklist"
          c="dimmed"
          fz="xs"
          underline="hover"
          className={classes.back ?? ''}
        >
          <IconArrowLeft size={13} aria-hidden /> Worklist
        </Anchor>
        <Group gap="xs">
          <Title order={1} fz={20}>
            {patientTitle(study.patient)}
          </Title>
          {study.priority === 'STAT' && <StatBadge />}
          {study.result === null && <StudyStateBadge study={study} />}
        </Group>
        <Text c="dimmed" className="numbers">
          {patientFacts(study.patient)}
        </Text>
      </div>
      <Group gap="xs">
        {study.result !== null && (
          <>
            <Button
              component={Link}
              to={`/studies/${study.id}/report`}
              leftSection={<IconFileText size={16} aria-hidden />}
            >
              Report
            </Button>
            <Button
              component="a"
              href={reportPdfUrl(study.id)}
              download
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
            >
              PDF
            </Button>
          </>
        )}
        {(study.result !== null || mayErase) && (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" px={8} aria-label="More actions">
                <IconDotsVertical size={16} aria-hidden />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {study.result !== null && (
                <Menu.Item leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => again.mutate()}>
                  Analyse again
                </Menu.Item>
              )}
              {mayErase && (
                <Menu.Item
                  color="red"
                  leftSection={<IconEraser size={16} aria-hidden />}
                  onClick={erase.open}
                >
                  Erase this study…
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {erasing && (
        <EraseDialog
          studyId={study.id}
          onErased={() => void navigate('/worklist', { replace: true })}
          onClose={erase.close}
        />
      )}
      <Problem error={again.error} />
    </header>
  );
}

/** The answer in a line, for who cannot see it arrive. */
function said({ result }: StudyDetail): string {
  return result === null ? '' : `Result: ${verdictOf(result.disposition, result.finding).label}`;
}

/** What readers made of the answer, as far as the viewer may see it. */
function StudyReview({ study }: { study: StudyDetail }) {
  const review = useReview(study.id, study.result !== null);
  return (
    review.data &&
    study.result && (
      <ReviewPanel studyId={study.id} review={review.data} lookedFor={study.result.looked_for} />
    )
  );
}

/** One study: the scan beside what the model says of it. */
export function StudyPage() {
  const { studyId = '' } = useParams();
  const query = useStudy(studyId);
  const gone = query.error instanceof ProblemError && [404, 422].includes(query.error.status);
  useLiveStudy(studyId);
  // Also when it was on screen before: a study that was erased meanwhile is shown no longer.
  if (gone) {
    return <NotFoundPage />;
  }
  if (query.data === undefined) {
    return query.isPending ? (
      <LoadingState label="Opening the study…" />
    ) : (
      <ErrorState error={query.error} onRetry={() => void query.refetch()} />
    );
  }
  const study = query.data;
  const open = study.job !== null && (study.state === 'queued' || study.state === 'running');
  return (
    <div className={classes.page}>
      <DocumentTitle>{patientTitle(study.patient)}</DocumentTitle>
      <VisuallyHidden role="status">{study.state === 'completed' && said(study)}</VisuallyHidden>
      <Header study={study} />
      <Stack gap="sm" className={classes.answer ?? ''}>
        {open && study.job && <StageProgress job={study.job} />}
        <AlertPanel studyId={study.id} />
        <StudyNotice study={study} />
        {study.result && study.state !== 'completed' && (
          <Text>The answer below is of an earlier analysis of the same scan.</Text>
        )}
        {study.review_state === 'final' && <StudyReview study={study} />}
        {study.result && <ResultPanel result={study.result} />}
        {study.review_state !== 'final' && <StudyReview study={study} />}
      </Stack>
      <StudyScan study={study} />
      <div className={classes.facts}>
        <StudyFacts study={study} />
      </div>
    </div>
  );
}
