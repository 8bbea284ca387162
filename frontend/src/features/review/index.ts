export {
  type Review,
  useGiveVerdict,
  useNextReview,
  useReview,
} from './api/useReviews';
export { changesBetween } from './changes';
export { QueuePage } from './components/QueuePage';
export { ReviewPanel } from './components/ReviewPanel';
export { VerdictForm } from './components/VerdictForm';
export { VerdictList } from './components/VerdictList';
export { type Decision, draftOf, draftReducer, verdictBody } from './draft';
export { savedMessage } from './words';
