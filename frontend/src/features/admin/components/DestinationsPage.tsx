import { Button, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FocusReturn } from '@/components/FocusReturn';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime } from '@/lib/format';
import {
  type Destination,
  useDeleteDestination,
  useDestinations,
  useTestDestination,
} from '../api/deliveries';
import { addressOf, KINDS } from '../deliveryWords';
import { DestinationDialog } from './DestinationDialog';
import { EndpointActions, TestOutcome } from './EndpointRow';

function Health({ destination }: { destination: Destination }) {
  if (!destination.enabled) {
    return <ToneBadge tone="quiet">Not in use</ToneBadge>;
  }
  if (destination.failures > 0) {
    return <ToneBadge tone="unsure">Does not answer</ToneBadge>;
  }
  return destination.last_delivered_at === null ? (
    <ToneBadge tone="info">Nothing sent yet</ToneBadge>
  ) : (
    <ToneBadge tone="clear">Answers</ToneBadge>
  );
}

function Line({
  destination,
  onChange,
  onDelete,
}: {
  destination: Destination;
  onChange: () => void;
  onDelete: () => void;
}) {
  const test = useTestDestination();
  const { id, name, kind, waiting, dead, last_error, last_delivered_at } = destination;
  return (
    <Table.Tr>
      <Table.Td>
        <Text fw={600}>{name}</Text>
        <Text fz="xs" c="dimmed">
          {KINDS[kind]}
        </Text>
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{addressOf(destination)}</Table.Td>
      <Table.Td>
        <Health destination={destination} />
        {last_error !== null && (
          <Text fz="xs" c="dimmed" mt={4}>
            {last_error}
          </Text>
        )}
        <TestOutcome test={test} />
      </Table.Td>
      <Table.Td className="numbers">{waiting}</Table.Td>
      <Table.Td className="numbers">{dead}</Table.Td>
      <Table.Td className="numbers">{formatDateTime(last_delivered_at)}</Table.Td>
      <Table.Td>
        <EndpointActions test={test} onTest={() => test.mutate(id)} onChange={onChange} onDelete={onDelete} />
      </Table.Td>
    </Table.Tr>
  );
}

/** The systems that results are sent to. */
export function DestinationsPage() {
  const destinations = useDestinations();
  const remove = useDeleteDestination();
  const [open, setOpen] = useState<Destination | 'new' | null>(null);
  const [ending, setEnding] = useState<Destination | null>(null);
  return (
    <>
      <DocumentTitle>Destinations</DocumentTitle>
      <DataPanel
        title="Destinations"
        note="Archives and information systems that this site’s results are sent to, without anybody’s doing."
        query={destinations}
        columns={['System', 'Address', 'State', 'Waiting', 'Given up', 'Last delivery', 'Actions']}
        rows={(destinations.data ?? []).map((one) => (
          <Line
            key={one.id}
            destination={one}
            onChange={() => setOpen(one)}
            onDelete={() => setEnding(one)}
          />
        ))}
        empty="No destination yet: results stay here"
        action={<Button onClick={() => setOpen('new')}>New destination</Button>}
      />
      {open !== null && (
        <FocusReturn>
          <DestinationDialog destination={open === 'new' ? null : open} onClose={() => setOpen(null)} />
        </FocusReturn>
      )}
      {ending && (
        <ConfirmDialog
          title={`Delete the destination ${ending.name}?`}
          verb="Delete the destination"
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => setEnding(null)}
        >
          What waits for it is dropped. What it has received stays there.
        </ConfirmDialog>
      )}
    </>
  );
}
