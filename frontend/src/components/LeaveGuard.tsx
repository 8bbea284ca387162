import { type ReactNode, useEffect } from 'react';
import { useBlocker } from 'react-router';
import { ConfirmDialog } from './ConfirmDialog';

interface LeaveGuardProps {
  readonly title: string;
  /** The verb on the button that leaves. */
  readonly verb: string;
  readonly children: ReactNode;
}

/**
 * While it is rendered, asks before the page is left, by a link or by closing the tab. The end of the session is not
 * held up: the page, and this with it, is gone by then.
 */
export function LeaveGuard({ title, verb, children }: LeaveGuardProps) {
  const blocker = useBlocker(({ currentLocation, nextLocation }) => {
    return currentLocation.pathname !== nextLocation.pathname;
  });
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, []);
  return (
    blocker.state === 'blocked' && (
      <ConfirmDialog
        title={title}
        verb={verb}
        pending={false}
        error={null}
        onConfirm={blocker.proceed}
        onClose={blocker.reset}
      >
        {children}
      </ConfirmDialog>
    )
  );
}
