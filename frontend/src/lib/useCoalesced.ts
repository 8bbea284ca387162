import { useCallback, useEffect, useRef } from 'react';

/** A function that calls `action` once, `quietMs` after the first of a burst of calls. */
export function useCoalesced(action: () => void, quietMs: number): () => void {
  const latest = useRef(action);
  latest.current = action;
  const pending = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(pending.current), []);
  return useCallback(() => {
    pending.current ??= window.setTimeout(() => {
      pending.current = undefined;
      latest.current();
    }, quietMs);
  }, [quietMs]);
}
