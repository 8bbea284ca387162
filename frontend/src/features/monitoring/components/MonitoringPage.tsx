import { Group, SegmentedControl, Select, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { useSearchParams } from 'react-router';
import { CLEAR } from '@/components/clearButton';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FigureTile } from '@/components/FigureTile';
import { ErrorState, LoadingState } from '@/components/States';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime } from '@/lib/format';
import {
  type AgreementFigure,
  type Monitoring,
  useMonitoring,
  useReaderAgreement,
  useWatchedSites,
  type Watch,
} from '../api/useMonitoring';
import { FIGURES, kappaInWords, percentOf, totalsOf } from '../figures';
import { AlarmList } from './AlarmList';
import { GroupTable } from './GroupTable';
import { MonitoringCharts } from './MonitoringCharts';

const DAYS = ['7', '30', '90'] as const;
const MODALITIES = ['CT', 'MR', 'OT'] as const;

/** What the page's address asks for; words that are none of its own are left out. */
export function watchOf(search: URLSearchParams): Watch {
  const site = search.get('site');
  const modality = MODALITIES.find((one) => one === search.get('modality'));
  const days = Number(DAYS.find((one) => one === search.get('days')) ?? '30');
  return {
    days,
    ...(site !== null && /^[0-9a-f-]{36}$/.test(site) && { site_id: site }),
    ...(modality && { modality }),
  };
}

function Kappas() {
  const { data } = useReaderAgreement();
  const tile = (label: string, agreement: AgreementFigure | undefined) => (
    <FigureTile
      label={label}
      value={agreement?.kappa?.toFixed(2) ?? '–'}
      note={
        agreement === undefined || agreement.kappa === null
          ? 'too few to tell'
          : `${kappaInWords(agreement.kappa)}; ${agreement.agreed} of ${agreement.compared} the same`
      }
    />
  );
  return (
    <>
      {tile('Kappa, readers and model', data?.reader_model)}
      {tile('Kappa, readers with each other', data?.reader_reader)}
    </>
  );
}

function Figures({ seen }: { seen: Monitoring }) {
  const totals = totalsOf(seen.days);
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
      <FigureTile label="Received" value={totals.received.toLocaleString('en')} />
      <FigureTile label="Answered" value={totals.answered.toLocaleString('en')} />
      <FigureTile label="Confident answers" value={percentOf(totals.confident, totals.answered)} />
      <FigureTile label="Failed" value={totals.failed.toLocaleString('en')} />
      <Kappas />
    </SimpleGrid>
  );
}

function number(value: number | null, digits = 2): string {
  return value === null ? '–' : value.toFixed(digits);
}

function pText(value: number | null): string {
  return value !== null && value < 0.001 ? '<0.001' : number(value, 3);
}

/** Whether what the model is given, and what it says, is still what it was. */
export function MonitoringPage() {
  const [search, setSearch] = useSearchParams();
  const watch = watchOf(search);
  const monitoring = useMonitoring(watch);
  const sites = useWatchedSites();
  const set = (name: string, value: string | null) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        value === null ? next.delete(name) : next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const seen = monitoring.data;
  return (
    <Stack>
      <DocumentTitle>Monitoring</DocumentTitle>
      <Group justify="space-between" px={{ base: 4, sm: 0 }}>
        <Title order={2} fz="lg">
          Monitoring
        </Title>
        <Group gap="sm">
          <SegmentedControl
            aria-label="Window"
            value={String(watch.days ?? 30)}
            onChange={(value) => set('days', value === '30' ? null : value)}
            data={DAYS.map((value) => ({ value, label: `${value} days` }))}
          />
          <Select
            aria-label="Site"
            placeholder="All sites"
            clearable
            clearButtonProps={{ ...CLEAR, 'aria-label': 'Clear: site' }}
            w={180}
            value={watch.site_id ?? null}
            onChange={(value) => set('site', value)}
            data={(sites.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          />
          <Select
            aria-label="Scan"
            placeholder="Any scan"
            clearable
            clearButtonProps={{ ...CLEAR, 'aria-label': 'Clear: scan' }}
            w={130}
            value={watch.modality ?? null}
            onChange={(value) => set('modality', value)}
            data={MODALITIES.map((value) => ({ value, label: value === 'OT' ? 'Other' : value }))}
          />
        </Group>
      </Group>
      {seen === undefined ? (
        monitoring.isPending ? (
          <LoadingState label="Counting…" />
        ) : (
          <ErrorState error={monitoring.error} onRetry={() => void monitoring.refetch()} />
        )
      ) : (
        <>
          <AlarmList alarms={seen.alarms} limits={seen.limits} />
          <Figures seen={seen} />
          <MonitoringCharts seen={seen} />
          <DataPanel
            title="Drift"
            note={`Since ${formatDateTime(seen.current.since)}, against the time since ${formatDateTime(seen.reference.since)}. An alarm needs a PSI of at least ${seen.limits.psi_at_least} that chance does not explain (p < ${seen.limits.p_value_below}).`}
            columns={['Figure', 'PSI', 'KS', 'p', 'What it says']}
            rows={seen.drifts.map((drift) => (
              <Table.Tr key={drift.figure}>
                <Table.Td>
                  {FIGURES[drift.figure]} {drift.alarm && <ToneBadge tone="stroke">Alarm</ToneBadge>}
                </Table.Td>
                <Table.Td className="numbers">{number(drift.psi)}</Table.Td>
                <Table.Td className="numbers">{number(drift.ks)}</Table.Td>
                <Table.Td className="numbers">{pText(drift.p_value)}</Table.Td>
                <Table.Td>{drift.sentence}</Table.Td>
              </Table.Tr>
            ))}
            empty="Nothing was answered in these windows"
          />
          <GroupTable groups={seen.groups} />
          <Text c="dimmed" fz="xs">
            Counts only: no study can be told from another here. Days and weeks are counted in UTC.
          </Text>
        </>
      )}
    </Stack>
  );
}
