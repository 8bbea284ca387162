import { plural } from '@/lib/format';
import type { ModelVersion } from './api/useModels';
import { figureText } from './trainings';

type Level = 'study' | 'slice';

/** The test set of the version in use, or else of the newest version that has one: what the others are held against. */
export function sharedTestSet(versions: readonly ModelVersion[], champion: string | null): string | null {
  const inUse = versions.find(({ version }) => version === champion);
  return (
    inUse?.measured.test_set ??
    versions.find(({ measured }) => measured.test_set !== null)?.measured.test_set ??
    null
  );
}

/** How many patients the shared test set has, "12 patients"; null where nobody says it. */
export function testPatients(versions: readonly ModelVersion[], shared: string | null): string | null {
  const count = versions.find(({ measured }) => measured.test_set === shared)?.measured.test_patients;
  return shared === null || !count ? null : plural(count, 'patient');
}

export interface OnTestSet {
  readonly figure: string;
  /** Why it stands beside no other; null when it does. */
  readonly apart: string | null;
}

/** A version's ROC-AUC on its frozen test set, and whether that is the one of the others. */
export function onTestSet({ measured }: ModelVersion, shared: string | null, level: Level): OnTestSet {
  const figure = figureText(measured.test_figures[`${level}.roc_auc`]);
  if (measured.test_set === null || measured.test_set === shared) return { figure, apart: null };
  const patients = measured.test_patients === null ? '' : ` of ${plural(measured.test_patients, 'patient')}`;
  return { figure, apart: `another test set${patients}` };
}

export interface OwnEvaluation {
  readonly figures: string;
  readonly how: string;
}

/** What a version's own evaluation found, and how; null when that was on the test set alone. */
export function ownEvaluation({ figures, measured }: ModelVersion): OwnEvaluation | null {
  if (measured.on_test_set) return null;
  const patients = measured.patients === null ? [] : [plural(measured.patients, 'patient')];
  const how = measured.how?.split(/[,;.]/)[0] ?? '';
  return {
    figures: `${figureText(figures['study.roc_auc'])} studies, ${figureText(figures['slice.roc_auc'])} slices`,
    how: [...patients, ...(how === '' ? [] : [how])].join(', '),
  };
}
