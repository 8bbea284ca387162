import { Container, Title } from '@mantine/core';
import { Outlet } from 'react-router';
import { PageLink } from './PageLink';
import classes from './PageTabs.module.css';

interface PageTabsProps {
  readonly title: string;
  readonly pages: readonly { readonly to: string; readonly label: string; readonly end?: boolean }[];
}

/** The frame of pages that belong together: their title, and a bar that leads from one to the other. */
export function PageTabs({ title, pages }: PageTabsProps) {
  return (
    <Container size="xl" py="lg" px={{ base: 'xs', sm: 'md' }}>
      <Title order={1} fz={22} mb="xs" px={{ base: 4, sm: 0 }}>
        {title}
      </Title>
      <nav className={classes.nav} aria-label={title}>
        {pages.map((page) => (
          <PageLink key={page.to} {...page} />
        ))}
      </nav>
      <Outlet />
    </Container>
  );
}
