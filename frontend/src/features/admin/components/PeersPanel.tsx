import { Button, Code, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { FormDialog } from '@/components/FormDialog';
import { formatDateTime } from '@/lib/format';
import { type Site, useSites } from '../api/people';
import { type DicomPeer, useAddPeer, useDicomPeers, useRemovePeer } from '../api/receiving';
import { SiteSelect, useChosenSite } from './SiteSelect';

/** PS3.5 table 6.2-1: at most 16 characters, no backslash, not spaces alone. */
const AE_TITLE = /^[!-[\]-~][ -[\]-~]{0,15}$/;

function PeerDialog({ sites, onClose }: { sites: readonly Site[]; onClose: () => void }) {
  const add = useAddPeer();
  const [title, setTitle] = useState('');
  const site = useChosenSite(sites);
  const aeTitle = title.trim();
  const isTitle = AE_TITLE.test(aeTitle);
  return (
    <FormDialog
      title="New DICOM peer"
      verb="Let it send"
      ready={isTitle}
      pending={add.isPending}
      error={add.error}
      onSubmit={() => add.mutate({ ae_title: aeTitle, site_id: site.id }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <TextInput
        label="AE title"
        description="As the scanner or archive calls itself; capitals matter."
        value={title}
        error={aeTitle !== '' && !isTitle ? 'At most 16 plain characters, without a backslash.' : null}
        onChange={(event) => setTitle(event.currentTarget.value)}
        data-autofocus
      />
      <SiteSelect description="Its studies belong to this site." of={site} />
    </FormDialog>
  );
}

/** The scanners and archives that may send by C-STORE. */
export function PeersPanel() {
  const peers = useDicomPeers();
  const sites = useSites();
  const remove = useRemovePeer();
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<DicomPeer | null>(null);
  const siteName = (id: string) => sites.data?.find((site) => site.id === id)?.name ?? '–';
  return (
    <>
      <DataPanel
        title="DICOM peers"
        note="Scanners and archives that may send by C-STORE. Whoever else calls is turned away."
        query={peers}
        columns={['AE title', 'Site', 'Since', 'Actions']}
        rows={(peers.data ?? []).map((peer) => (
          <Table.Tr key={peer.id}>
            <Table.Td>
              <Code>{peer.ae_title}</Code>
            </Table.Td>
            <Table.Td>{siteName(peer.site_id)}</Table.Td>
            <Table.Td className="numbers">{formatDateTime(peer.created_at)}</Table.Td>
            <Table.Td ta="end">
              <Button variant="subtle" size="compact-sm" onClick={() => setEnding(peer)}>
                Remove
              </Button>
            </Table.Td>
          </Table.Tr>
        ))}
        empty="Nobody may send by DICOM yet"
        action={<Button onClick={() => setAdding(true)}>New peer</Button>}
      />
      {adding && <PeerDialog sites={sites.data ?? []} onClose={() => setAdding(false)} />}
      {ending && (
        <ConfirmDialog
          title={`Turn ${ending.ae_title} away?`}
          verb="Remove the peer"
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => setEnding(null)}
        >
          It can send no more from its next association on. What it has sent stays.
        </ConfirmDialog>
      )}
    </>
  );
}
