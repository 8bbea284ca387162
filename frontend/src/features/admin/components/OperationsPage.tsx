import { SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FigureTile } from '@/components/FigureTile';
import { ErrorState, LoadingState } from '@/components/States';
import { ToneBadge } from '@/components/ToneBadge';
import { formatAge, formatBytes, formatDateTime } from '@/lib/format';
import { type Operations, useOperations } from '../api/operations';
import { figureOf, formatFigure, formatSpan } from '../operations';

const PARTS: Record<string, string> = {
  database: 'Database',
  redis: 'Redis',
  objects: 'Object store',
  feedback: 'Feedback service',
  registry: 'Model registry',
};

function AtAGlance({ seen }: { seen: Operations }) {
  const { answered, median_seconds: median, p95_seconds: p95 } = seen.answers;
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <FigureTile label="Answered in the last day" value={String(answered)} />
      <FigureTile
        label="Seconds from queue to answer"
        value={formatSpan(median)}
        note={p95 === null ? 'median' : `median; 95 % within ${formatSpan(p95)}`}
      />
      <FigureTile
        label="Longest wait now"
        value={formatSpan(figureOf(seen.figures, 'ictus_oldest_queued_job_seconds'))}
        note={`${figureOf(seen.figures, 'ictus_jobs', 'queued') ?? '–'} waiting`}
      />
      <FigureTile
        label="Free for uploads"
        value={formatBytes(seen.spool_free_bytes)}
        note={`of ${formatBytes(seen.spool_bytes)}`}
      />
    </SimpleGrid>
  );
}

/** Whether each part of the installation answers, who works, and the figures that Prometheus is told. */
export function OperationsPage() {
  const query = useOperations();
  const seen = query.data;
  return (
    <Stack gap="lg">
      <DocumentTitle>Operations</DocumentTitle>
      {seen ? (
        <>
          <AtAGlance seen={seen} />
          <DataPanel
            title="Parts"
            note={`Asked at ${formatDateTime(seen.at)}; asked again every ten seconds.`}
            columns={['Part', 'State', 'Answered in']}
            rows={seen.parts.map((part) => (
              <Table.Tr key={part.name}>
                <Table.Td>{PARTS[part.name] ?? part.name}</Table.Td>
                <Table.Td>
                  <ToneBadge tone={part.ok ? 'clear' : 'stroke'}>
                    {part.ok ? 'answers' : 'does not answer'}
                  </ToneBadge>
                </Table.Td>
                <Table.Td className="numbers">{part.milliseconds} ms</Table.Td>
              </Table.Tr>
            ))}
            empty="No part is known"
          />
          <DataPanel
            title="Inference workers"
            note="Those that took an analysis in the last day."
            columns={['Worker', 'Took one last', 'At work', 'Answered', 'Gave up']}
            rows={seen.workers.map((worker) => (
              <Table.Tr key={worker.worker_id}>
                <Table.Td>{worker.worker_id}</Table.Td>
                <Table.Td className="numbers">
                  {formatAge(worker.last_claim_at, new Date(seen.at).getTime())}
                </Table.Td>
                <Table.Td className="numbers">{worker.running}</Table.Td>
                <Table.Td className="numbers">{worker.answered}</Table.Td>
                <Table.Td className="numbers">{worker.gave_up}</Table.Td>
              </Table.Tr>
            ))}
            empty="No worker has taken an analysis in the last day"
          />
          <DataPanel
            title="Figures"
            note="The same that Prometheus reads at /metrics."
            columns={['Figure', 'Value']}
            rows={seen.figures.map((figure) => (
              <Table.Tr key={`${figure.name} ${Object.values(figure.labels).join(' ')}`}>
                <Table.Td>
                  <Text fz="sm">{[figure.name, ...Object.values(figure.labels)].join(' · ')}</Text>
                  <Text c="dimmed" fz="xs">
                    {figure.help}
                  </Text>
                </Table.Td>
                <Table.Td className="numbers">{formatFigure(figure)}</Table.Td>
              </Table.Tr>
            ))}
            empty="The database does not answer"
          />
        </>
      ) : query.isError ? (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <LoadingState label="Asking every part…" />
      )}
    </Stack>
  );
}
