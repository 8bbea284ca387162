import { PageTabs } from '@/components/PageTabs';

const PAGES = [
  { to: '/models', label: 'Versions', end: true },
  { to: '/models/trainings', label: 'Trainings' },
  { to: '/models/rollout', label: 'Rollout' },
  { to: '/models/releases', label: 'Releases' },
  { to: '/models/monitoring', label: 'Monitoring' },
] as const;

/** The frame of the pages on which the model is looked after. */
export function ModelsLayout() {
  return <PageTabs title="Models" pages={PAGES} />;
}
