import { Anchor, Table } from '@mantine/core';
import { Link } from 'react-router';
import { DataPanel } from '@/components/DataPanel';
import { formatDateTime, formatProbability } from '@/lib/format';
import { sentence } from '@/lib/words';
import { useDisagreements } from '../api/useModels';
import { findingText } from '../rollout';

/** The scans of which the two versions say different things: the ones to look at. */
export function Disagreements() {
  const disagreements = useDisagreements();
  return (
    <DataPanel
      title="Where they differ"
      query={disagreements}
      columns={['Study', 'When', 'In use says', 'Challenger says']}
      rows={(disagreements.data?.pages ?? []).flatMap(({ items }) =>
        items.map((one) => (
          <Table.Tr key={`${one.study_id} ${one.compared_at}`}>
            <Table.Td>
              <Anchor component={Link} to={`/studies/${one.study_id}`}>
                {one.study_id.slice(0, 8)}
              </Anchor>
            </Table.Td>
            <Table.Td className="numbers">{formatDateTime(one.compared_at)}</Table.Td>
            <Table.Td>
              {findingText(one.champion_finding)}, {formatProbability(one.champion_probability)} (
              {sentence(one.champion_disposition).toLowerCase()})
            </Table.Td>
            <Table.Td>
              {findingText(one.challenger_finding)}, {formatProbability(one.challenger_probability)} (
              {sentence(one.challenger_disposition).toLowerCase()})
            </Table.Td>
          </Table.Tr>
        )),
      )}
      empty="They have not differed on any scan of your site"
      onMore={disagreements.hasNextPage ? () => void disagreements.fetchNextPage() : undefined}
    />
  );
}
