/** Answers that go on: server-sent events for the console, one JSON object a line for the command line. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock/clock';
import { asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { EventQuery, ExplainedEvent, RecordReader } from '../../domain/record';
import type { StreamMessage } from '../console-api';
import { plainSecurityHeaders } from '../replies';
import type { HubMessage, StreamHub } from './stream-hub';

/** What a watcher may lag behind before it is dropped; it may come back and resume. */
const MOST_BACKLOG_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 15_000;
const MOST_WATCHERS = 200;
/** Most events that a returning watcher is told; older ones are read page by page. */
const MOST_REPLAYED = 1_000;

export interface StreamOptions {
  hub: StreamHub;
  reader: Pick<RecordReader, 'events'>;
  clock: Clock;
  log: Log;
}

/** Whether the watcher may still watch; asked at every heart-beat. */
type StillAllowed = () => Promise<boolean>;

export interface Streams {
  /** GET /api/v1/stream */
  sendServerSentEvents(
    response: ServerResponse,
    watch: { kinds: StreamMessage['kind'][] | null; lastEventId: string | null; stillAllowed: StillAllowed },
  ): Promise<void>;
  /** GET /api/v1/events?follow=1: the last `limit` events, oldest first, then each as it comes. */
  followEvents(response: ServerResponse, query: Omit<EventQuery, 'before'>, stillAllowed: StillAllowed): Promise<void>;
  /** Ends every stream. */
  close(): void;
}

export function createStreams(options: StreamOptions): Streams {
  const { hub, reader, clock, log } = options;
  const open = new Set<ServerResponse>();

  /** One watcher: writes while it keeps up, drops it when it does not. */
  function start(
    response: ServerResponse,
    headers: Record<string, string>,
    heartbeat: string | null,
    stillAllowed: StillAllowed,
    onEnd: () => void,
  ): (text: string) => void {
    response.writeHead(200, {
      ...plainSecurityHeaders,
      'cache-control': 'no-store, no-transform',
      // Proxies that hold answers back would make a stream useless.
      'x-accel-buffering': 'no',
      ...headers,
    });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    response.socket?.setKeepAlive(true, HEARTBEAT_MS);
    open.add(response);
    const beat = clock.every(
      HEARTBEAT_MS,
      () => {
        if (heartbeat !== null) write(heartbeat);
        stillAllowed().then(
          (allowed) => {
            if (!allowed) response.end();
          },
          (error: unknown) => {
            log.warn('stream.login-not-checked', { error: asAlarmflowError(error).message });
            response.end();
          },
        );
      },
      { background: true },
    );
    response.on('close', () => {
      beat.cancel();
      open.delete(response);
      onEnd();
    });
    const write = (text: string): void => {
      if (response.destroyed || response.writableEnded) return;
      if (response.writableLength + text.length > MOST_BACKLOG_BYTES) {
        log.warn('stream.dropped', { backlogBytes: response.writableLength });
        response.destroy();
        return;
      }
      response.write(text);
    };
    return write;
  }

  function refuseCrowd(): void {
    if (open.size >= MOST_WATCHERS)
      throw operationalError('E_TOO_MANY_STREAMS', `More than ${MOST_WATCHERS} streams are open at once`, {
        retryAfterMs: 30_000,
      });
  }

  /**
   * Joins what is on record with what comes: what arrives while the record is read waits, and is not told twice.
   * Returns the listener for the hub and the way to tell what is on record.
   */
  function joinPastAndPresent(tell: (entry: ExplainedEvent) => void, other: (message: HubMessage) => void) {
    let waiting: HubMessage[] | null = [];
    const told = new Set<string>();
    const deliver = (message: HubMessage): void => {
      if (message.message.kind !== 'event') other(message);
      else if (!told.has(message.message.data.event.id)) tell(message.message.data);
    };
    return {
      listener(message: HubMessage): void {
        if (waiting) waiting.push(message);
        else deliver(message);
      },
      replay(past: ExplainedEvent[]): void {
        for (const entry of past) {
          told.add(entry.event.id);
          tell(entry);
        }
        const arrived = waiting ?? [];
        waiting = null;
        for (const message of arrived) deliver(message);
        told.clear();
      },
    };
  }

  return {
    async sendServerSentEvents(response, { kinds, lastEventId, stillAllowed }) {
      refuseCrowd();
      let unwatch = (): void => {};
      const write = start(
        response,
        { 'content-type': 'text/event-stream; charset=utf-8' },
        // Not a comment: a page sees no comments, and could not tell a quiet site from a network that is gone.
        'event: beat\ndata: {}\n\n',
        stillAllowed,
        () => unwatch(),
      );
      const wanted = (kind: StreamMessage['kind']): boolean => kinds === null || kinds.includes(kind);
      write('retry: 2000\n\n');
      const join = joinPastAndPresent(
        (entry) => {
          if (wanted('event')) write(`id: ${entry.event.id}\nevent: event\ndata: ${JSON.stringify(entry)}\n\n`);
        },
        ({ message, json }) => {
          if (wanted(message.kind)) write(`event: ${message.kind}\ndata: ${json}\n\n`);
        },
      );
      unwatch = hub.watch(join.listener);
      // The page may have gone while we were setting up.
      if (response.destroyed) return unwatch();
      const past =
        lastEventId !== null && wanted('event')
          ? await reader.events({ limit: MOST_REPLAYED, after: lastEventId })
          : [];
      join.replay(past.reverse());
    },

    async followEvents(response, query, stillAllowed) {
      refuseCrowd();
      let unwatch = (): void => {};
      const write = start(response, { 'content-type': 'application/x-ndjson; charset=utf-8' }, null, stillAllowed, () =>
        unwatch(),
      );
      const fits = ({ event }: ExplainedEvent): boolean =>
        (query.deviceId === undefined || event.deviceId === query.deviceId) &&
        (query.type === undefined || event.type === query.type);
      const join = joinPastAndPresent(
        (entry) => {
          if (fits(entry)) write(`${JSON.stringify(entry)}\n`);
        },
        () => {},
      );
      unwatch = hub.watch(join.listener);
      if (response.destroyed) return unwatch();
      join.replay(query.limit > 0 ? (await reader.events(query)).reverse() : []);
    },

    close() {
      for (const response of open) response.end();
      hub.close();
    },
  };
}
