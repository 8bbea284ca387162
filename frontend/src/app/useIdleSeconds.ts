import { useCallback, useEffect, useRef, useState } from 'react';

const SIGNS = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const;
const CHANNEL = 'ictus-in-use';
/** Other tabs are told at most this often; a mouse that moves would tell them all the time. */
const TELL_MS = 1000;

/**
 * For how many seconds nobody has touched any page of Ictus in this browser, renewed every second. By the clock on the
 * wall: the time that a computer sleeps counts. `touch` is a sign of life.
 */
export function useIdleSeconds(): { readonly idle: number; readonly touch: () => void } {
  const [idle, setIdle] = useState(0);
  const last = useRef(Date.now());
  const told = useRef(0);
  const channel = useRef<BroadcastChannel | null>(null);

  const touch = useCallback(() => {
    const now = Date.now();
    last.current = now;
    setIdle(0);
    if (now - told.current >= TELL_MS) {
      told.current = now;
      channel.current?.postMessage(null);
    }
  }, []);

  useEffect(() => {
    const opened = new BroadcastChannel(CHANNEL);
    channel.current = opened;
    opened.onmessage = () => {
      last.current = Date.now();
      setIdle(0);
    };
    const count = () => setIdle(Math.floor((Date.now() - last.current) / 1000));
    const timer = window.setInterval(count, 1000);
    for (const sign of SIGNS) {
      document.addEventListener(sign, touch, { capture: true, passive: true });
    }
    return () => {
      for (const sign of SIGNS) {
        document.removeEventListener(sign, touch, { capture: true });
      }
      window.clearInterval(timer);
      opened.close();
      channel.current = null;
    };
  }, [touch]);

  return { idle, touch };
}
