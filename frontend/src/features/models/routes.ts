import type { RouteObject } from 'react-router';
import { ReleasesPage } from './components/ReleasesPage';
import { RolloutPage } from './components/RolloutPage';
import { TrainingPage } from './components/TrainingPage';
import { TrainingsPage } from './components/TrainingsPage';
import { VersionPage } from './components/VersionPage';
import { VersionsPage } from './components/VersionsPage';

/** The pages of versions, trainings and rollout, below `/models`. */
export const modelRoutes: RouteObject[] = [
  { index: true, Component: VersionsPage },
  { path: 'versions/:version', Component: VersionPage },
  { path: 'trainings', Component: TrainingsPage },
  { path: 'trainings/:trainingId', Component: TrainingPage },
  { path: 'rollout', Component: RolloutPage },
  { path: 'releases', Component: ReleasesPage },
];
