import { Navigate, Outlet, useLocation } from 'react-router';
import { ErrorState, LoadingState } from '@/components/States';
import { useSession } from '@/features/auth';
import { CurrentUserContext, useCurrentUser } from '@/lib/session';
import { ForbiddenPage } from './routes/ForbiddenPage';

/** Lets signed-in people through. Others go to the login and come back here afterwards. */
export function RequireSession() {
  const session = useSession();
  const { pathname, search } = useLocation();
  if (session.isPending) {
    return <LoadingState label="Opening Ictus…" />;
  }
  if (session.data === undefined) {
    return <ErrorState error={session.error} onRetry={() => void session.refetch()} />;
  }
  if (session.data === null) {
    const next = pathname === '/' ? '' : `?ended&next=${encodeURIComponent(pathname + search)}`;
    return <Navigate to={`/login${next}`} replace />;
  }
  if (session.data.must_change_password && pathname !== '/password') {
    return <Navigate to="/password" replace />;
  }
  return (
    <CurrentUserContext value={session.data}>
      <Outlet />
    </CurrentUserContext>
  );
}

/** Lets administrators through. */
export function RequireAdmin() {
  return useCurrentUser().role === 'admin' ? <Outlet /> : <ForbiddenPage />;
}
