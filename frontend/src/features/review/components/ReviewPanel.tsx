import { Button, Divider, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { IconStethoscope } from '@tabler/icons-react';
import { Link } from 'react-router';
import { ReviewBadge } from '@/components/ReviewBadge';
import { formatDateTime } from '@/lib/format';
import type { Review } from '../api/useReviews';
import { findingName } from '../words';
import { VerdictList } from './VerdictList';

interface ReviewPanelProps {
  readonly studyId: string;
  readonly review: Review;
  readonly lookedFor: string;
}

/** What readers made of the model's answer: for whoever sent the scan, and for the next reader. */
export function ReviewPanel({ studyId, review, lookedFor }: ReviewPanelProps) {
  const final = review.state === 'final';
  return (
    <Paper component="section" aria-label="Review" p="md">
      <Group justify="space-between" mb={6}>
        <Title order={2} fz="md">
          Review
        </Title>
        <ReviewBadge state={review.state} agrees={review.agrees_with_model !== false} />
      </Group>
      <Stack gap="xs">
        {final ? (
          <div>
            <Text fw={600} fz="md">
              {findingName(review.final_finding, lookedFor)}
              {review.final_subtype !== null && `, ${review.final_subtype}`}
            </Text>
            <Text c="dimmed">
              {review.agrees_with_model === false
                ? 'Readers decided against the model’s answer.'
                : 'Readers confirmed the model’s answer.'}{' '}
              {formatDateTime(review.decided_at)}
            </Text>
          </div>
        ) : (
          <Text>
            {review.why}{' '}
            {review.state !== 'optional' && 'Until readers have decided, the result is preliminary.'}
          </Text>
        )}
        {(review.verdicts.length > 0 || review.hidden_verdicts > 0) && (
          <>
            <Divider />
            <VerdictList review={review} lookedFor={lookedFor} />
          </>
        )}
        {review.may_judge && (
          <Button
            component={Link}
            to={`/review/${studyId}`}
            variant={review.state === 'optional' ? 'default' : 'filled'}
            leftSection={<IconStethoscope size={16} aria-hidden />}
          >
            Give a verdict
          </Button>
        )}
      </Stack>
    </Paper>
  );
}
