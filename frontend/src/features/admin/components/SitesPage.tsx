import { Button, Group, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { FormDialog } from '@/components/FormDialog';
import { formatDateTime } from '@/lib/format';
import { type Site, useCreateSite, useDeleteSite, useRenameSite, useSites } from '../api/people';

function SiteDialog({ site, onClose }: { site: Site | null; onClose: () => void }) {
  const create = useCreateSite();
  const rename = useRenameSite();
  const [name, setName] = useState(site?.name ?? '');
  const save = () =>
    site === null
      ? create.mutate(name, { onSuccess: onClose })
      : rename.mutate({ id: site.id, name }, { onSuccess: onClose });
  return (
    <FormDialog
      onClose={onClose}
      title={site === null ? 'New site' : 'Rename the site'}
      verb="Save"
      ready={name.trim() !== ''}
      pending={create.isPending || rename.isPending}
      error={create.error ?? rename.error}
      onSubmit={save}
    >
      <TextInput
        label="Name"
        placeholder="Hospital, department"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}

/** The hospitals and departments that people, keys and studies belong to. */
export function SitesPage() {
  const sites = useSites();
  const remove = useDeleteSite();
  const [open, setOpen] = useState<Site | 'new' | null>(null);
  const [ending, setEnding] = useState<Site | null>(null);
  return (
    <>
      <DocumentTitle>Sites</DocumentTitle>
      <DataPanel
        title="Sites"
        note="A site’s studies are seen by its own people only."
        query={sites}
        columns={['Name', 'Since', 'Actions']}
        rows={(sites.data ?? []).map((site) => (
          <Table.Tr key={site.id}>
            <Table.Td fw={600}>{site.name}</Table.Td>
            <Table.Td className="numbers">{formatDateTime(site.created_at)}</Table.Td>
            <Table.Td>
              <Group gap={4} justify="flex-end">
                <Button variant="subtle" size="compact-sm" onClick={() => setOpen(site)}>
                  Rename
                </Button>
                <Button variant="subtle" size="compact-sm" onClick={() => setEnding(site)}>
                  Delete
                </Button>
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
        empty="No site yet"
        action={<Button onClick={() => setOpen('new')}>New site</Button>}
      />
      {ending && (
        <ConfirmDialog
          title={`Delete the site ${ending.name}?`}
          verb="Delete the site"
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(ending.id, { onSuccess: () => setEnding(null) })}
          onClose={() => {
            remove.reset();
            setEnding(null);
          }}
        >
          Only a site without people, keys and studies can be deleted.
        </ConfirmDialog>
      )}
      {open !== null && <SiteDialog site={open === 'new' ? null : open} onClose={() => setOpen(null)} />}
    </>
  );
}
