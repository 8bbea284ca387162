import { AppShell, Burger, Drawer, Group, NavLink as MantineNavLink, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  type Icon,
  IconListDetails,
  IconSettings,
  IconStethoscope,
  IconUpload,
  IconVersions,
} from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { Link, Outlet, useLocation } from 'react-router';
import { Logo } from '@/components/Logo';
import { PageLink } from '@/components/PageLink';
import { AlertCall } from '@/features/triage';
import { type CurrentUser, useCurrentUser } from '@/lib/session';
import { StudyEvents } from '@/lib/studyEvents';
import { AccountMenu } from './AccountMenu';
import { ColorSchemeToggle } from './ColorSchemeToggle';
import classes from './Shell.module.css';

const EVERYBODY: readonly CurrentUser['role'][] = ['clinician', 'radiologist', 'admin'];

const PAGES: readonly {
  readonly to: string;
  readonly label: string;
  readonly icon: Icon;
  readonly roles: readonly CurrentUser['role'][];
}[] = [
  { to: '/worklist', label: 'Worklist', icon: IconListDetails, roles: EVERYBODY },
  { to: '/upload', label: 'Upload', icon: IconUpload, roles: EVERYBODY },
  { to: '/review', label: 'Review', icon: IconStethoscope, roles: ['radiologist', 'admin'] },
  { to: '/models', label: 'Models', icon: IconVersions, roles: ['admin'] },
  { to: '/admin', label: 'Administration', icon: IconSettings, roles: ['admin'] },
];

/** The frame around every page behind the login. */
export function Shell() {
  const user = useCurrentUser();
  const [opened, { toggle, close }] = useDisclosure(false);
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const pages = PAGES.filter(({ roles }) => roles.includes(user.role));

  // A new page takes the focus, so that its keys work and a screen reader starts at its top.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what the effect waits for.
  useEffect(() => {
    close();
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname]);

  return (
    <StudyEvents>
      <AppShell header={{ height: 52 }} padding={0}>
        <a className={classes.skip} href="#main">
          Skip to the content
        </a>
        <AppShell.Header className={classes.header ?? ''}>
          <Group h="100%" px="md" gap="lg" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Pages"
              aria-expanded={opened}
            />
            <Link to="/worklist" className={classes.home} aria-label="Ictus, to the worklist">
              <Logo />
            </Link>
            <nav className={classes.nav} aria-label="Pages">
              {pages.map(({ to, label }) => (
                <PageLink key={to} to={to} label={label} />
              ))}
            </nav>
            <Group ml="auto" gap={4} wrap="nowrap">
              <AlertCall />
              <ColorSchemeToggle />
              <AccountMenu user={user} />
            </Group>
          </Group>
        </AppShell.Header>
        <Drawer opened={opened} onClose={close} title={<Logo />} size={270}>
          <Stack component="nav" gap={4} aria-label="Pages">
            {pages.map(({ to, label, icon: Shape }) => (
              <MantineNavLink
                key={to}
                component={Link}
                to={to}
                label={label}
                active={pathname.startsWith(to)}
                leftSection={<Shape size={18} stroke={1.6} aria-hidden />}
              />
            ))}
          </Stack>
        </Drawer>
        <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main ?? ''}>
          <Outlet />
        </AppShell.Main>
      </AppShell>
    </StudyEvents>
  );
}
