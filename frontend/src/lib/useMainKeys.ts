import { useEffect, useRef } from 'react';

const TYPING =
  'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="menu"], [role="listbox"]';
/** Where nothing is typed: only arrows and the space bar are theirs. */
const TICKED = 'input[type="radio"], input[type="checkbox"]';

function typesIn(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element) || target.closest(TYPING) === null) {
    return false;
  }
  return !(target.matches(TICKED) && /^[a-z]$/i.test(key) && target.closest('[role="dialog"]') === null);
}

/**
 * Keys of a page, heard while the focus is inside its main part (which takes it on every navigation) or nowhere, as
 * when the button that had it is gone, and nothing is being typed. A control's own keys come first. The handler says whether
 * it took the key.
 */
export function useMainKeys(handler: (event: KeyboardEvent) => boolean): void {
  const latest = useRef(handler);
  latest.current = handler;

  useEffect(() => {
    const main = document.getElementById('main');
    const listen = (event: KeyboardEvent) => {
      const { target } = event;
      const here = target === document.body || (target instanceof Node && main?.contains(target));
      if (
        here &&
        !typesIn(target, event.key) &&
        !event.defaultPrevented &&
        !event.ctrlKey &&
        !event.metaKey &&
        !event.altKey &&
        latest.current(event)
      ) {
        event.preventDefault();
      }
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}
