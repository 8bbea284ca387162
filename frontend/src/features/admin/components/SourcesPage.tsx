import { Button, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ToneBadge } from '@/components/ToneBadge';
import { type Source, useDeleteSource, useSources, useTestSource } from '../api/sources';
import { EndpointActions, TestOutcome } from './EndpointRow';
import { KINDS, SourceDialog } from './SourceDialog';

interface LineProps {
  readonly source: Source;
  readonly onChange: () => void;
  readonly onDelete: () => void;
}

function Line({ source, onChange, onDelete }: LineProps) {
  const test = useTestSource();
  const { id, name, kind, enabled, host, port, remote_name, url } = source;
  return (
    <Table.Tr>
      <Table.Td>
        <Text fw={600}>{name}</Text>
        <Text fz="xs" c="dimmed">
          {KINDS[kind]}
        </Text>
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {kind === 'dimse' ? `${remote_name}@${host}:${port}` : url}
      </Table.Td>
      <Table.Td>
        {enabled ? (
          <ToneBadge tone="clear">In use</ToneBadge>
        ) : (
          <ToneBadge tone="quiet">Not in use</ToneBadge>
        )}
        <TestOutcome test={test} />
      </Table.Td>
      <Table.Td>
        <EndpointActions test={test} onTest={() => test.mutate(id)} onChange={onChange} onDelete={onDelete} />
      </Table.Td>
    </Table.Tr>
  );
}

/** The archives that studies are fetched from. */
export function SourcesPage() {
  const sources = useSources();
  const remove = useDeleteSource();
  const [open, setOpen] = useState<Source | 'new' | null>(null);
  const [ending, setEnding] = useState<Source | null>(null);
  return (
    <>
      <DocumentTitle>Sources</DocumentTitle>
      <DataPanel
        title="Sources"
        note="Archives that this site’s studies are fetched from when somebody or another system asks for them, in this order."
        query={sources}
        columns={['Archive', 'Address', 'State', 'Actions']}
        rows={(sources.data ?? []).map((one) => (
          <Line key={one.id} source={one} onChange={() => setOpen(one)} onDelete={() => setEnding(one)} />
        ))}
        empty="No source yet: only what is sent here is analysed"
        action={<Button onClick={() => setOpen('new')}>New source</Button>}
      />
      {open !== null && <SourceDialog source={open === 'new' ? null : open} onClose={() => setOpen(null)} />}
      {ending && (
        <ConfirmDialog
          title={`Delete the source ${ending.name}?`}
          verb="Delete the source"
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => setEnding(null)}
        >
          What was still to be fetched from it fails. What has come stays.
        </ConfirmDialog>
      )}
    </>
  );
}
