import { useIdle } from '@mantine/hooks';
import { useEffect } from 'react';
import { Navigate, Outlet, useLocation } from 'react-router';
import { ErrorState, LoadingState } from '@/components/States';
import { useLogout, useSession } from '@/features/auth';
import { CurrentUserContext, useCurrentUser } from '@/lib/session';
import { ForbiddenPage } from './routes/ForbiddenPage';

function usePathHere(): string {
  const { pathname, search } = useLocation();
  return pathname + search;
}

/** The login page that leads back here. */
function loginPath(here: string): string {
  return here === '/' ? '/login' : `/login?ended&next=${encodeURIComponent(here)}`;
}

/**
 * Signs out when nobody has touched the page for as long as a session may idle. The pages keep themselves up to date,
 * so the gateway alone cannot tell that nobody sits there any more.
 */
function IdleSignOut({ seconds }: { seconds: number }) {
  const { mutate: signOut } = useLogout();
  const idle = useIdle(seconds * 1000, { initialState: false });
  const here = usePathHere();
  useEffect(() => {
    if (idle) {
      signOut(loginPath(here));
    }
  }, [idle, signOut, here]);
  return null;
}

/** Lets signed-in people through. Others go to the login and come back here afterwards. */
export function RequireSession() {
  const session = useSession();
  const here = usePathHere();
  if (session.isPending) {
    return <LoadingState label="Opening Ictus…" />;
  }
  if (session.data === undefined) {
    return <ErrorState error={session.error} onRetry={() => void session.refetch()} />;
  }
  if (session.data === null) {
    return <Navigate to={loginPath(here)} replace />;
  }
  const { user, idleSeconds } = session.data;
  if (user.must_change_password && here !== '/password') {
    return <Navigate to="/password" replace />;
  }
  return (
    <CurrentUserContext value={user}>
      <IdleSignOut seconds={idleSeconds} />
      <Outlet />
    </CurrentUserContext>
  );
}

/** Lets administrators through. */
export function RequireAdmin() {
  return useCurrentUser().role === 'admin' ? <Outlet /> : <ForbiddenPage />;
}
