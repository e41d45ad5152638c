/** The console's connection to its stream, which heals by itself whatever has ended it. */
import type { StreamMessage } from '../../engine/host/console-api';

const kinds: StreamMessage['kind'][] = [
  'event',
  'decision',
  'alarm',
  'output',
  'device',
  'action',
  'mail',
  'site',
  'arming',
  'shelves',
  'popups',
];

/** The server says every 15 s that it is there; of two that are missing one may have been late. */
export const SILENCE_MS = 40_000;
export const RETRY_MS = 3_000;

/** What of an EventSource is used. */
export interface Source {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  readonly readyState: number;
  addEventListener(kind: string, listener: (message: { data: string }) => void): void;
  close(): void;
}

const CLOSED = 2;

export interface Followed {
  onMessage: (message: StreamMessage) => void;
  /** `true` comes at every (re)connection: what was missed must then be read anew. */
  onLink: (up: boolean) => void;
  /** The server refused the stream, as it does when the login has ended; it is tried again until `close`. */
  onRefused: () => void;
}

/**
 * Follows the stream. A browser gives up for good when the answer is no stream (a login that has ended, a proxy whose
 * server restarts), and never notices that the network is gone without a word: both would leave a console that looks
 * alive and shows no alarm. Returns what ends it.
 */
export function follow(
  { onMessage, onLink, onRefused }: Followed,
  open: () => Source = () => new EventSource('/api/v1/stream') as unknown as Source,
): () => void {
  let source: Source | null = null;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const drop = (): void => {
    clearTimeout(watchdog);
    source?.close();
    source = null;
  };
  const heard = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      drop();
      onLink(false);
      connect();
    }, SILENCE_MS);
  };

  function connect(): void {
    const own = open();
    source = own;
    heard();
    own.onopen = () => {
      heard();
      onLink(true);
    };
    own.onerror = () => {
      onLink(false);
      // Otherwise the browser tries again by itself.
      if (own.readyState !== CLOSED) return;
      drop();
      onRefused();
      retry = setTimeout(connect, RETRY_MS);
    };
    own.addEventListener('beat', heard);
    for (const kind of kinds)
      own.addEventListener(kind, ({ data }) => {
        heard();
        onMessage({ kind, data: JSON.parse(data) } as StreamMessage);
      });
  }

  connect();
  return () => {
    clearTimeout(retry);
    drop();
  };
}
