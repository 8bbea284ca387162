import { Container, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { ErrorState, LoadingState } from '@/components/States';
import { formatDateTime, formatProbability, plural } from '@/lib/format';
import { type CurrentModel, useCurrentModel } from '../api/useCurrentModel';
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

/** What the model in use is validated for, how it did in tests and where its limits are. */
export function ModelPage() {
  const model = useCurrentModel();
  const rows = metricRows(model.data?.metrics ?? []);
  return (
    <Container size="lg" py="md" px={{ base: 'xs', sm: 'md' }}>
      <DocumentTitle>About the model</DocumentTitle>
      <Title order={1} fz={20} mb="sm">
        About the model
      </Title>
      {model.isPending ? (
        <LoadingState label="Asking for the model…" />
      ) : model.isError ? (
        <ErrorState error={model.error} onRetry={() => void model.refetch()} />
      ) : (
        <Stack>
          <Paper p="md" component="section" aria-label="Description">
            <Text fw={600} mb="sm">
              {model.data.validated_for}
            </Text>
            <Table variant="vertical" layout="fixed" withTableBorder>
              <Table.Tbody>
                {describe(model.data).map(([term, value]) => (
                  <Table.Tr key={term}>
                    <Table.Th scope="row" w="30%">
                      {term}
                    </Table.Th>
                    <Table.Td className="numbers">{value}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            <Text c="dimmed" fz="xs" mt="xs">
              In use as of {formatDateTime(model.data.known_at)}.
            </Text>
          </Paper>
          <DataPanel
            title="Evaluation"
            note="With 95 % intervals over patients. They speak of many patients, not of one."
            query={model}
            columns={['Figure', 'Studies', 'Slices']}
            rows={rows.map((row) => (
              <Table.Tr key={row.name}>
                <Table.Td>{row.name}</Table.Td>
                <Table.Td className="numbers">{row.study}</Table.Td>
                <Table.Td className="numbers">{row.slice}</Table.Td>
              </Table.Tr>
            ))}
            empty="This model states no figures."
          />
        </Stack>
      )}
    </Container>
  );
}
