export { ModelPage } from './components/ModelPage';
export { modelRoutes } from './routes';
