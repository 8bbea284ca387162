import { Box, Button, Center, Group, Loader, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCloudOff, IconInbox } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { isUnreachable, messageOf } from '@/lib/problem';

/** Waiting for the first answer of a page or a panel. */
export function LoadingState({ label }: { label: string }) {
  return (
    <Center mih={220} role="status">
      <Group gap="sm">
        <Loader size="sm" aria-hidden />
        <Text c="dimmed">{label}</Text>
      </Group>
    </Center>
  );
}

interface MessageStateProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

function MessageState({ icon, title, children, action }: MessageStateProps) {
  return (
    <Center mih={220} p="md">
      <Stack align="center" gap="xs" maw={440} ta="center">
        <Box c="dimmed">{icon}</Box>
        <Text fw={600} fz="md">
          {title}
        </Text>
        {children !== undefined && (
          <Text c="dimmed" fz="sm">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

/** Nothing to show, and what to do about it. */
export function EmptyState({ title, children, action }: Omit<MessageStateProps, 'icon'>) {
  return (
    <MessageState icon={<IconInbox size={36} stroke={1.4} aria-hidden />} title={title} action={action}>
      {children}
    </MessageState>
  );
}

/** A failed read, with the reason and a way to try again. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const Icon = isUnreachable(error) ? IconCloudOff : IconAlertTriangle;
  return (
    <div role="alert">
      <MessageState
        icon={<Icon size={36} stroke={1.4} aria-hidden />}
        title="This could not be loaded"
        action={
          onRetry && (
            <Button variant="default" mt="xs" onClick={onRetry}>
              Try again
            </Button>
          )
        }
      >
        {messageOf(error)}
      </MessageState>
    </div>
  );
}
