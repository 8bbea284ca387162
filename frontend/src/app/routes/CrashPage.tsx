import { Button, Container, Stack, Text, Title } from '@mantine/core';

/** Shown when a page breaks, for instance because a new release replaced the program's files. */
export function CrashPage() {
  return (
    <Container component="main" size={520} py={80}>
      <Stack align="flex-start" role="alert">
        <Title order={1} fz={24}>
          This page could not be shown
        </Title>
        <Text c="dimmed">Nothing is lost: what you uploaded is safe on the server. Load the page again.</Text>
        <Button onClick={() => window.location.reload()}>Load again</Button>
      </Stack>
    </Container>
  );
}
