import { Button, Center, Group, Paper, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { EmptyState, ErrorState, LoadingState } from './States';

interface DataPanelProps {
  readonly title: string;
  readonly note?: string;
  readonly action?: ReactNode;
  /** What the rows came from; absent when they are there already. */
  readonly query?: {
    readonly isPending: boolean;
    readonly isError: boolean;
    readonly error: unknown;
    readonly refetch: () => unknown;
  };
  readonly columns: readonly string[];
  /** One `<Table.Tr>` a row. */
  readonly rows: readonly ReactNode[];
  readonly empty: string;
  /** Present while there may be more rows. */
  readonly onMore?: (() => void) | undefined;
}

/** A titled table of what a query gave, with its waiting, failed and empty states. */
export function DataPanel({ title, note, action, query, columns, rows, empty, onMore }: DataPanelProps) {
  return (
    <section aria-label={title}>
      <Group justify="space-between" mb="xs" px={{ base: 4, sm: 0 }}>
        <div>
          <Title order={2} fz="lg">
            {title}
          </Title>
          {note !== undefined && <Text c="dimmed">{note}</Text>}
        </div>
        {action}
      </Group>
      <Paper>
        {query?.isPending ? (
          <LoadingState label="Loading…" />
        ) : query?.isError && rows.length === 0 ? (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ) : rows.length === 0 ? (
          <EmptyState title={empty} />
        ) : (
          <Table.ScrollContainer
            minWidth={640}
            scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': title } }}
          >
            <Table aria-label={title}>
              <Table.Thead>
                <Table.Tr>
                  {columns.map((column) => (
                    <Table.Th
                      key={column}
                      c="dimmed"
                      fw={550}
                      fz="xs"
                      ta={column === 'Actions' ? 'end' : 'start'}
                    >
                      {column}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>{rows}</Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Paper>
      {onMore && (
        <Center mt="sm">
          <Button variant="default" onClick={onMore}>
            Show more
          </Button>
        </Center>
      )}
    </section>
  );
}
