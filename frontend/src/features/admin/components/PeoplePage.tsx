import { Button, Group, SegmentedControl, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FocusReturn } from '@/components/FocusReturn';
import { Problem } from '@/components/Problem';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTime } from '@/lib/format';
import type { Tone } from '@/lib/tone';
import { roleName } from '@/lib/words';
import { type PersonState, useEnablePerson, usePeople, useSites } from '../api/people';
import { type AskedOfPerson, PersonDialogs } from './PersonDialogs';
import { PersonMenu } from './PersonMenu';

const STATES: Record<PersonState, { readonly label: string; readonly tone: Tone }> = {
  pending: { label: 'Waiting', tone: 'unsure' },
  active: { label: 'Active', tone: 'clear' },
  disabled: { label: 'Closed', tone: 'quiet' },
};

/** Who may sign in: registrations to approve, roles, sites, one-time passwords. */
export function PeoplePage() {
  const [state, setState] = useState<PersonState | 'all'>('all');
  const [asked, setAsked] = useState<AskedOfPerson | null>(null);
  const people = usePeople(state === 'all' ? null : state);
  const sites = useSites();
  const enable = useEnablePerson();
  const siteName = (id: string | null) => sites.data?.find((site) => site.id === id)?.name ?? '–';

  const rows = (people.data?.pages ?? []).flatMap(({ items }) =>
    items.map((person) => (
      <Table.Tr key={person.id}>
        <Table.Td>
          <Text fw={600}>{person.name}</Text>
          <Text c="dimmed" fz="xs">
            {person.email}
          </Text>
        </Table.Td>
        <Table.Td>
          <ToneBadge tone={STATES[person.state].tone}>{STATES[person.state].label}</ToneBadge>
        </Table.Td>
        <Table.Td>{person.role === null ? '–' : roleName(person.role)}</Table.Td>
        <Table.Td>{siteName(person.site_id)}</Table.Td>
        <Table.Td className="numbers">{formatDateTime(person.last_login_at)}</Table.Td>
        <Table.Td>
          <Group gap={4} justify="flex-end" wrap="nowrap">
            {person.state === 'pending' && (
              <Button size="compact-sm" onClick={() => setAsked({ what: 'edit', person })}>
                Approve
              </Button>
            )}
            <PersonMenu person={person} onAsk={setAsked} onEnable={() => enable.mutate(person.id)} />
          </Group>
        </Table.Td>
      </Table.Tr>
    )),
  );

  return (
    <>
      <DocumentTitle>People</DocumentTitle>
      <Problem error={enable.error} />
      <DataPanel
        title="People"
        query={people}
        columns={['Name', 'Account', 'Role', 'Site', 'Last signed in', 'Actions']}
        rows={rows}
        empty={state === 'pending' ? 'No registration waits' : 'Nobody here'}
        onMore={people.hasNextPage ? () => void people.fetchNextPage() : undefined}
        action={
          <SegmentedControl<PersonState | 'all'>
            aria-label="Which accounts"
            value={state}
            onChange={setState}
            data={[
              { value: 'all', label: 'All' },
              { value: 'pending', label: 'Waiting' },
              { value: 'active', label: 'Active' },
              { value: 'disabled', label: 'Closed' },
            ]}
          />
        }
      />
      {asked && (
        <FocusReturn>
          <PersonDialogs asked={asked} sites={sites.data ?? []} onClose={() => setAsked(null)} />
        </FocusReturn>
      )}
    </>
  );
}
