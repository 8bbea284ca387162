import { Container, Title } from '@mantine/core';
import { Outlet } from 'react-router';
import { PageLink } from '@/components/PageLink';
import classes from './AdminLayout.module.css';

const PAGES = [
  { to: '/admin/people', label: 'People' },
  { to: '/admin/sites', label: 'Sites' },
  { to: '/admin/api-keys', label: 'API keys' },
  { to: '/admin/jobs', label: 'Jobs' },
  { to: '/admin/held', label: 'Held studies' },
  { to: '/admin/next-steps', label: 'Next steps' },
  { to: '/admin/audit', label: 'Audit' },
] as const;

/** The frame of the administrators' pages. */
export function AdminLayout() {
  return (
    <Container size="xl" py="lg" px={{ base: 'xs', sm: 'md' }}>
      <Title order={1} fz={22} mb="xs" px={{ base: 4, sm: 0 }}>
        Administration
      </Title>
      <nav className={classes.nav} aria-label="Administration">
        {PAGES.map(({ to, label }) => (
          <PageLink key={to} to={to} label={label} />
        ))}
      </nav>
      <Outlet />
    </Container>
  );
}
