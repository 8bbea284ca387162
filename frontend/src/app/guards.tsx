import { Navigate, Outlet, useLocation } from 'react-router';
import { ErrorState, LoadingState } from '@/components/States';
import { useSession } from '@/features/auth';
import { type CurrentUser, CurrentUserContext, useCurrentUser } from '@/lib/session';
import { IdleSignOut } from './IdleSignOut';
import { ForbiddenPage } from './routes/ForbiddenPage';

function usePathHere(): string {
  const { pathname, search } = useLocation();
  return pathname + search;
}

/** The login page that leads back here. */
function loginPath(here: string): string {
  return here === '/' ? '/login' : `/login?ended&next=${encodeURIComponent(here)}`;
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
      <IdleSignOut seconds={idleSeconds} to={loginPath(here)} />
      <Outlet />
    </CurrentUserContext>
  );
}

/** Lets people of these roles through. */
export function RequireRole({ roles }: { roles: readonly CurrentUser['role'][] }) {
  return roles.includes(useCurrentUser().role) ? <Outlet /> : <ForbiddenPage />;
}
