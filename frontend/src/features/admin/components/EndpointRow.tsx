import { Button, Group, Text } from '@mantine/core';
import { Problem } from '@/components/Problem';

interface Test {
  readonly data: { readonly reached: boolean; readonly detail: string } | undefined;
  readonly error: unknown;
  readonly isPending: boolean;
}

/** What another system answered when it was asked whether it is there. */
export function TestOutcome({ test }: { test: Test }) {
  return (
    <>
      <div role="status">
        {test.data && (
          <Text fz="xs" mt={4}>
            {test.data.reached ? 'Test: ' : 'Test failed: '}
            {test.data.detail}
          </Text>
        )}
      </div>
      <Problem error={test.error} />
    </>
  );
}

interface EndpointActionsProps {
  readonly test: Test;
  readonly onTest: () => void;
  readonly onChange: () => void;
  readonly onDelete: () => void;
}

/** What an administrator does with another system. */
export function EndpointActions({ test, onTest, onChange, onDelete }: EndpointActionsProps) {
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Button variant="subtle" size="compact-sm" loading={test.isPending} onClick={onTest}>
        Test
      </Button>
      <Button variant="subtle" size="compact-sm" onClick={onChange}>
        Change
      </Button>
      <Button variant="subtle" size="compact-sm" onClick={onDelete}>
        Delete
      </Button>
    </Group>
  );
}
