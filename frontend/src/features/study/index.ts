export { type StudyDetail, useAnalyseAgain, useLiveStudy, useStudy } from './api/useStudy';
export { ResultPanel } from './components/ResultPanel';
export { StageProgress } from './components/StageProgress';
export { StudyFacts } from './components/StudyFacts';
export { StudyNotice } from './components/StudyNotice';
