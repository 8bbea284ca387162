import { Navigate, type RouteObject } from 'react-router';
import { AdminLayout } from './components/AdminLayout';
import { AuditPage } from './components/AuditPage';
import { ClientsPage } from './components/ClientsPage';
import { DeliveriesPage } from './components/DeliveriesPage';
import { DestinationsPage } from './components/DestinationsPage';
import { HeldPage } from './components/HeldPage';
import { JobsPage } from './components/JobsPage';
import { KeysPage } from './components/KeysPage';
import { OperationsPage } from './components/OperationsPage';
import { PeoplePage } from './components/PeoplePage';
import { ReceivingPage } from './components/ReceivingPage';
import { RulesPage } from './components/RulesPage';
import { SitesPage } from './components/SitesPage';
import { SourcesPage } from './components/SourcesPage';

/** The administrators' pages, below `/admin`. */
export const adminRoutes: RouteObject[] = [
  {
    Component: AdminLayout,
    children: [
      { index: true, element: <Navigate to="people" replace /> },
      { path: 'people', Component: PeoplePage },
      { path: 'sites', Component: SitesPage },
      { path: 'api-keys', Component: KeysPage },
      { path: 'oauth-clients', Component: ClientsPage },
      { path: 'receiving', Component: ReceivingPage },
      { path: 'sources', Component: SourcesPage },
      { path: 'destinations', Component: DestinationsPage },
      { path: 'deliveries', Component: DeliveriesPage },
      { path: 'jobs', Component: JobsPage },
      { path: 'held', Component: HeldPage },
      { path: 'next-steps', Component: RulesPage },
      { path: 'operations', Component: OperationsPage },
      { path: 'audit', Component: AuditPage },
    ],
  },
];
