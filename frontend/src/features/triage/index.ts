export { AlertBanner } from './components/AlertBanner';
export { AlertCall } from './components/AlertCall';
export { AlertPanel } from './components/AlertPanel';
