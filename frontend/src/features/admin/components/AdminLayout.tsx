import { PageTabs } from '@/components/PageTabs';

const PAGES = [
  { to: '/admin/people', label: 'People' },
  { to: '/admin/sites', label: 'Sites' },
  { to: '/admin/api-keys', label: 'API keys' },
  { to: '/admin/oauth-clients', label: 'OAuth clients' },
  { to: '/admin/receiving', label: 'Receiving' },
  { to: '/admin/sources', label: 'Sources' },
  { to: '/admin/destinations', label: 'Destinations' },
  { to: '/admin/deliveries', label: 'Deliveries' },
  { to: '/admin/jobs', label: 'Jobs' },
  { to: '/admin/held', label: 'Held studies' },
  { to: '/admin/next-steps', label: 'Next steps' },
  { to: '/admin/operations', label: 'Operations' },
  { to: '/admin/audit', label: 'Audit' },
] as const;

/** The frame of the administrators' pages. */
export function AdminLayout() {
  return <PageTabs title="Administration" pages={PAGES} />;
}
