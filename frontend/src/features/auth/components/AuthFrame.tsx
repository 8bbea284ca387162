import { Box, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Logo } from '@/components/Logo';
import classes from './AuthFrame.module.css';
import { SliceStack } from './SliceStack';

interface AuthFrameProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of the pages before the login. */
export function AuthFrame({ title, lead, children }: AuthFrameProps) {
  return (
    <div className={classes.frame}>
      <aside className={classes.side}>
        <SliceStack />
        <Text className={classes.motto ?? ''}>Brain scans, read sooner.</Text>
        <Text className={classes.note ?? ''}>For decision support; a clinician decides.</Text>
      </aside>
      <main className={classes.main} id="main" tabIndex={-1}>
        <Box w="100%" maw={380}>
          <Box mb="xl">
            <Logo size={30} />
          </Box>
          <Stack gap={4} mb="lg">
            <Title order={1} fz={24}>
              {title}
            </Title>
            {lead !== undefined && <Text c="dimmed">{lead}</Text>}
          </Stack>
          {children}
        </Box>
      </main>
    </div>
  );
}
