import { createBrowserRouter, Navigate } from 'react-router';
import { adminRoutes } from '@/features/admin';
import { LoginPage, PasswordPage, RegisterPage } from '@/features/auth';
import { ModelPage } from '@/features/model';
import { ReportPage } from '@/features/report';
import { UploadPage } from '@/features/upload';
import { WorklistPage } from '@/features/worklist';
import { RequireAdmin, RequireSession } from './guards';
import { CrashPage } from './routes/CrashPage';
import { NotFoundPage } from './routes/NotFoundPage';
import { StudyPage } from './routes/StudyPage';
import { Shell } from './Shell';

/** Every address of the program. */
export function createRouter() {
  return createBrowserRouter([
    {
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
                { path: 'worklist', Component: WorklistPage },
                { path: 'upload', Component: UploadPage },
                { path: 'studies/:studyId', Component: StudyPage },
                { path: 'studies/:studyId/report', Component: ReportPage },
                { path: 'model', Component: ModelPage },
                { path: 'password', Component: PasswordPage },
                { path: 'admin', Component: RequireAdmin, children: adminRoutes },
                { path: '*', Component: NotFoundPage },
              ],
            },
          ],
        },
      ],
    },
  ]);
}
