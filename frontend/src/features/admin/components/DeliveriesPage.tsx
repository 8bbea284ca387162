import { Anchor, Button, SegmentedControl, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime } from '@/lib/format';
import { sentence } from '@/lib/words';
import { type Delivery, type DeliveryState, useDeliveries, useSendAgain } from '../api/deliveries';
import { STATES } from '../deliveryWords';

const VIEWS: Record<string, { label: string; states: readonly DeliveryState[] }> = {
  all: { label: 'All', states: [] },
  open: { label: 'Still to come', states: ['queued', 'sending', 'retrying'] },
  dead: { label: 'Given up', states: ['dead'] },
};

/** What was proven, or why it was not, or when it is tried next. */
function Word({ delivery }: { delivery: Delivery }) {
  const { state, proof, last_error, next_attempt_at } = delivery;
  return (
    <>
      <ToneBadge tone={STATES[state].tone}>{STATES[state].word}</ToneBadge>
      <Text fz="xs" c="dimmed" mt={4}>
        {proof ?? last_error}
        {state === 'retrying' && next_attempt_at !== null && ` Next try ${formatDateTime(next_attempt_at)}.`}
      </Text>
    </>
  );
}

/** Results on their way to other systems, and those that were given up. */
export function DeliveriesPage() {
  const [view, setView] = useState('all');
  const deliveries = useDeliveries(VIEWS[view]?.states ?? []);
  const again = useSendAgain();
  const rows = (deliveries.data?.pages ?? []).flatMap(({ items }) =>
    items.map((one) => (
      <Table.Tr key={one.id}>
        <Table.Td>
          <Anchor component={Link} to={`/studies/${one.study_id}`}>
            {one.study_id.slice(0, 8)}
          </Anchor>
        </Table.Td>
        <Table.Td>{one.destination_name}</Table.Td>
        <Table.Td>{sentence(one.status)}</Table.Td>
        <Table.Td>
          <Word delivery={one} />
        </Table.Td>
        <Table.Td className="numbers">{one.attempts}</Table.Td>
        <Table.Td className="numbers">{formatDateTime(one.delivered_at ?? one.created_at)}</Table.Td>
        <Table.Td ta="end">
          {(one.state === 'dead' || one.state === 'delivered') && (
            <Button
              variant="default"
              size="compact-sm"
              loading={again.isPending && again.variables === one.id}
              onClick={() => again.mutate(one.id)}
            >
              Send again
            </Button>
          )}
        </Table.Td>
      </Table.Tr>
    )),
  );
  return (
    <>
      <DocumentTitle>Deliveries</DocumentTitle>
      <Problem error={again.error} />
      <DataPanel
        title="Deliveries"
        note="Delivered means that the other system said so. It knows what it has already, so sending again is safe."
        query={deliveries}
        columns={['Study', 'Destination', 'Report', 'State', 'Attempts', 'When', 'Actions']}
        rows={rows}
        empty="No delivery"
        onMore={deliveries.hasNextPage ? () => void deliveries.fetchNextPage() : undefined}
        action={
          <SegmentedControl
            aria-label="Which deliveries"
            data={Object.entries(VIEWS).map(([value, { label }]) => ({ value, label }))}
            value={view}
            onChange={setView}
          />
        }
      />
    </>
  );
}
