import { Alert, Anchor, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconArrowLeft, IconRefreshAlert } from '@tabler/icons-react';
import { useReducer, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { LeaveGuard } from '@/components/LeaveGuard';
import { ReviewBadge } from '@/components/ReviewBadge';
import { ErrorState, LoadingState } from '@/components/States';
import { StatBadge } from '@/components/StudyBadges';
import {
  changesBetween,
  type Decision,
  draftOf,
  draftReducer,
  type Review,
  savedMessage,
  useGiveVerdict,
  useNextReview,
  useReview,
  VerdictForm,
  VerdictList,
  verdictBody,
} from '@/features/review';
import { ResultPanel, type StudyDetail, useLiveStudy, useStudy } from '@/features/study';
import { patientFacts, patientTitle } from '@/lib/patient';
import { ProblemError } from '@/lib/problem';
import { useMainKeys } from '@/lib/useMainKeys';
import { NotFoundPage } from './NotFoundPage';
import classes from './StudyPage.module.css';
import { StudyScan } from './StudyScan';

const DECISION_KEYS: Record<string, Decision> = { s: 'stroke', x: 'normal', u: 'none' };

function Header({ study, review }: { study: StudyDetail; review: Review }) {
  return (
    <header className={classes.header}>
      <div>
        <Anchor
          component={Link}
          to="/review"
          c="dimmed"
          fz="xs"
          underline="hover"
          className={classes.back ?? ''}
        >
          <IconArrowLeft size={13} aria-hidden /> Review
        </Anchor>
        <Group gap="xs">
          <Title order={1} fz={20}>
            {patientTitle(study.patient)}
          </Title>
          {study.priority === 'STAT' && <StatBadge />}
          <ReviewBadge state={review.state} agrees={review.agrees_with_model !== false} />
        </Group>
        <Text c="dimmed" className="numbers">
          {patientFacts(study.patient)}
        </Text>
      </div>
      <Button component={Link} to={`/studies/${study.id}`} variant="default">
        The study
      </Button>
    </header>
  );
}

/** That the review is another one than was opened, and what is different. */
function Changed({ changes, onSeen }: { changes: readonly string[]; onSeen: (() => void) | null }) {
  return (
    <Alert
      role="alert"
      color="orange"
      icon={<IconRefreshAlert aria-hidden />}
      title="This review has changed since you opened it"
    >
      {changes.map((change) => (
        <Text key={change}>{change}</Text>
      ))}
      <Text>What you have entered is kept.</Text>
      {onSeen !== null && (
        <Button mt="xs" variant="default" onClick={onSeen}>
          Go on with my verdict
        </Button>
      )}
    </Alert>
  );
}

interface DeskProps {
  readonly study: StudyDetail;
  readonly review: Review;
}

function Desk({ study, review }: DeskProps) {
  const navigate = useNavigate();
  const nextReview = useNextReview();
  const give = useGiveVerdict(study.id);
  // What the verdict is on: it is not moved under the reader's hands when others judge meanwhile.
  const [seen, setSeen] = useState(review);
  const [begun] = useState(() => draftOf(review));
  const [draft, dispatch] = useReducer(draftReducer, begun);
  // What was entered stays on screen, also when the review has become final meanwhile.
  const touched = draft !== begun && !give.isSuccess;
  const changes = give.isSuccess ? [] : changesBetween(seen, review);
  const lookedFor = study.result?.looked_for ?? 'stroke';
  const seriesId = review.series_id ?? study.series[0]?.id ?? '';

  const save = () => {
    const body = verdictBody(draft, seen);
    if (body === null || !review.may_judge || changes.length > 0 || give.isPending || give.isSuccess) {
      return;
    }
    give.mutate(body, {
      onSuccess: async (given) => {
        notifications.show({ message: savedMessage(given) });
        const next = await nextReview(study.id);
        void navigate(next === null ? '/review' : `/review/${next}`);
      },
    });
  };
  useHotkeys(review.may_judge ? [['mod+Enter', save]] : [], []);
  useMainKeys((event) => {
    const decision = DECISION_KEYS[event.key.toLowerCase()];
    if (decision !== undefined && review.may_judge) {
      dispatch({ type: 'decide', decision });
    }
    return decision !== undefined;
  });

  return (
    <div className={classes.page}>
      <Header study={study} review={review} />
      <Stack gap="sm" className={classes.answer ?? ''}>
        {changes.length > 0 && (
          <Changed changes={changes} onSeen={review.may_judge ? () => setSeen(review) : null} />
        )}
        {review.may_judge || touched ? (
          <VerdictForm
            review={seen}
            lookedFor={lookedFor}
            draft={draft}
            dispatch={dispatch}
            pending={give.isPending}
            error={changes.length > 0 ? null : give.error}
            severalSeries={study.series.length > 1}
            hindered={
              !review.may_judge
                ? 'A verdict can no longer be given.'
                : changes.length > 0
                  ? 'Look at what has changed first.'
                  : null
            }
            onSave={save}
          />
        ) : (
          <Paper p="md" component="section" aria-label="Your verdict">
            <Text>
              {review.state === 'final' ? 'The review is final.' : 'A radiologist of the site judges.'}
            </Text>
          </Paper>
        )}
        {(review.verdicts.length > 0 || review.hidden_verdicts > 0) && (
          <Paper p="md" component="section" aria-label="Verdicts so far">
            <Title order={2} fz="md" mb={6}>
              Verdicts so far
            </Title>
            <VerdictList review={review} lookedFor={lookedFor} />
          </Paper>
        )}
        {study.result && <ResultPanel result={study.result} />}
      </Stack>
      <StudyScan
        study={study}
        {...(review.may_judge && {
          marks: {
            seriesId,
            reading: {
              keySlices: draft.keySlices,
              regions: draft.regions,
              onKeySlice: (index) => dispatch({ type: 'keySlice', index }),
              onRegion: (region) => dispatch({ type: 'region', region }),
              onUndo: () => dispatch({ type: 'undoRegion' }),
            },
          },
        })}
      />
      {touched && (
        <LeaveGuard title="Leave without saving?" verb="Leave without saving">
          Your verdict on this scan has not been saved.
        </LeaveGuard>
      )}
    </div>
  );
}

/** The review desk: the scan beside the verdict that is being given on it. */
export function ReviewPage() {
  const { studyId = '' } = useParams();
  const study = useStudy(studyId);
  const gone = study.error instanceof ProblemError && [404, 422].includes(study.error.status);
  const review = useReview(studyId, study.data !== undefined && !gone);
  useLiveStudy(studyId);
  if (gone) {
    return <NotFoundPage />;
  }
  if (study.data === undefined || review.data === undefined) {
    const failed = study.isError ? study : review.isError ? review : null;
    return failed === null ? (
      <LoadingState label="Opening the review…" />
    ) : (
      <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />
    );
  }
  return (
    <>
      <DocumentTitle>{`Review: ${patientTitle(study.data.patient)}`}</DocumentTitle>
      <Desk key={studyId} study={study.data} review={review.data} />
    </>
  );
}
