import { Navigate, type RouteObject } from 'react-router';
import { AdminLayout } from './components/AdminLayout';
import { AuditPage } from './components/AuditPage';
import { HeldPage } from './components/HeldPage';
import { JobsPage } from './components/JobsPage';
import { KeysPage } from './components/KeysPage';
import { PeoplePage } from './components/PeoplePage';
import { RulesPage } from './components/RulesPage';
import { SitesPage } from './components/SitesPage';

/** The administrators' pages, below `/admin`. */
export const adminRoutes: RouteObject[] = [
  {
    Component: AdminLayout,
    children: [
      { index: true, element: <Navigate to="people" replace /> },
      { path: 'people', Component: PeoplePage },
      { path: 'sites', Component: SitesPage },
      { path: 'api-keys', Component: KeysPage },
      { path: 'jobs', Component: JobsPage },
      { path: 'held', Component: HeldPage },
      { path: 'next-steps', Component: RulesPage },
      { path: 'audit', Component: AuditPage },
    ],
  },
];
