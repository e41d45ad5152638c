import { type Clock, sleepOrStop, type Timer } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { backoff } from './backoff';
import type { DeviceStream } from './device-http';
import { createFramer, type FramedPart } from './framer';

export interface KeptStreamTiming {
  /** Answer to the request for the stream. */
  headMs: number;
  /** A stream that has said nothing yet counts as open after this: some devices are silent while nothing happens. */
  settleMs: number;
  /** A stream that lived so long was a good one: the next failure starts with the shortest wait. */
  goodLifeMs: number;
  /**
   * So often the device is asked for something although its stream is alive: an open stream goes on over a change of
   * the password or of the clock, and both must be noticed within 15 s.
   */
  checkEveryMs: number;
}

/** Runs a request for the stream; when that takes longer than `headMs`, the attempt is given up. */
export type Soon = <T>(work: () => Promise<T>) => Promise<T>;

/** What befalls the stream, for the connection that it belongs to. */
export interface KeptStreamEvents {
  /**
   * The stream is open: a part came, or it has lived for a while. The head of a 200 alone is no proof, a device may
   * close at once or send a refusal.
   */
  onOpen(): void;
  /** Any bytes: the device lives. */
  onBytes(): void;
  /** One part; awaited, so that a flood is slowed down at the device. */
  onPart(part: FramedPart): Promise<void> | void;
  /** The stream is gone, or could not be opened. `dead`: the device has given no sign of life for long. */
  onLost(error: AlarmflowError, dead: boolean): void;
  /** Asked after a refused password: milliseconds to wait beyond what the error says. */
  lockedFor(error: AlarmflowError): Promise<number>;
}

export interface KeptStreamOptions {
  /** What the names of its log lines begin with. */
  kind: string;
  /** For the operator: `event stream`. */
  name: string;
  clock: Clock;
  log: Log;
  timing: KeptStreamTiming;
  events: KeptStreamEvents;
  /** Opens it, or throws why the device refuses it. */
  open(signal: AbortSignal, soon: Soon): Promise<DeviceStream>;
  /** Milliseconds of silence after which the device is asked for a sign of life, and after which the stream is opened anew. */
  patience(): { askAfterMs: number; reopenAfterMs: number };
  /** Asks for a sign of life, with the login; rejects when there is none, or when the login is refused. */
  ask(signal: AbortSignal): Promise<void>;
  /** Throws where a part is a refusal: `delivered` tells whether this stream has brought one that was none. */
  judge(part: FramedPart, delivered: boolean): void;
  /** A stream ended, or could not be opened; told before `onLost`. */
  ended(error: AlarmflowError, delivered: boolean): void;
}

/** One stream of a device that is kept open: watched, and opened anew with back-off whenever it ends (PROTOCOLS §0.6). */
export interface KeptStream {
  start(): void;
  close(): Promise<void>;
}

/** What happened to one stream. */
interface Life {
  opened: boolean;
  delivered: boolean;
  dead: boolean;
}

export function keepStream(options: KeptStreamOptions): KeptStream {
  const { kind, name, clock, log, timing, events } = options;
  const closing = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    let attempt = 0;
    while (!closing.signal.aborted) {
      const life: Life = { opened: false, delivered: false, dead: false };
      const startedAt = clock.monotonic();
      let error: AlarmflowError;
      try {
        await live(life);
        error = operationalError('E_STREAM_ENDED', `The device ended its ${name}`);
      } catch (thrown) {
        error = asAlarmflowError(thrown);
      }
      if (closing.signal.aborted) return;
      if (error.family === 'bug') log.error(`${kind}.stream-bug`, { error: error.message, stack: error.stack });
      else log.debug(`${kind}.stream-lost`, { reason: error.message, opened: life.opened });
      options.ended(error, life.delivered);
      if (life.delivered || clock.monotonic() - startedAt > timing.goodLifeMs) attempt = 0;
      events.onLost(error, life.dead);
      const refused = error.code === 'E_CREDENTIALS_REFUSED' ? await events.lockedFor(error) : 0;
      const pause = Math.max(backoff(attempt++), error.retryAfterMs ?? 0, refused);
      await sleepOrStop(clock, pause, closing.signal);
    }
  }

  async function live(life: Life): Promise<void> {
    const ends = new AbortController();
    const signal = AbortSignal.any([ends.signal, closing.signal]);
    let settle: Timer | null = null;
    let watch: Watch | null = null;
    const opened = (): void => {
      if (life.opened) return;
      life.opened = true;
      events.onOpen();
    };
    const take = async (part: FramedPart): Promise<void> => {
      options.judge(part, life.delivered);
      if (part.kind === 'part') {
        life.delivered = true;
        opened();
      }
      await events.onPart(part);
    };
    try {
      const stream = await options.open(signal, (work) => soon(ends, work));
      settle = clock.after(timing.settleMs, () => {
        if (!signal.aborted) opened();
      });
      const framer = createFramer({ contentType: stream.headers['content-type'] });
      watch = watchSilence(life, ends, signal);
      for await (const chunk of stream.body) {
        watch.seen();
        events.onBytes();
        for (const part of framer.push(chunk)) await take(part);
      }
      for (const part of framer.end()) await take(part);
      if (ends.signal.aborted) throw ends.signal.reason;
    } catch (thrown) {
      throw ends.signal.aborted ? ends.signal.reason : thrown;
    } finally {
      watch?.stop();
      settle?.cancel();
      if (!ends.signal.aborted) ends.abort(operationalError('E_STREAM_ENDED', `The ${name} is over`));
    }
  }

  async function soon<T>(ends: AbortController, work: () => Promise<T>): Promise<T> {
    const head = clock.after(timing.headMs, () =>
      ends.abort(operationalError('E_DEVICE_TIMEOUT', `The device did not answer within ${seconds(timing.headMs)}`)),
    );
    try {
      return await work();
    } finally {
      head.cancel();
    }
  }

  interface Watch {
    /** Something came. */
    seen(): void;
    stop(): void;
  }

  /**
   * Ends a stream that is silent for too long, one whose device gives no sign of life when it is asked, and one whose
   * device does not let us in any more.
   */
  function watchSilence(life: Life, ends: AbortController, signal: AbortSignal): Watch {
    let timer: Timer | null = null;
    let seenAt = clock.monotonic();
    let askedAt = 0;
    /** The last time that the device let us in. */
    let letInAt = seenAt;
    const look = (): void => {
      const { askAfterMs, reopenAfterMs } = options.patience();
      const now = clock.monotonic();
      if (now - seenAt >= reopenAfterMs) {
        ends.abort(operationalError('E_STREAM_SILENT', `The ${name} was silent for ${seconds(now - seenAt)}`));
        return;
      }
      const due = Math.min(Math.max(seenAt, askedAt) + askAfterMs, letInAt + timing.checkEveryMs) - now;
      if (due > 0) {
        timer = clock.after(Math.min(due, seenAt + reopenAfterMs - now), look);
        return;
      }
      options.ask(signal).then(
        () => {
          askedAt = letInAt = clock.monotonic();
          if (!signal.aborted) look();
        },
        (error: AlarmflowError) => {
          if (signal.aborted) return;
          if (error.code === 'E_CREDENTIALS_REFUSED') return ends.abort(error);
          if (clock.monotonic() - seenAt < askAfterMs) {
            // Busy or not, its stream says that it lives.
            letInAt = clock.monotonic();
            return look();
          }
          life.dead = true;
          ends.abort(
            operationalError('E_DEVICE_OFFLINE', `No sign of life for ${seconds(clock.monotonic() - seenAt)}`, {
              cause: error,
            }),
          );
        },
      );
    };
    look();
    return {
      seen() {
        seenAt = clock.monotonic();
      },
      stop: () => timer?.cancel(),
    };
  }

  return {
    start() {
      running = run().catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        log.error(`${kind}.stream-stopped`, { error: error.message, stack: error.stack });
      });
    },
    async close() {
      closing.abort(operationalError('E_CLOSED', 'The connection is being closed'));
      await running;
    },
  };
}

/** Seconds for the operator. */
export const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
