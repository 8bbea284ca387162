import { Table } from '@mantine/core';
import { IconArrowBackUp, IconArrowUp } from '@tabler/icons-react';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ToneBadge } from '@/components/ToneBadge';
import { formatDateTimeSeconds } from '@/lib/format';
import { useReleases } from '../api/useModels';

/** Which version came into use when, by whom and why. */
export function ReleasesPage() {
  const releases = useReleases();
  return (
    <>
      <DocumentTitle>Releases</DocumentTitle>
      <DataPanel
        title="Releases"
        note="Every change of the model in use, the latest first. Every answer names the version that gave it, for good."
        query={releases}
        columns={['When', 'What', 'Version', 'Before', 'By', 'Reason']}
        rows={(releases.data?.pages ?? []).flatMap(({ items }) =>
          items.map((release) => (
            <Table.Tr key={release.id}>
              <Table.Td className="numbers">{formatDateTimeSeconds(release.released_at)}</Table.Td>
              <Table.Td>
                {release.kind === 'rollback' ? (
                  <ToneBadge tone="unsure" icon={IconArrowBackUp}>
                    Rolled back
                  </ToneBadge>
                ) : (
                  <ToneBadge tone="clear" icon={IconArrowUp}>
                    Put to use
                  </ToneBadge>
                )}
              </Table.Td>
              <Table.Td>{release.version}</Table.Td>
              <Table.Td>{release.previous ?? '–'}</Table.Td>
              <Table.Td>{release.released_by?.slice(0, 8) ?? 'An operator’s command'}</Table.Td>
              <Table.Td>{release.reason ?? '–'}</Table.Td>
            </Table.Tr>
          )),
        )}
        empty="The model in use has never been changed here"
        onMore={releases.hasNextPage ? () => void releases.fetchNextPage() : undefined}
      />
    </>
  );
}
