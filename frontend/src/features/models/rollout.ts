import type { AgreementReport } from './api/useModels';

type Finding = AgreementReport['findings'][number]['champion'];

export const FINDINGS: readonly Finding[] = ['stroke', 'normal', null];

/** A share 0–1 in percent with one digit; "–" while there is none. Only all is said to be 100 %. */
export function shareText(share: number | null): string {
  if (share === null) {
    return '–';
  }
  const percent = (share * 100).toFixed(1);
  return share < 1 && percent === '100.0' ? '>99.9 %' : `${percent.replace(/\.0$/, '')} %`;
}

/** What a version found, in a word. */
export function findingText(finding: Finding): string {
  return finding === null ? 'No answer' : finding === 'stroke' ? 'Stroke' : 'Normal';
}

/** How many studies had this pair of findings. */
export function countOf(agreement: AgreementReport, champion: Finding, challenger: Finding): number {
  return agreement.findings
    .filter((count) => count.champion === champion && count.challenger === challenger)
    .reduce((sum, count) => sum + count.studies, 0);
}
