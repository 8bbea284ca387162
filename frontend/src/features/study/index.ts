export { type StudyDetail, useAnalyseAgain, useLiveStudy, useStudy } from './api/useStudy';
export { EraseDialog } from './components/EraseDialog';
export { ResultPanel } from './components/ResultPanel';
export { StageProgress } from './components/StageProgress';
export { StudyFacts } from './components/StudyFacts';
export { StudyNotice } from './components/StudyNotice';
