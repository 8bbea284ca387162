import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { SESSION_KEY } from './session';

export type StreamState = 'connecting' | 'open' | 'lost';

interface StreamOptions<Event> {
  /** Where to listen; null listens to nothing. */
  readonly url: string | null;
  /** One message's data. */
  readonly onEvent: (event: Event) => void;
  /** The stream is open, for the first time or again: what was missed may have to be read anew. */
  readonly onOpen?: () => void;
}

/**
 * Listens to server-sent events whose data is JSON. The browser reconnects by itself and sends `Last-Event-ID`; where it
 * gives up (an HTTP error ends an EventSource for good) a new one is opened after `retryMs`, and the session is looked
 * at: an EventSource does not say that it was refused because nobody is signed in any more.
 */
export function useEventStream<Event>(
  { url, onEvent, onOpen }: StreamOptions<Event>,
  retryMs = 5000,
): StreamState {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>('connecting');
  const handlers = useRef({ onEvent, onOpen });
  handlers.current = { onEvent, onOpen };

  useEffect(() => {
    if (url === null) {
      return;
    }
    let source: EventSource;
    let retry: number | undefined;
    const open = () => {
      source = new EventSource(url);
      source.onopen = () => {
        setState('open');
        handlers.current.onOpen?.();
      };
      source.onerror = () => {
        setState('lost');
        if (source.readyState === EventSource.CLOSED) {
          void client.invalidateQueries({ queryKey: SESSION_KEY });
          retry = window.setTimeout(open, retryMs);
        }
      };
      source.onmessage = (message: MessageEvent<string>) =>
        handlers.current.onEvent(JSON.parse(message.data));
    };
    setState('connecting');
    open();
    return () => {
      window.clearTimeout(retry);
      source.close();
    };
  }, [client, url, retryMs]);

  return state;
}
