import type { KeyboardEvent } from 'react';

const STEP: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

/** Moves the focus between the rows' links; says whether it took the key. */
export function moveBetweenRows(event: KeyboardEvent | globalThis.KeyboardEvent): boolean {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('[data-row-link]')];
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  const step = STEP[event.key];
  if (step === undefined || (event.key.startsWith('Arrow') && at < 0)) {
    return false;
  }
  const next = at < 0 ? links[0] : links[Math.min(links.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
  return next !== undefined;
}
