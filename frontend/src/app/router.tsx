import { createBrowserRouter, Navigate } from 'react-router';
import { adminRoutes } from '@/features/admin';
import { LoginPage, PasswordPage, RegisterPage } from '@/features/auth';
import { ModelPage, modelRoutes } from '@/features/models';
import { MonitoringPage } from '@/features/monitoring';
import { ReportPage } from '@/features/report';
import { QueuePage } from '@/features/review';
import { UploadPage } from '@/features/upload';
import { RequireRole, RequireSession } from './guards';
import { Root } from './Root';
import { CrashPage } from './routes/CrashPage';
import { ModelsLayout } from './routes/ModelsLayout';
import { NotFoundPage } from './routes/NotFoundPage';
import { ReviewPage } from './routes/ReviewPage';
import { StudyPage } from './routes/StudyPage';
import { WorklistRoute } from './routes/WorklistRoute';
import { Shell } from './Shell';

/** Every address of the program. */
export function createRouter() {
  return createBrowserRouter([
    {
      Component: Root,
      ErrorBoundary: CrashPage,
      children: [
        { path: '/login', Component: LoginPage },
        { path: '/register', Component: RegisterPage },
        {
          Component: RequireSession,
          children: [
            {
              Component: Shell,
              children: [
                { index: true, element: <Navigate to="/worklist" replace /> },
                { path: 'worklist', Component: WorklistRoute },
                { path: 'upload', Component: UploadPage },
                { path: 'studies/:studyId', Component: StudyPage },
                { path: 'studies/:studyId/report', Component: ReportPage },
                { path: 'model', Component: ModelPage },
                { path: 'password', Component: PasswordPage },
                {
                  path: 'review',
                  element: <RequireRole roles={['radiologist', 'admin']} />,
                  children: [
                    { index: true, Component: QueuePage },
                    { path: ':studyId', Component: ReviewPage },
                  ],
                },
                {
                  path: 'models',
                  element: <RequireRole roles={['admin']} />,
                  children: [
                    {
                      Component: ModelsLayout,
                      children: [...modelRoutes, { path: 'monitoring', Component: MonitoringPage }],
                    },
                  ],
                },
                {
                  path: 'admin',
                  element: <RequireRole roles={['admin']} />,
                  children: adminRoutes,
                },
                { path: '*', Component: NotFoundPage },
              ],
            },
          ],
        },
      ],
    },
  ]);
}
