import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { Dialog } from '@/components/Dialog';
import { Problem } from '@/components/Problem';
import { SecretDialog } from '@/components/SecretDialog';
import { formatDateTime } from '@/lib/format';
import { roleName } from '@/lib/words';
import {
  type Person,
  type PersonRole,
  type Site,
  useApprovePerson,
  useChangePerson,
  useDisablePerson,
  useResetPassword,
} from '../api/people';
import { SiteSelect, useChosenSite } from './SiteSelect';

/** What an administrator is about to do, and with whom. */
export type AskedOfPerson = { readonly what: 'edit' | 'disable' | 'reset'; readonly person: Person };

interface DialogProps {
  readonly person: Person;
  readonly onClose: () => void;
}

const ROLES: readonly PersonRole[] = ['clinician', 'radiologist', 'admin'];

/** Gives a role and a site: approves a registration, or changes what was given. */
function EditDialog({ person, sites, onClose }: DialogProps & { sites: readonly Site[] }) {
  const approving = person.state === 'pending';
  const approve = useApprovePerson();
  const change = useChangePerson();
  const save = approving ? approve : change;
  const [role, setRole] = useState<PersonRole>(person.role ?? 'clinician');
  const site = useChosenSite(sites, person.site_id);
  return (
    <Dialog onClose={onClose} title={approving ? `Approve ${person.name}` : person.name}>
      <Stack>
        <Text c="dimmed">{person.email}</Text>
        <Select
          label="Role"
          data={ROLES.map((value) => ({ value, label: roleName(value) }))}
          value={role}
          allowDeselect={false}
          onChange={(value) => setRole(ROLES.find((one) => one === value) ?? role)}
        />
        <SiteSelect description="Only this site’s studies can be seen." of={site} />
        <Problem error={save.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            loading={save.isPending}
            onClick={() => save.mutate({ id: person.id, role, site_id: site.id }, { onSuccess: onClose })}
          >
            {approving ? 'Approve' : 'Save'}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

function DisableDialog({ person, onClose }: DialogProps) {
  const disable = useDisablePerson();
  return (
    <ConfirmDialog
      title={`Close the account of ${person.name}?`}
      verb="Close the account"
      pending={disable.isPending}
      error={disable.error}
      onConfirm={() => disable.mutate(person.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      The person is signed out at once and cannot sign in until the account is opened again.
    </ConfirmDialog>
  );
}

function ResetDialog({ person, onClose }: DialogProps) {
  const reset = useResetPassword();
  if (reset.data) {
    return (
      <SecretDialog title="One-time password" secret={reset.data.one_time_password} onClose={onClose}>
        Give this to {person.name} in person. It is shown only now, works until{' '}
        {formatDateTime(reset.data.expires_at)} and must be changed at the next sign-in.
      </SecretDialog>
    );
  }
  return (
    <ConfirmDialog
      title={`New password for ${person.name}?`}
      verb="Give a one-time password"
      pending={reset.isPending}
      error={reset.error}
      onConfirm={() => reset.mutate(person.id)}
      onClose={onClose}
    >
      The present password stops working and the person is signed out everywhere.
    </ConfirmDialog>
  );
}

interface PersonDialogsProps {
  readonly asked: AskedOfPerson;
  readonly sites: readonly Site[];
  readonly onClose: () => void;
}

/** The dialog for what was asked. */
export function PersonDialogs({ asked: { what, person }, sites, onClose }: PersonDialogsProps) {
  switch (what) {
    case 'edit':
      return <EditDialog person={person} sites={sites} onClose={onClose} />;
    case 'disable':
      return <DisableDialog person={person} onClose={onClose} />;
    case 'reset':
      return <ResetDialog person={person} onClose={onClose} />;
  }
}
