import { Button, Container, Group, Paper, SegmentedControl, Text, Title } from '@mantine/core';
import { Link, useSearchParams } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { LiveBadge } from '@/components/LiveBadge';
import { EmptyState, ErrorState, LoadingState } from '@/components/States';
import { moveBetweenRows } from '@/lib/moveBetweenRows';
import { useMainKeys } from '@/lib/useMainKeys';
import { type ReviewFilter, useLiveReviews, useReviewQueue } from '../api/useReviews';
import { QueueTable } from './QueueTable';

const FILTERS: readonly { readonly value: ReviewFilter; readonly label: string }[] = [
  { value: 'waiting', label: 'Waiting' },
  { value: 'all', label: 'All' },
  { value: 'final', label: 'Final' },
];

const EMPTY: Record<ReviewFilter, { readonly title: string; readonly says: string }> = {
  waiting: {
    title: 'Nothing waits for a reader',
    says: 'Uncertain, unsuitable and contested results appear here by themselves.',
  },
  all: { title: 'No results yet', says: 'Every answer of the model can be reviewed; they appear here.' },
  final: { title: 'No review is final yet', says: 'What readers have decided appears here.' },
};

/** What waits for a reader: the urgent first, then what the model would learn most from. */
export function QueuePage() {
  const [search, setSearch] = useSearchParams();
  const state = FILTERS.find(({ value }) => value === search.get('show'))?.value ?? 'waiting';
  const queue = useReviewQueue(state);
  const live = useLiveReviews();
  useMainKeys(moveBetweenRows);
  const first = state === 'waiting' ? queue.reviews[0] : undefined;
  return (
    <Container size="xl" py="lg" px={{ base: 'xs', sm: 'md' }}>
      <DocumentTitle>Review</DocumentTitle>
      <Group justify="space-between" mb="md" px={{ base: 4, sm: 0 }}>
        <Group gap="sm">
          <Title order={1} fz={22}>
            Review
          </Title>
          <LiveBadge state={live} />
        </Group>
        {first && (
          <Button component={Link} to={`/review/${first.study.id}`}>
            Read the first
          </Button>
        )}
      </Group>
      <Group mb="sm" px={{ base: 4, sm: 0 }}>
        <SegmentedControl
          aria-label="Which reviews"
          value={state}
          onChange={(value) => setSearch(value === 'waiting' ? {} : { show: value }, { replace: true })}
          data={[...FILTERS]}
        />
      </Group>
      <Paper style={{ overflow: 'hidden' }}>
        {queue.isPending ? (
          <LoadingState label="Loading the reviews…" />
        ) : queue.isError && queue.reviews.length === 0 ? (
          <ErrorState error={queue.error} onRetry={() => void queue.refetch()} />
        ) : queue.reviews.length === 0 ? (
          <EmptyState title={EMPTY[state].title}>{EMPTY[state].says}</EmptyState>
        ) : (
          <QueueTable reviews={queue.reviews} />
        )}
      </Paper>
      {queue.hasNextPage && (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            loading={queue.isFetchingNextPage}
            onClick={() => void queue.fetchNextPage()}
          >
            Show more
          </Button>
        </Group>
      )}
      <Text c="dimmed" fz="xs" visibleFrom="sm" mt="xs" ta="end">
        STAT first, then what the model would learn most from. J and K move between reviews, Enter opens one.
      </Text>
    </Container>
  );
}
