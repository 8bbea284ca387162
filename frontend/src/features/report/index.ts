export { reportPdfUrl } from './api/useReport';
export { ReportPage } from './components/ReportPage';
