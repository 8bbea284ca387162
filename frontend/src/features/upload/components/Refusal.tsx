import { Alert, Button, List, Text } from '@mantine/core';
import { IconFileAlert } from '@tabler/icons-react';
import { isUnreachable, messageOf, ProblemError } from '@/lib/problem';
import classes from './Refusal.module.css';

/** Refusals that may be gone a moment later: busy, out of room, cut off. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof ProblemError && (isUnreachable(error) || error.status === 429 || error.status >= 500)
  );
}

function details(error: unknown): readonly string[] {
  const listed = error instanceof ProblemError ? error.document.reasons : undefined;
  return Array.isArray(listed) ? listed.filter((reason) => typeof reason === 'string') : [];
}

/** Why the upload was not taken, what to do, and that nothing of it was kept. */
export function Refusal({ error, onRetry }: { error: unknown; onRetry: (() => void) | undefined }) {
  const passing = isPassing(error);
  const wait = error instanceof ProblemError ? error.retryAfterSeconds : null;
  return (
    <Alert
      role="alert"
      icon={<IconFileAlert aria-hidden />}
      title={passing ? 'Not now' : 'This upload was not accepted'}
      classNames={{
        root: classes.root ?? '',
        icon: classes.icon ?? '',
        title: classes.title ?? '',
        message: classes.message ?? '',
      }}
    >
      <Text>{messageOf(error)}</Text>
      {details(error).length > 0 && (
        <List size="sm" mt={4}>
          {details(error).map((reason) => (
            <List.Item key={reason}>{reason}</List.Item>
          ))}
        </List>
      )}
      <Text c="dimmed" mt={4} fz="xs">
        {wait === null
          ? 'Nothing of the upload was kept.'
          : `Nothing was kept. Try again in about ${wait} s.`}
      </Text>
      {passing && onRetry && (
        <Button mt="xs" size="compact-sm" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
