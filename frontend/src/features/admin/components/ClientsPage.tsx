import { Button, Code, Group, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FocusReturn } from '@/components/FocusReturn';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime } from '@/lib/format';
import { type OAuthClient, useOAuthClients, useRevokeClient } from '../api/clients';
import { useSites } from '../api/people';
import { ClientDialog, ClientKeysDialog } from './ClientDialog';

/** Systems that get access tokens by their own keys: SMART backend services. */
export function ClientsPage() {
  const clients = useOAuthClients();
  const sites = useSites();
  const revoke = useRevokeClient();
  const [creating, setCreating] = useState(false);
  const [rekeying, setRekeying] = useState<OAuthClient | null>(null);
  const [ending, setEnding] = useState<OAuthClient | null>(null);
  const siteName = (id: string) => sites.data?.find((site) => site.id === id)?.name ?? '–';
  return (
    <>
      <DocumentTitle>OAuth clients</DocumentTitle>
      <DataPanel
        title="OAuth clients"
        note="For EHRs and other systems that sign in by their own key (SMART backend services)."
        query={clients}
        columns={['System', 'Client id', 'Site', 'Scopes', 'Keys', 'Last used', 'State', 'Actions']}
        rows={(clients.data ?? []).map((client) => (
          <Table.Tr key={client.id}>
            <Table.Td fw={600}>{client.name}</Table.Td>
            <Table.Td>
              <Code>{client.id}</Code>
            </Table.Td>
            <Table.Td>{siteName(client.site_id)}</Table.Td>
            <Table.Td>
              <Text fz="xs">{client.scopes.join(', ')}</Text>
            </Table.Td>
            <Table.Td ff="monospace">{client.key_ids.join(', ')}</Table.Td>
            <Table.Td className="numbers">{formatDateTime(client.last_used_at)}</Table.Td>
            <Table.Td>
              {client.revoked_at === null ? (
                <ToneBadge tone="clear">Active</ToneBadge>
              ) : (
                <ToneBadge tone="quiet">Revoked</ToneBadge>
              )}
            </Table.Td>
            <Table.Td ta="end">
              {client.revoked_at === null && (
                <Group gap={4} justify="flex-end" wrap="nowrap">
                  <Button variant="subtle" size="compact-sm" onClick={() => setRekeying(client)}>
                    Keys
                  </Button>
                  <Button variant="subtle" size="compact-sm" onClick={() => setEnding(client)}>
                    Revoke
                  </Button>
                </Group>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
        empty="No OAuth client yet"
        action={<Button onClick={() => setCreating(true)}>New client</Button>}
      />
      {creating && (
        <FocusReturn>
          <ClientDialog sites={sites.data ?? []} onClose={() => setCreating(false)} />
        </FocusReturn>
      )}
      {rekeying && (
        <FocusReturn>
          <ClientKeysDialog client={rekeying} onClose={() => setRekeying(null)} />
        </FocusReturn>
      )}
      {ending && (
        <ConfirmDialog
          title={`Revoke ${ending.name}?`}
          verb="Revoke"
          pending={revoke.isPending}
          error={revoke.error}
          onConfirm={() => revoke.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => setEnding(null)}
        >
          The system and every token that it holds are refused from now on. This cannot be taken back.
        </ConfirmDialog>
      )}
    </>
  );
}
