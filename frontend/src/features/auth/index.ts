export { endSession, useLogout, useSession } from './api/session';
export { LoginPage } from './components/LoginPage';
export { PasswordPage } from './components/PasswordPage';
export { RegisterPage } from './components/RegisterPage';
