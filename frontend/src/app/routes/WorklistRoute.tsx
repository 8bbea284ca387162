import { AlertBanner } from '@/features/triage';
import { WorklistPage } from '@/features/worklist';

/** The worklist, and above it what cannot wait. */
export function WorklistRoute() {
  return (
    <>
      <AlertBanner />
      <WorklistPage />
    </>
  );
}
