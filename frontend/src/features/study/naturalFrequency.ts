/**
 * A probability as a count among 100 scans with the same score, the form that readers misjudge least
 * (Gigerenzer et al., Psychol Sci Public Interest 2007;8:53-96). The report says it in the same words.
 */
export function naturalFrequency(probability: number, lookedFor: string): string {
  const count = Math.round(probability * 100);
  if (count === 0) {
    return `Of 100 scans that get this score, fewer than 1 show ${lookedFor}.`;
  }
  if (count === 100) {
    return `Of 100 scans that get this score, more than 99 show ${lookedFor}.`;
  }
  const show = count === 1 ? 'shows' : 'show';
  const doNot = count === 99 ? 'does not' : 'do not';
  return `Of 100 scans that get this score, about ${count} ${show} ${lookedFor} and about ${100 - count} ${doNot}.`;
}
