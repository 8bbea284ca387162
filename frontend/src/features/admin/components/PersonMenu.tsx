import { Button, Menu } from '@mantine/core';
import { IconDotsVertical } from '@tabler/icons-react';
import type { Person } from '../api/people';
import type { AskedOfPerson } from './PersonDialogs';

interface PersonMenuProps {
  readonly person: Person;
  readonly onAsk: (asked: AskedOfPerson) => void;
  readonly onEnable: () => void;
}

/** What can be done with an account in its present state. */
export function PersonMenu({ person, onAsk, onEnable }: PersonMenuProps) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          px={4}
          aria-label={`Actions for ${person.name}`}
        >
          <IconDotsVertical size={16} aria-hidden />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {person.role !== null && (
          <Menu.Item onClick={() => onAsk({ what: 'edit', person })}>Change role or site</Menu.Item>
        )}
        <Menu.Item onClick={() => onAsk({ what: 'reset', person })}>Give a one-time password</Menu.Item>
        {person.state === 'disabled' ? (
          <Menu.Item onClick={onEnable}>Open the account again</Menu.Item>
        ) : (
          <Menu.Item onClick={() => onAsk({ what: 'disable', person })}>
            {person.state === 'pending' ? 'Turn down' : 'Close the account'}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
