import { Notifications } from '@mantine/notifications';
import { Outlet } from 'react-router';

/** Around every page: what calls from the corner, within the router because it leads to pages. */
export function Root() {
  return (
    <>
      <Notifications position="bottom-right" limit={3} />
      <Outlet />
    </>
  );
}
