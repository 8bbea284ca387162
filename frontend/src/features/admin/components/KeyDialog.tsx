import { Checkbox, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { SecretDialog } from '@/components/SecretDialog';
import { type Scope, useIssueKey } from '../api/keys';
import type { Site } from '../api/people';
import { SiteSelect, useChosenSite } from './SiteSelect';

const SCOPES: Record<Scope, string> = {
  'studies:read': 'Read studies and results',
  'studies:write': 'Send scans',
  'reports:read': 'Read reports',
  'reviews:read': 'Read reviews',
  'reviews:write': 'Write reviews',
};

/** Issues a key, then shows it once. */
export function KeyDialog({ sites, onClose }: { sites: readonly Site[]; onClose: () => void }) {
  const issue = useIssueKey();
  const [name, setName] = useState('');
  const site = useChosenSite(sites);
  const [scopes, setScopes] = useState<string[]>(['studies:read', 'studies:write']);
  const chosen = (Object.keys(SCOPES) as Scope[]).filter((scope) => scopes.includes(scope));

  if (issue.data) {
    return (
      <SecretDialog title="New API key" secret={issue.data.key} onClose={onClose}>
        Put this into {issue.data.api_key.name}. It is shown only now and is stored nowhere.
      </SecretDialog>
    );
  }
  return (
    <FormDialog
      onClose={onClose}
      title="New API key"
      verb="Issue the key"
      ready={name.trim() !== '' && chosen.length > 0}
      pending={issue.isPending}
      error={issue.error}
      onSubmit={() => {
        issue.mutate({ name, site_id: site.id, scopes: chosen });
      }}
    >
      <TextInput
        label="System"
        description="What will use it."
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      <SiteSelect of={site} />
      <Checkbox.Group label="Scopes" value={scopes} onChange={setScopes}>
        <Stack gap={6} mt={4}>
          {Object.entries(SCOPES).map(([scope, label]) => (
            <Checkbox key={scope} value={scope} label={label} />
          ))}
        </Stack>
      </Checkbox.Group>
    </FormDialog>
  );
}
