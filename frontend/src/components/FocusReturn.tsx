import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';

const Within = createContext(false);

/** What has the focus now. An entry of a menu is gone with its menu: the menu's button stands for it. */
function origin(): HTMLElement | null {
  const focused = document.activeElement;
  const button = focused?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  const element = button ? document.getElementById(button) : focused;
  return element instanceof HTMLElement ? element : null;
}

function Outermost({ children }: { children: ReactNode }) {
  const [before] = useState(origin);
  const shown = useRef(false);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
      // What was done may take the origin off the page in the same moment, a row's button for instance.
      window.setTimeout(() => {
        const next = before?.isConnected ? before : document.getElementById('main');
        if (!shown.current) {
          next?.focus({ preventScroll: true });
        }
      });
    };
  }, [before]);
  return <Within value={true}>{children}</Within>;
}

/**
 * Gives the focus back when its children, a dialog or one after another, are gone: to where it was before or, when that
 * is gone too, to the page's main part. Within another one it does nothing.
 */
export function FocusReturn({ children }: { children: ReactNode }) {
  return useContext(Within) ? children : <Outermost>{children}</Outermost>;
}
