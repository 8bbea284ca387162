import { Button, Container, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';

/** A page that only says something, and leads back. */
export function MessagePage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Container size={520} py={80}>
      <DocumentTitle>{title}</DocumentTitle>
      <Stack align="flex-start">
        <Title order={1} fz={24}>
          {title}
        </Title>
        <Text c="dimmed">{children}</Text>
        <Button component={Link} to="/worklist" variant="default">
          To the worklist
        </Button>
      </Stack>
    </Container>
  );
}
