import type { Clock, Timer } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { backoff, createFramer, type DeviceHttp, type DeviceStream, type FramedPart } from '../wire';
import { errorIn, isErrorText, textOf } from './answer';
import { type Cgi, cgiTarget } from './cgi';

/**
 * How long the stream may be silent (PROTOCOLS §0.6). The device is asked for a heart-beat; a silence little longer than
 * one makes the driver ask for the device's time. No answer: it is gone. An answer: the stream gets the rest of 2.5
 * heart-beats and is then opened anew. A device that beats under no parameter is asked all the time, and its stream is
 * opened anew seldom, because each time is a login in its log.
 */
export interface StreamTiming {
  /** Answer to the request for the stream. */
  headMs: number;
  /** A stream that has said nothing yet counts as open after this. */
  settleMs: number;
  /** Length of the second that heart-beats are counted in; shorter in tests. */
  secondMs: number;
  /** Time for the answer to a question. */
  askMs: number;
  /** A stream of a device that never beats is opened anew after this silence. */
  silentMs: number;
  /** A stream that lived so long was a good one: the next failure starts with the shortest wait. */
  goodLifeMs: number;
}

/** With 10 s, the longest heart-beat that the dialog allows: 11 s of silence + 3 s for the answer = 14 s. */
export const defaultTiming: StreamTiming = {
  headMs: 8_000,
  settleMs: 1_000,
  secondMs: 1_000,
  askMs: 3_000,
  silentMs: 60_000,
  goodLifeMs: 30_000,
};

const ASK_AFTER_BEATS = 1.1;
const REOPEN_AFTER_BEATS = 2.5;
/** Devices that beat by the second are given this much before they are asked. */
const LEAST_ASK_SECONDS = 4;

/** How the stream is asked for: newer firmware knows `heartbeat`, some only `keepalive`, old ones neither (§2.2). */
type BeatName = 'heartbeat' | 'keepalive' | null;
const beatNames: readonly BeatName[] = ['heartbeat', 'keepalive', null];

export interface EventStreamOptions {
  http: DeviceHttp;
  cgi: Cgi;
  clock: Clock;
  log: Log;
  timing: StreamTiming;
  heartbeatSeconds: number;
  /** Asks the device for anything; rejects when there is no answer within the time. */
  ask(signal: AbortSignal, timeoutMs: number): Promise<void>;
  /** The stream is open: a part came, or it has lived for a while. */
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

/** Keeps the one event stream of a device open for as long as it runs (PROTOCOLS §2.2). */
export interface EventStream {
  start(): void;
  /** A heart-beat came. */
  heartbeat(): void;
  close(): Promise<void>;
}

interface Life {
  opened: boolean;
  delivered: boolean;
  dead: boolean;
  beats: number;
}

export function createEventStream(options: EventStreamOptions): EventStream {
  const { http, cgi, clock, log, timing, heartbeatSeconds } = options;
  const closing = new AbortController();
  const beatMs = heartbeatSeconds * timing.secondMs;
  const askAfter = Math.max(ASK_AFTER_BEATS * beatMs, LEAST_ASK_SECONDS * timing.secondMs);
  let running: Promise<void> = Promise.resolve();
  let beatName: BeatName = 'heartbeat';
  /** No way of asking has brought a heart-beat so far. */
  let beatless = false;
  let present: Life | null = null;

  async function run(): Promise<void> {
    let attempt = 0;
    while (!closing.signal.aborted) {
      const life: Life = { opened: false, delivered: false, dead: false, beats: 0 };
      const startedAt = clock.monotonic();
      let error: AlarmflowError;
      try {
        present = life;
        await live(life);
        error = operationalError('E_STREAM_ENDED', 'The device ended its event stream');
      } catch (thrown) {
        error = asAlarmflowError(thrown);
      }
      if (closing.signal.aborted) return;
      if (error.family === 'bug') log.error('dahua.stream-bug', { error: error.message, stack: error.stack });
      else log.debug('dahua.stream-lost', { reason: error.message, opened: life.opened });
      if (error.code === 'E_STREAM_SILENT' && life.beats === 0) nextBeatName();
      if (life.delivered || clock.monotonic() - startedAt > timing.goodLifeMs) attempt = 0;
      options.onLost(error, life.dead);
      const refused = error.code === 'E_CREDENTIALS_REFUSED' ? await options.lockedFor(error) : 0;
      const pause = Math.max(backoff(attempt++), error.retryAfterMs ?? 0, refused);
      // Rejects only when the connection is being closed; the loop's condition sees that.
      await clock.sleep(pause, closing.signal).catch(() => undefined);
    }
  }

  /** The device beats under no name that was tried: it keeps silent while nothing happens. */
  function nextBeatName(): void {
    if (beatless) return;
    const next = beatNames[beatNames.indexOf(beatName) + 1];
    if (next === undefined || next === null) beatless = true;
    else beatName = next;
  }

  async function live(life: Life): Promise<void> {
    const ends = new AbortController();
    const signal = AbortSignal.any([ends.signal, closing.signal]);
    let watch: Timer | null = null;
    let settle: Timer | null = null;
    const opened = (): void => {
      if (life.opened) return;
      life.opened = true;
      options.onOpen();
    };
    try {
      const stream = await open(ends, signal);
      settle = clock.after(timing.settleMs, () => {
        if (!signal.aborted) opened();
      });
      let seenAt = clock.monotonic();
      let asked = 0;
      const silence = (): void => {
        const limit = beatless && life.beats === 0 ? timing.silentMs : Math.max(REOPEN_AFTER_BEATS * beatMs, askAfter);
        const silent = clock.monotonic() - seenAt;
        if (silent >= limit) {
          ends.abort(operationalError('E_STREAM_SILENT', `The event stream was silent for ${seconds(silent)}`));
          return;
        }
        const due = Math.max(seenAt, asked) + askAfter - clock.monotonic();
        if (due > 0) {
          watch = clock.after(Math.min(due, Math.max(0, seenAt + limit - clock.monotonic())), silence);
          return;
        }
        options.ask(signal, timing.askMs).then(
          () => {
            asked = clock.monotonic();
            if (!signal.aborted) silence();
          },
          (error: AlarmflowError) => {
            life.dead = true;
            ends.abort(
              operationalError('E_DEVICE_OFFLINE', `No sign of life for ${seconds(clock.monotonic() - seenAt)}`, {
                cause: error,
              }),
            );
          },
        );
      };
      const framer = createFramer({ contentType: stream.headers['content-type'] });
      silence();
      const take = async (part: FramedPart): Promise<void> => {
        refuseError(part, life.delivered);
        if (part.kind === 'part') {
          life.delivered = true;
          opened();
        }
        await options.onPart(part);
      };
      for await (const chunk of stream.body) {
        seenAt = clock.monotonic();
        options.onBytes();
        for (const part of framer.push(chunk)) await take(part);
      }
      for (const part of framer.end()) await take(part);
      if (ends.signal.aborted) throw ends.signal.reason;
    } catch (thrown) {
      throw ends.signal.aborted ? ends.signal.reason : thrown;
    } finally {
      (watch as Timer | null)?.cancel();
      settle?.cancel();
      if (!ends.signal.aborted) ends.abort(operationalError('E_STREAM_ENDED', 'The event stream is over'));
    }
  }

  /** Ways to ask for the stream, the one that worked last first. */
  function ways(): { target: string; raw: boolean; name: BeatName }[] {
    const names = [beatName, ...beatNames.filter((name) => name !== beatName)];
    const raws = [cgi.usesRaw(), !cgi.usesRaw()];
    return names.flatMap((name) =>
      raws.map((raw) => {
        const beat: [string, string][] = name === null ? [] : [[name, String(heartbeatSeconds)]];
        return {
          target: cgiTarget('eventManager', [['action', 'attach'], ['codes', '[All]'], ...beat], raw),
          raw,
          name,
        };
      }),
    );
  }

  async function open(ends: AbortController, signal: AbortSignal): Promise<DeviceStream> {
    let refusal: AlarmflowError | null = null;
    for (const { target, raw, name } of ways()) {
      const head = clock.after(timing.headMs, () =>
        ends.abort(operationalError('E_DEVICE_TIMEOUT', `The device did not answer within ${seconds(timing.headMs)}`)),
      );
      try {
        const stream = await http.stream({ path: target, signal });
        if (stream.status === 200) {
          cgi.spelling(raw);
          beatName = name;
          return stream;
        }
        const body = await drained(stream);
        const found = errorIn({ status: stream.status, headers: stream.headers, body }, 'The event stream');
        refusal ??= found;
        // Another spelling is worth a try only where this one was the trouble.
        if (found && found.code !== 'E_BAD_PARAMETER' && found.code !== 'E_DEVICE_ERROR') break;
      } finally {
        head.cancel();
      }
    }
    if (refusal?.code === 'E_CREDENTIALS_REFUSED' || refusal?.code === 'E_LOW_PRIVILEGE') throw refusal;
    throw operationalError(
      'E_STREAM_REFUSED',
      refusal?.code === 'E_DEVICE_BUSY'
        ? `The device serves no further event stream: close other clients of its events. ${refusal.message}`
        : `The device refuses its event stream. ${refusal?.message ?? ''}`.trim(),
    );
  }

  return {
    start() {
      running = run().catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        log.error('dahua.stream-stopped', { error: error.message, stack: error.stack });
      });
    },
    heartbeat() {
      if (present) present.beats++;
      beatless = false;
    },
    async close() {
      closing.abort(operationalError('E_CLOSED', 'The connection is being closed'));
      await running;
    },
  };
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

/** A 200 whose first words are a refusal is a refusal (§0.7). */
function refuseError(part: FramedPart, delivered: boolean): void {
  if (delivered || part.kind === 'fault') return;
  const text = textOf(part.body);
  const refused = isErrorText(text) || part.form === 'xml';
  if (refused) throw operationalError('E_STREAM_REFUSED', `The device refuses its event stream: ${text.slice(0, 160)}`);
}

/** Reads what is left, so that the connection is free again; at most a little. */
async function drained(stream: DeviceStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > 64 * 1024) break;
  }
  return Buffer.concat(chunks);
}
