import { Anchor, Button, Group, Menu, Select, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import {
  IconArrowLeft,
  IconDotsVertical,
  IconDownload,
  IconFileText,
  IconRefresh,
} from '@tabler/icons-react';
import { Suspense, useState } from 'react';
import { Link, useParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { ErrorState, LoadingState } from '@/components/States';
import { StatBadge, StudyStateBadge } from '@/components/StudyBadges';
import { reportPdfUrl } from '@/features/report';
import {
  ResultPanel,
  StageProgress,
  type StudyDetail,
  StudyFacts,
  StudyNotice,
  useAnalyseAgain,
  useLiveStudy,
  useStudy,
} from '@/features/study';
import { Viewer } from '@/features/viewer';
import { verdictOf } from '@/lib/disposition';
import { patientFacts, patientTitle } from '@/lib/patient';
import { ProblemError } from '@/lib/problem';
import { NotFoundPage } from './NotFoundPage';
import classes from './StudyPage.module.css';

function Header({ study }: { study: StudyDetail }) {
  const again = useAnalyseAgain(study.id);
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
      {study.result !== null && (
        <Group gap="xs">
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
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" px={8} aria-label="More actions">
                <IconDotsVertical size={16} aria-hidden />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => again.mutate()}>
                Analyse again
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      )}
      <Problem error={again.error} />
    </header>
  );
}

type SeriesAnswer = NonNullable<StudyDetail['result']>['series'][number];

/** The slices as the viewer may show them: where the model may not say, its numbers mean nothing and stay hidden. */
function shownSlices(answer: SeriesAnswer | undefined): SeriesAnswer['slices'] {
  if (answer === undefined) {
    return [];
  }
  const answered = answer.disposition === 'confident' || answer.disposition === 'uncertain';
  return answered ? answer.slices : answer.slices.map((slice) => ({ ...slice, stroke_probability: null }));
}

function Scan({ study }: { study: StudyDetail }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const driving = chosen ?? study.result?.driving_series_id ?? study.series[0]?.id;
  const series = study.series.find(({ id }) => id === driving) ?? study.series[0];
  if (series === undefined) {
    return null;
  }
  const answer = study.result?.series.find(({ series_id }) => series_id === series.id);
  const limits = study.result?.thresholds ?? null;
  return (
    <Stack gap="xs" className={classes.scan ?? ''}>
      {study.series.length > 1 && (
        <Select
          aria-label="Series"
          allowDeselect={false}
          value={series.id}
          onChange={setChosen}
          data={study.series.map((one, index) => ({
            value: one.id,
            label: `Series ${index + 1}: ${one.modality}, ${one.slices} slices${one.description ? `, ${one.description}` : ''}${one.id === study.result?.driving_series_id ? ' (decided the answer)' : ''}`,
          }))}
        />
      )}
      <div className={classes.viewer}>
        <Suspense fallback={<LoadingState label="Opening the viewer…" />}>
          <Viewer
            // Another answer brings other heatmaps and key slices: the viewer starts afresh with them.
            key={`${series.id} ${study.result?.job_id ?? ''}`}
            studyId={study.id}
            series={series}
            slices={shownSlices(answer)}
            keySlices={answer?.key_slices ?? []}
            lookedFor={study.result?.looked_for ?? 'stroke'}
            thresholds={limits && { low: limits.normal_at_most, high: limits.stroke_at_least }}
          />
        </Suspense>
      </div>
    </Stack>
  );
}

/** The answer in a line, for who cannot see it arrive. */
function said({ result }: StudyDetail): string {
  return result === null ? '' : `Result: ${verdictOf(result.disposition, result.finding).label}`;
}

/** One study: the scan beside what the model says of it. */
export function StudyPage() {
  const { studyId = '' } = useParams();
  const query = useStudy(studyId);
  const gone = query.error instanceof ProblemError && [404, 422].includes(query.error.status);
  useLiveStudy(studyId, !gone);
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
        <StudyNotice study={study} />
        {study.result && study.state !== 'completed' && (
          <Text>The answer below is of an earlier analysis of the same scan.</Text>
        )}
        {study.result && <ResultPanel result={study.result} />}
      </Stack>
      <Scan study={study} />
      <div className={classes.facts}>
        <StudyFacts study={study} />
      </div>
    </div>
  );
}
