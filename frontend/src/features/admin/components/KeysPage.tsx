import { Button, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FocusReturn } from '@/components/FocusReturn';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime } from '@/lib/format';
import { useNow } from '@/lib/useNow';
import { type ApiKey, useApiKeys, useRevokeKey } from '../api/keys';
import { useSites } from '../api/people';
import { KeyDialog } from './KeyDialog';

function KeyState({ apiKey, now }: { apiKey: ApiKey; now: number }) {
  if (apiKey.revoked_at !== null) {
    return <ToneBadge tone="quiet">Revoked</ToneBadge>;
  }
  if (apiKey.expires_at !== null && Date.parse(apiKey.expires_at) < now) {
    return <ToneBadge tone="quiet">Expired</ToneBadge>;
  }
  return <ToneBadge tone="clear">Active</ToneBadge>;
}

/** Keys with which other systems send scans and fetch answers. */
export function KeysPage() {
  const keys = useApiKeys();
  const sites = useSites();
  const revoke = useRevokeKey();
  const now = useNow(60_000);
  const [creating, setCreating] = useState(false);
  const [ending, setEnding] = useState<ApiKey | null>(null);
  const siteName = (id: string) => sites.data?.find((site) => site.id === id)?.name ?? '–';
  return (
    <>
      <DocumentTitle>API keys</DocumentTitle>
      <DataPanel
        title="API keys"
        note="For modalities, PACS routers and other systems. A key reaches one site, within its scopes."
        query={keys}
        columns={['System', 'Key', 'Site', 'Scopes', 'Last used', 'State', 'Actions']}
        rows={(keys.data ?? []).map((key) => (
          <Table.Tr key={key.id}>
            <Table.Td fw={600}>{key.name}</Table.Td>
            <Table.Td ff="monospace">{key.prefix}…</Table.Td>
            <Table.Td>{siteName(key.site_id)}</Table.Td>
            <Table.Td>
              <Text fz="xs">{key.scopes.join(', ')}</Text>
            </Table.Td>
            <Table.Td className="numbers">{formatDateTime(key.last_used_at)}</Table.Td>
            <Table.Td>
              <KeyState apiKey={key} now={now} />
            </Table.Td>
            <Table.Td ta="end">
              {key.revoked_at === null && (
                <Button variant="subtle" size="compact-sm" onClick={() => setEnding(key)}>
                  Revoke
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
        empty="No API key yet"
        action={<Button onClick={() => setCreating(true)}>New key</Button>}
      />
      {creating && (
        <FocusReturn>
          <KeyDialog sites={sites.data ?? []} onClose={() => setCreating(false)} />
        </FocusReturn>
      )}
      {ending && (
        <ConfirmDialog
          title={`Revoke the key of ${ending.name}?`}
          verb="Revoke"
          pending={revoke.isPending}
          error={revoke.error}
          onConfirm={() => revoke.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => setEnding(null)}
        >
          The system that uses it is refused from now on. This cannot be taken back.
        </ConfirmDialog>
      )}
    </>
  );
}
