export { WorklistPage } from './components/WorklistPage';
