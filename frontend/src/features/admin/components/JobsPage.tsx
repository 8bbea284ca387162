import { Anchor, Button, SimpleGrid, Table } from '@mantine/core';
import { Link } from 'react-router';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FigureTile } from '@/components/FigureTile';
import { Problem } from '@/components/Problem';
import { formatAge, formatDateTime } from '@/lib/format';
import { useNow } from '@/lib/useNow';
import { useFailedJobs, useQueueStatus, useRetryJob } from '../api/work';

function Queue() {
  const { data } = useQueueStatus();
  const now = useNow(5000);
  if (data === undefined) {
    return null;
  }
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} mb="lg" spacing="sm">
      <FigureTile label={`Waiting (of at most ${data.max_queue_length})`} value={String(data.queued)} />
      <FigureTile label="of these STAT" value={String(data.queued_stat)} />
      <FigureTile label="Being analysed" value={String(data.running)} />
      <FigureTile
        label="Longest wait"
        value={data.oldest_queued_at === null ? '–' : formatAge(data.oldest_queued_at, now)}
      />
    </SimpleGrid>
  );
}

/** How much waits, and the analyses that were given up. */
export function JobsPage() {
  const failed = useFailedJobs();
  const retry = useRetryJob();
  const rows = (failed.data?.pages ?? []).flatMap(({ items }) =>
    items.map((job) => (
      <Table.Tr key={job.id}>
        <Table.Td>
          <Anchor component={Link} to={`/studies/${job.study_id}`}>
            {job.study_id.slice(0, 8)}
          </Anchor>
        </Table.Td>
        <Table.Td>{job.failure_detail ?? job.failure_code ?? '–'}</Table.Td>
        <Table.Td className="numbers">{job.attempts.length}</Table.Td>
        <Table.Td className="numbers">{formatDateTime(job.finished_at)}</Table.Td>
        <Table.Td ta="end">
          <Button
            variant="default"
            size="compact-sm"
            loading={retry.isPending && retry.variables === job.id}
            onClick={() => retry.mutate(job.id)}
          >
            Try again
          </Button>
        </Table.Td>
      </Table.Tr>
    )),
  );
  return (
    <>
      <DocumentTitle>Jobs</DocumentTitle>
      <Queue />
      <Problem error={retry.error} />
      <DataPanel
        title="Failed analyses"
        note="Given up after three attempts, or for a reason that trying again does not change."
        query={failed}
        columns={['Study', 'Reason', 'Attempts', 'Failed', 'Actions']}
        rows={rows}
        empty="No analysis has failed"
        onMore={failed.hasNextPage ? () => void failed.fetchNextPage() : undefined}
      />
    </>
  );
}
