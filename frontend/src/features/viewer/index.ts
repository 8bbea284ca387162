import { lazy } from 'react';

/** The slice viewer, in a chunk of its own: Cornerstone3D is large and only this page needs it. */
export const Viewer = lazy(() => import('./components/Viewer'));
export type { Reading } from './reading';
