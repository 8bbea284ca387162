import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, type RefObject, use, useEffect, useRef, useState } from 'react';
import type { Schema } from '@/client';
import { SESSION_KEY } from './session';

export type StudyEvent = Schema<'StudyEvent'>;
export type StreamState = 'connecting' | 'open' | 'lost';

interface Listener {
  /** Something has happened to a study of the site. */
  readonly onEvent: (event: StudyEvent) => void;
  /** Events come from now on, for the first time or again: what was missed may have to be read anew. */
  readonly onOpen?: () => void;
}

interface Stream {
  readonly state: StreamState;
  readonly listeners: Set<RefObject<Listener>>;
}

const RETRY_MS = 5000;

const StreamContext = createContext<Stream | null>(null);

/**
 * Listens to what happens to the studies of the site, for everything within: one connection for a page, since a browser
 * has few of them for one server.
 *
 * The browser reconnects by itself and sends `Last-Event-ID`; where it gives up (an HTTP error ends an EventSource for
 * good) a new one is opened after a while, and the session is looked at: an EventSource does not say that it was refused
 * because nobody is signed in any more.
 */
export function StudyEvents({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>('connecting');
  const [listeners] = useState(() => new Set<RefObject<Listener>>());

  useEffect(() => {
    let source: EventSource;
    let retry: number | undefined;
    const open = () => {
      source = new EventSource('/api/v1/events');
      source.onopen = () => setState('open');
      source.onerror = () => {
        setState('lost');
        if (source.readyState === EventSource.CLOSED) {
          void client.invalidateQueries({ queryKey: SESSION_KEY });
          retry = window.setTimeout(open, RETRY_MS);
        }
      };
      source.onmessage = (message: MessageEvent<string>) => {
        const event: StudyEvent = JSON.parse(message.data);
        for (const listener of listeners) {
          listener.current.onEvent(event);
        }
      };
    };
    open();
    return () => {
      window.clearTimeout(retry);
      source.close();
    };
  }, [client, listeners]);

  return <StreamContext value={{ state, listeners }}>{children}</StreamContext>;
}

/** Hears of what happens to the studies of the site while the caller is on screen; whether events come just now. */
export function useStudyEvents(listener: Listener): StreamState {
  const stream = use(StreamContext);
  if (stream === null) {
    throw new Error('There is no stream of events here.');
  }
  const { state, listeners } = stream;
  const latest = useRef(listener);
  latest.current = listener;

  useEffect(() => {
    listeners.add(latest);
    return () => {
      listeners.delete(latest);
    };
  }, [listeners]);

  useEffect(() => {
    if (state === 'open') {
      latest.current.onOpen?.();
    }
  }, [state]);

  return state;
}
