import { Menu, Text, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconInfoCircle, IconKey, IconLogout } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useLogout } from '@/features/auth';
import type { CurrentUser } from '@/lib/session';
import { roleName } from '@/lib/words';
import classes from './AccountMenu.module.css';

/** Who is signed in, and what they may do about it. */
export function AccountMenu({ user }: { user: CurrentUser }) {
  const logout = useLogout();
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <UnstyledButton className={classes.button ?? ''}>
          <span className={classes.name}>{user.name}</span>
          <IconChevronDown size={14} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes.card}>
          <Text fw={600}>{user.name}</Text>
          <Text c="dimmed" fz="xs">
            {roleName(user.role)} · {user.site.name}
          </Text>
        </div>
        <Menu.Divider />
        <Menu.Item
          component={Link}
          to="/model"
          leftSection={<IconInfoCircle size={16} stroke={1.6} aria-hidden />}
        >
          About the model
        </Menu.Item>
        <Menu.Item
          component={Link}
          to="/password"
          leftSection={<IconKey size={16} stroke={1.6} aria-hidden />}
        >
          Change password
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={16} stroke={1.6} aria-hidden />}
          onClick={() => logout.mutate('/login')}
        >
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
