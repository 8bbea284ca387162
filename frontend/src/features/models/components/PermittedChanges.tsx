import { Paper, SimpleGrid, Table, Text, Title } from '@mantine/core';
import { ErrorState } from '@/components/States';
import { usePermittedChanges } from '../api/useTrainings';
import { permittedRows } from '../permitted';
import { figureName } from '../trainings';

/** What a training may change, what it needs, and what the gate asks: the file that the trainer obeys. */
export function PermittedChanges() {
  const permitted = usePermittedChanges();
  if (permitted.isError) {
    return (
      <Paper>
        <ErrorState error={permitted.error} onRetry={() => void permitted.refetch()} />
      </Paper>
    );
  }
  return (
    permitted.data && (
      <section aria-label="Permitted changes">
        <Title order={2} fz="lg" px={{ base: 4, sm: 0 }}>
          Permitted changes
        </Title>
        <Text c="dimmed" mb="xs" px={{ base: 4, sm: 0 }}>
          What the trainer obeys and the gate measures by. It is changed in the installation’s file, not here.
        </Text>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
          {permittedRows(permitted.data).map(({ section, rows }) => (
            <Paper key={section} p="md">
              <Text fw={600} mb={4}>
                {figureName(section)}
              </Text>
              <Table fz="xs" verticalSpacing={4}>
                <Table.Tbody>
                  {rows.map(([name, value]) => (
                    <Table.Tr key={name}>
                      <Table.Th scope="row" fw={400}>
                        {figureName(name)}
                      </Table.Th>
                      <Table.Td className="numbers" ta="end">
                        {value}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Paper>
          ))}
        </SimpleGrid>
      </section>
    )
  );
}
