import { Button, Container, Group, Loader, Paper, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { LiveBadge } from '@/components/LiveBadge';
import { EmptyState, ErrorState, LoadingState } from '@/components/States';
import { moveBetweenRows } from '@/lib/moveBetweenRows';
import { useMainKeys } from '@/lib/useMainKeys';
import { useLiveWorklist, useWorklist } from '../api/useWorklist';
import { filterChosen, queryOf, searchText } from '../filters';
import { WorklistFilters } from './WorklistFilters';
import { WorklistTable } from './WorklistTable';

const QUIET_MS = 300;

/** The studies of the site, the most urgent first, kept up to date by events. */
export function WorklistPage() {
  const [search, setSearch] = useSearchParams();
  const query = queryOf(search);
  // Typed names stay in memory: an address is written down, by browsers and by proxies.
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(searchText(typed), QUIET_MS);
  const worklist = useWorklist(query, text);
  const live = useLiveWorklist();
  useMainKeys(moveBetweenRows);

  const set = (name: string, value: string | null) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === null || value === '') {
          next.delete(name);
        } else {
          next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  const filtered = filterChosen(search) || text !== null;
  const clear = () => {
    setTyped('');
    setSearch({}, { replace: true });
  };

  return (
    <Container size="xl" py="lg" px={{ base: 'xs', sm: 'md' }}>
      <DocumentTitle>Worklist</DocumentTitle>
      <Group justify="space-between" mb="md" px={{ base: 4, sm: 0 }}>
        <Group gap="sm">
          <Title order={1} fz={22}>
            Worklist
          </Title>
          <LiveBadge state={live} />
        </Group>
        <Button component={Link} to="/upload" leftSection={<IconUpload size={16} aria-hidden />}>
          Upload
        </Button>
      </Group>
      <WorklistFilters
        search={search}
        sort={query.sort ?? 'urgency'}
        typed={typed}
        onSet={set}
        onTyped={setTyped}
      />
      <Paper style={{ overflow: 'hidden' }}>
        {worklist.isPending || worklist.isSearching ? (
          <LoadingState label="Loading the worklist…" />
        ) : worklist.isError && worklist.studies.length === 0 ? (
          <ErrorState error={worklist.error} onRetry={() => void worklist.refetch()} />
        ) : worklist.studies.length === 0 ? (
          filtered ? (
            <EmptyState
              title="No study matches"
              action={
                <Button variant="default" mt="xs" onClick={clear}>
                  Clear the filters
                </Button>
              }
            >
              Nothing at your site fits these filters.
            </EmptyState>
          ) : (
            <EmptyState title="No studies yet">
              Uploaded scans appear here by themselves, the most urgent on top.
            </EmptyState>
          )
        ) : (
          <WorklistTable studies={worklist.studies} label="Studies" />
        )}
      </Paper>
      {worklist.hasNextPage && (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            loading={worklist.isFetchingNextPage}
            onClick={() => void worklist.fetchNextPage()}
          >
            Show more
          </Button>
        </Group>
      )}
      <Group mt="xs" px={4} h={24}>
        {worklist.isFetching && !worklist.isPending && (
          <Loader size="xs" role="img" aria-label="Refreshing" />
        )}
        <Text c="dimmed" fz="xs" visibleFrom="sm" ml="auto">
          J and K move between studies, Enter opens one
        </Text>
      </Group>
    </Container>
  );
}
