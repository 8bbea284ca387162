export { UploadPage } from './components/UploadPage';
