import { Button, List, Text } from '@mantine/core';
import { IconFileAlert } from '@tabler/icons-react';
import { Problem } from '@/components/Problem';
import { isUnreachable, ProblemError } from '@/lib/problem';

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
  return (
    <Problem
      error={error}
      title={passing ? 'This upload was not taken yet' : 'This upload was not accepted'}
      icon={IconFileAlert}
    >
      {details(error).length > 0 && (
        <List size="sm" mt={4}>
          {details(error).map((reason) => (
            <List.Item key={reason}>{reason}</List.Item>
          ))}
        </List>
      )}
      <Text mt={4}>
        {passing
          ? 'Nothing of the upload was kept; your files are still chosen here. If the patient cannot wait, do not wait for Ictus: have the scan read as usual.'
          : 'Nothing of the upload was kept.'}
      </Text>
      {passing && onRetry && (
        <Button mt="xs" size="compact-sm" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Problem>
  );
}
