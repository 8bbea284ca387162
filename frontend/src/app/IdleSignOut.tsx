import { Button, Group, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Dialog } from '@/components/Dialog';
import { useLogout } from '@/features/auth';
import { formatWait } from '@/lib/format';
import { SESSION_KEY } from '@/lib/session';
import { useIdleSeconds } from './useIdleSeconds';

/** How long before the end a person is asked: long enough to read it and press a key. */
const WARNING_SECONDS = 60;

interface IdleSignOutProps {
  /** The gateway ends a session that asks for nothing for so long. */
  readonly seconds: number;
  /** Where to go then. */
  readonly to: string;
}

/**
 * Signs out when nobody has touched any page of Ictus in this browser for as long as a session may idle, after a
 * warning. The pages keep themselves up to date, so the gateway alone cannot tell that nobody sits there any more; nor
 * can it tell that somebody looks at one picture for long, so it is told.
 */
export function IdleSignOut({ seconds, to }: IdleSignOutProps) {
  const { mutate: signOut, isIdle: stillHere } = useLogout();
  const client = useQueryClient();
  const { idle, touch } = useIdleSeconds();
  const latest = useRef(idle);
  latest.current = idle;
  const over = idle >= seconds;
  const left = Math.ceil(seconds - idle);

  useEffect(() => {
    if (over && stillHere) {
      signOut(to);
    }
  }, [over, stillHere, signOut, to]);

  useEffect(() => {
    const every = seconds / 3;
    const timer = window.setInterval(() => {
      if (latest.current < every) {
        void client.invalidateQueries({ queryKey: SESSION_KEY });
      }
    }, every * 1000);
    return () => window.clearInterval(timer);
  }, [client, seconds]);

  if (left > Math.min(WARNING_SECONDS, seconds / 4) || over) {
    return null;
  }
  return (
    <Dialog onClose={touch} title="Are you still there?">
      <Stack>
        <Text>
          Nobody has used Ictus here for a while. To protect the patients, you are signed out in{' '}
          <span className="numbers">{formatWait(left)}</span>.
        </Text>
        <Group justify="flex-end">
          <Button data-autofocus onClick={touch}>
            Stay signed in
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
