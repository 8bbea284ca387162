import { useEffect, useRef } from 'react';

const TYPING =
  'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="menu"], [role="listbox"]';

/**
 * Keys of a page, heard while the focus is inside its main part (which takes it on every navigation) and
 * nothing is being typed. The handler says whether it took the key.
 */
export function useMainKeys(handler: (event: KeyboardEvent) => boolean): void {
  const latest = useRef(handler);
  latest.current = handler;

  useEffect(() => {
    const main = document.getElementById('main');
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.closest(TYPING) !== null;
      if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && latest.current(event)) {
        event.preventDefault();
      }
    };
    main?.addEventListener('keydown', listen);
    return () => main?.removeEventListener('keydown', listen);
  }, []);
}
