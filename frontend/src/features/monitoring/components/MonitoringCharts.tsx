import { Paper, SimpleGrid } from '@mantine/core';
import { Histogram } from '@/components/charts/Histogram';
import { LineChart } from '@/components/charts/LineChart';
import { ShareBars } from '@/components/charts/ShareBars';
import { StackedBars } from '@/components/charts/StackedBars';
import { plural } from '@/lib/format';
import type { Drift, Monitoring } from '../api/useMonitoring';
import { dayLabel, FIGURES, PARTS, percentOf, shares, totalsOf, valueLabel } from '../figures';

const percent = (value: number) => `${Math.round(value * 100)} %`;

function Distribution({ drift }: { drift: Drift }) {
  if (drift.categories) {
    const now = shares(drift.categories.map((one) => one.current));
    const before = shares(drift.categories.map((one) => one.reference));
    return (
      <Paper p="md">
        <ShareBars
          title={FIGURES[drift.figure]}
          summary={drift.sentence}
          of="Scanner"
          shares={drift.categories.map(({ name }, index) => ({
            name,
            now: now[index] ?? 0,
            reference: before[index] ?? 0,
          }))}
        />
      </Paper>
    );
  }
  if (drift.distribution === null) {
    return null;
  }
  const { edges, current, reference } = drift.distribution;
  return (
    <Paper p="md">
      <Histogram
        title={FIGURES[drift.figure]}
        summary={drift.sentence}
        edges={edges}
        now={shares(current)}
        reference={drift.reference_count === 0 ? [] : shares(reference)}
        format={(value) => valueLabel(drift.figure, value)}
      />
    </Paper>
  );
}

function meanSummary(days: Monitoring['days']): string {
  const latest = days.findLast((day) => day.mean_uncertainty !== null);
  return latest
    ? `On ${dayLabel(latest.day)}: uncertainty ${percent(latest.mean_uncertainty ?? 0)}, stroke probability ${percent(latest.mean_stroke_probability ?? 0)} on average.`
    : 'No study was answered in this window.';
}

/** What came and what was said of it, day by day, and how its figures are spread against the reference. */
export function MonitoringCharts({ seen }: { seen: Monitoring }) {
  const labels = seen.days.map(({ day }) => dayLabel(day));
  const totals = totalsOf(seen.days);
  const decided = seen.agreement.reduce((sum, week) => sum + week.decided, 0);
  const agreed = seen.agreement.reduce((sum, week) => sum + week.agreed, 0);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
      <Paper p="md">
        <StackedBars
          title="Answers a day"
          summary={`${plural(totals.answered, 'study', 'studies')} answered, ${percentOf(totals.confident, totals.answered)} of them confidently; ${totals.failed} failed.`}
          labels={labels}
          parts={PARTS.map(({ part, label, tone }) => ({
            label,
            tone,
            counts: seen.days.map((day) => day.dispositions[part] ?? 0),
          }))}
        />
      </Paper>
      <Paper p="md">
        <LineChart
          title="Readers who agree with the model, by week"
          summary={
            decided === 0
              ? 'No review was decided in these windows.'
              : `${percentOf(agreed, decided)} of ${plural(decided, 'review')} found what the model had found.`
          }
          labels={seen.agreement.map(({ week }) => dayLabel(week))}
          lines={[
            {
              label: 'Agreement',
              tone: 'clear',
              values: seen.agreement.map((week) => (week.decided === 0 ? null : week.agreed / week.decided)),
            },
          ]}
          atLeast={1}
          format={percent}
        />
      </Paper>
      <Paper p="md">
        <LineChart
          title="Uncertainty and stroke probability, daily means"
          summary={meanSummary(seen.days)}
          labels={labels}
          lines={[
            { label: 'Uncertainty', tone: 'unsure', values: seen.days.map((day) => day.mean_uncertainty) },
            {
              label: 'Stroke probability',
              tone: 'info',
              values: seen.days.map((day) => day.mean_stroke_probability),
            },
          ]}
          atLeast={1}
          format={percent}
        />
      </Paper>
      <Paper p="md">
        <LineChart
          title="Novelty of the input, daily mean"
          summary="How unlike the training scans; above 1 a scan is outside of what the model knows."
          labels={labels}
          lines={[{ label: 'Novelty', tone: 'info', values: seen.days.map((day) => day.mean_novelty) }]}
          limit={{ value: 1, label: 'limit of the model' }}
          atLeast={1}
          format={(value) => value.toFixed(2)}
        />
      </Paper>
      <Paper p="md">
        <LineChart
          title="Brightness of the head, daily mean"
          summary="Mean grey of the head as the model is shown it, 0 black to 1 white: another scanner, kernel or window moves it first."
          labels={labels}
          lines={[{ label: 'Brightness', tone: 'info', values: seen.days.map((day) => day.mean_intensity) }]}
          atLeast={1}
          format={(value) => value.toFixed(2)}
        />
      </Paper>
      {seen.drifts.map((drift) => (
        <Distribution key={drift.figure} drift={drift} />
      ))}
    </SimpleGrid>
  );
}
