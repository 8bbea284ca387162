export { AlertBanner } from './components/AlertBanner';
export { AlertPanel } from './components/AlertPanel';
