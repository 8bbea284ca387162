export { ModelPage } from './components/ModelPage';
