import { Button, Checkbox, Group, Select, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Dialog } from '@/components/Dialog';
import { Problem } from '@/components/Problem';
import { SecretDialog } from '@/components/SecretDialog';
import { type Scope, useIssueKey } from '../api/keys';
import type { Site } from '../api/people';

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
  const [chosenSite, setChosenSite] = useState<string | null>(null);
  const siteId = chosenSite ?? sites[0]?.id ?? '';
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
    <Dialog onClose={onClose} title="New API key">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          issue.mutate({ name, site_id: siteId, scopes: chosen });
        }}
      >
        <Stack>
          <TextInput
            label="System"
            description="What will use it."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label="Site"
            data={sites.map((site) => ({ value: site.id, label: site.name }))}
            value={siteId}
            allowDeselect={false}
            onChange={setChosenSite}
          />
          <Checkbox.Group label="Scopes" value={scopes} onChange={setScopes}>
            <Stack gap={6} mt={4}>
              {Object.entries(SCOPES).map(([scope, label]) => (
                <Checkbox key={scope} value={scope} label={label} />
              ))}
            </Stack>
          </Checkbox.Group>
          <Problem error={issue.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              disabled={name.trim() === '' || chosen.length === 0}
              loading={issue.isPending}
              type="submit"
            >
              Issue the key
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
