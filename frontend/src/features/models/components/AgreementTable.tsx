import { Paper, Table, Text } from '@mantine/core';
import type { AgreementReport } from '../api/useModels';
import { countOf, FINDINGS, findingText } from '../rollout';

/** What the one found when the other found what: where they agree lies on the diagonal. */
export function AgreementTable({ agreement }: { agreement: AgreementReport }) {
  const { difference } = agreement;
  return (
    <Paper p="md">
      <Table aria-label="Findings of both" className="numbers" withColumnBorders>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">In use ↓ · Challenger →</Table.Th>
            {FINDINGS.map((finding) => (
              <Table.Th key={findingText(finding)} scope="col">
                {findingText(finding)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {FINDINGS.map((champion) => (
            <Table.Tr key={findingText(champion)}>
              <Table.Th scope="row">{findingText(champion)}</Table.Th>
              {FINDINGS.map((challenger) => (
                <Table.Td key={findingText(challenger)} fw={champion === challenger ? 600 : 400}>
                  {countOf(agreement, champion, challenger)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {difference !== null && (
        <Text mt="sm">
          The challenger’s probabilities differ by {(difference.mean_absolute * 100).toFixed(1)} points on
          average ({(difference.p95_absolute * 100).toFixed(1)} in the worst twentieth,{' '}
          {(difference.largest * 100).toFixed(1)} at most); on the whole they are{' '}
          {Math.abs(difference.mean * 100).toFixed(1)} points {difference.mean < 0 ? 'lower' : 'higher'}.
        </Text>
      )}
    </Paper>
  );
}
