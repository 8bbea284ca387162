import { Paper, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { DataPanel } from '@/components/DataPanel';
import { formatDateTime, formatProbability, plural } from '@/lib/format';
import type { CurrentModel } from '../api/useCurrentModel';
import { metricRows } from '../metrics';

function describe(model: CurrentModel): [term: string, value: string][] {
  const { limits, thresholds } = model;
  const figures = new Set(metricRows(model.metrics).map(({ name }) => name)); // they have a table of their own
  return [
    ['Version', `${model.name} ${model.version}, made ${formatDateTime(model.created_at)}`],
    ['Looks for', model.looked_for],
    ['Scans', `${limits.modalities.join(', ')} of ${limits.body_parts.join(', ').toLowerCase()}`],
    ['Classes', model.classes.map(({ name }) => name).join(', ')],
    ...model.facts
      .filter((fact) => !figures.has(fact.name))
      .map((fact): [string, string] => [fact.name, fact.value]),
    [
      'Confident answers',
      `Normal at ${formatProbability(thresholds.study.normal_at_most)} or less, stroke at ${formatProbability(thresholds.study.stroke_at_least)} or more; between them it is not sure`,
    ],
    [
      'Meant to be wrong at most',
      `In ${formatProbability(limits.stroke_error_rate)} of strokes and ${formatProbability(limits.normal_error_rate)} of normals, among patients like those of the evaluation`,
    ],
    [
      'Short series',
      `With fewer than ${plural(limits.minimum_slices, 'slice')}, judged as single slices are`,
    ],
    ['Licence', model.licence],
  ];
}

/** How the figures were obtained: those of two models tell them apart only when they were measured alike. */
function measuredBy(model: CurrentModel): string {
  const how = model.facts.find(({ name }) => name === 'Evaluated by')?.value;
  return how === undefined ? '' : `${how.replace(/\.$/, '')}. `;
}

/** What a model is validated for, how it did in tests and where its limits are. */
export function ModelDescription({ model, note }: { model: CurrentModel; note?: ReactNode }) {
  return (
    <Stack>
      <Paper p="md" component="section" aria-label="Description">
        <Text fw={600} mb="sm">
          {model.validated_for}
        </Text>
        <Table variant="vertical" layout="fixed" withTableBorder>
          <Table.Tbody>
            {describe(model).map(([term, value]) => (
              <Table.Tr key={term}>
                <Table.Th scope="row" w="30%">
                  {term}
                </Table.Th>
                <Table.Td className="numbers">{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {note !== undefined && (
          <Text c="dimmed" fz="xs" mt="xs">
            {note}
          </Text>
        )}
      </Paper>
      <DataPanel
        title="Evaluation"
        note={`${measuredBy(model)}With 95 % intervals over patients. They speak of many patients, not of one.`}
        columns={['Figure', 'Studies', 'Slices']}
        rows={metricRows(model.metrics).map((row) => (
          <Table.Tr key={row.name}>
            <Table.Td>{row.name}</Table.Td>
            <Table.Td className="numbers">{row.study}</Table.Td>
            <Table.Td className="numbers">{row.slice}</Table.Td>
          </Table.Tr>
        ))}
        empty="This model states no figures."
      />
    </Stack>
  );
}
