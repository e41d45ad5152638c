import type { Clock, Timer } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { backoff, createFramer, type DeviceHttp, type DeviceStream, type FramedPart } from '../wire';
import { errorIn, responseStatusOf } from './response-status';
import { SUBSCRIBE_PATH, type Subscription } from './subscription';

/**
 * How long the stream may be silent. A dead camera must be noticed within 15 s although it may beat only every 10 s:
 * so a silence little longer than the learnt heart-beat makes the driver ask the device for its time. No answer: the
 * device is gone. An answer: the stream gets the rest of 2.5 heart-beats (PROTOCOLS §0.6) and is then opened anew, as
 * for recorders that send nothing while nothing happens.
 */
export interface StreamTiming {
  /** Answer to the request for the stream. */
  headMs: number;
  /** A stream that has said nothing yet counts as open after this: some recorders are silent while nothing happens. */
  settleMs: number;
  /** Expected heart-beat before one was learnt. */
  heartbeatMs: number;
  /** Bounds of the silence after which the device is asked; 1.2 heart-beats between them. */
  askAfterMs: { least: number; most: number };
  /** Time for the answer. */
  askMs: number;
  /** Bounds of the silence after which the stream is opened anew; 2.5 heart-beats between them. */
  reopenAfterMs: { least: number; most: number };
  /** A stream that lived so long was a good one: the next failure starts with the shortest wait. */
  goodLifeMs: number;
}

/** 11 s of silence + 3 s for the answer: 14 s. Old firmware beats every 300 ms but may pause during an alarm: 5 s. */
export const defaultTiming: StreamTiming = {
  headMs: 8_000,
  settleMs: 1_000,
  heartbeatMs: 10_000,
  askAfterMs: { least: 5_000, most: 11_000 },
  askMs: 3_000,
  reopenAfterMs: { least: 12_000, most: 75_000 },
  goodLifeMs: 30_000,
};

const NEW_PATH = '/ISAPI/Event/notification/alertStream';
/** Firmware of before the prefix; tried after a 404 only (§1.1). */
const OLD_PATH = '/Event/notification/alertStream';

export interface AlertStreamOptions {
  http: DeviceHttp;
  clock: Clock;
  log: Log;
  timing: StreamTiming;
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
  /** Absent: the alert stream is used. */
  subscription?: Pick<Subscription, 'request' | 'refused' | 'over' | 'seen'>;
  /** Asked after a refused password: milliseconds to wait beyond what the error says. */
  lockedFor(error: AlarmflowError): Promise<number>;
}

/** Keeps one alert stream open for as long as it runs. */
export interface AlertStream {
  start(): void;
  /** A heart-beat came; its rhythm is learnt. */
  heartbeat(): void;
  close(): Promise<void>;
}

export function createAlertStream(options: AlertStreamOptions): AlertStream {
  const { http, clock, log, timing } = options;
  const closing = new AbortController();
  let path = NEW_PATH;
  let running: Promise<void> = Promise.resolve();
  let beats: number[] = [];
  let lastBeat: number | null = null;

  const learnt = (): number => (beats.length === 0 ? timing.heartbeatMs : Math.max(...beats));
  const between = (value: number, bounds: { least: number; most: number }): number =>
    Math.min(bounds.most, Math.max(bounds.least, value));
  const askAfter = (): number => between(1.2 * learnt(), timing.askAfterMs);
  const reopenAfter = (): number => between(2.5 * learnt(), timing.reopenAfterMs);

  async function run(): Promise<void> {
    let attempt = 0;
    while (!closing.signal.aborted) {
      const life: Life = {
        opened: false,
        delivered: false,
        dead: false,
        subscribed: false,
        startedAt: clock.monotonic(),
      };
      let error: AlarmflowError;
      try {
        await live(life);
        error = operationalError('E_STREAM_ENDED', 'The device ended its alert stream');
      } catch (thrown) {
        error = asAlarmflowError(thrown);
      }
      if (closing.signal.aborted) return;
      if (error.family === 'bug') log.error('hikvision.stream-bug', { error: error.message, stack: error.stack });
      else log.debug('hikvision.stream-lost', { reason: error.message, opened: life.opened });
      if (life.subscribed) options.subscription?.over(life.delivered);
      if (life.delivered || clock.monotonic() - life.startedAt > timing.goodLifeMs) attempt = 0;
      options.onLost(error, life.dead);
      const refused = error.code === 'E_CREDENTIALS_REFUSED' ? await options.lockedFor(error) : 0;
      const pause = Math.max(backoff(attempt++), error.retryAfterMs ?? 0, refused);
      await clock.sleep(pause, closing.signal).catch(() => undefined);
    }
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
      const stream = await open(ends, signal, life);
      settle = clock.after(timing.settleMs, () => {
        if (!signal.aborted) opened();
      });
      lastBeat = null;
      let seenAt = clock.monotonic();
      let asked = 0;
      const silence = (): void => {
        const silent = clock.monotonic() - seenAt;
        if (silent >= reopenAfter()) {
          ends.abort(operationalError('E_STREAM_SILENT', `The alert stream was silent for ${seconds(silent)}`));
          return;
        }
        const due = Math.max(seenAt, asked) + askAfter() - clock.monotonic();
        if (due > 0) {
          watch = clock.after(Math.min(due, Math.max(0, seenAt + reopenAfter() - clock.monotonic())), silence);
          return;
        }
        ask(signal).then(
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
      for await (const chunk of stream.body) {
        seenAt = clock.monotonic();
        options.onBytes();
        for (const part of framer.push(chunk)) {
          judge(part, life);
          if (part.kind === 'part') {
            life.delivered = true;
            opened();
          }
          await options.onPart(part);
        }
      }
      for (const part of framer.end()) {
        judge(part, life);
        await options.onPart(part);
      }
      if (ends.signal.aborted) throw ends.signal.reason;
    } catch (thrown) {
      throw ends.signal.aborted ? ends.signal.reason : thrown;
    } finally {
      (watch as Timer | null)?.cancel();
      settle?.cancel();
      if (!ends.signal.aborted) ends.abort(operationalError('E_STREAM_ENDED', 'The alert stream is over'));
    }
  }

  function judge(part: FramedPart, life: Life): void {
    const refusal = life.delivered ? null : refusedBy(part);
    if (refusal) {
      if (life.subscribed) options.subscription?.refused(refusal.message);
      throw refusal;
    }
    if (life.subscribed) options.subscription?.seen(part);
  }

  /** The stream of a subscription; null where the alert stream is to be used. */
  async function subscribe(signal: AbortSignal, life: Life): Promise<DeviceStream | null> {
    const body = (await options.subscription?.request(signal)) ?? null;
    if (body === null) return null;
    const stream = await http.stream({
      method: 'POST',
      path: SUBSCRIBE_PATH,
      headers: { 'Content-Type': 'application/xml; charset="UTF-8"' },
      body,
      signal,
    });
    life.subscribed = stream.status === 200;
    if (life.subscribed) return stream;
    const refusal = errorIn(
      { status: stream.status, headers: stream.headers, body: await drained(stream) },
      'The subscription to events',
    );
    // A device that is busy for the moment is asked again; one that has not got it is not.
    if (refusal?.family === 'operational') throw refusal;
    options.subscription?.refused(refusal?.message ?? `HTTP ${stream.status}`);
    return null;
  }

  async function open(ends: AbortController, signal: AbortSignal, life: Life): Promise<DeviceStream> {
    const head = clock.after(timing.headMs, () =>
      ends.abort(operationalError('E_DEVICE_TIMEOUT', `The device did not answer within ${seconds(timing.headMs)}`)),
    );
    try {
      const subscribed = await subscribe(signal, life);
      if (subscribed) return subscribed;
      let stream = await http.stream({ path, signal });
      if (stream.status === 404 && path === NEW_PATH) {
        await drained(stream);
        stream = await http.stream({ path: OLD_PATH, signal });
        if (stream.status === 200) path = OLD_PATH;
      }
      if (stream.status === 200) return stream;
      const body = await drained(stream);
      const said = responseStatusOf(body);
      if (said?.sub.toLowerCase() === 'lowprivilege')
        throw userError(
          'E_LOW_PRIVILEGE',
          'The device’s user has no right to its events: give it "Remote: Notify Surveillance Center / Trigger Alarm Output" on the device',
        );
      const words = said ? ` (${said.code} ${[said.text, said.sub].filter(Boolean).join(', ')})` : '';
      throw operationalError(
        'E_STREAM_REFUSED',
        stream.status === 503
          ? `The device serves no further alert stream${words}: close other clients of its events`
          : `The device refuses its alert stream with HTTP ${stream.status}${words}`,
      );
    } finally {
      head.cancel();
    }
  }

  /** Any HTTP answer is a sign of life; only silence and a closed door are none. */
  async function ask(signal: AbortSignal): Promise<void> {
    const limit = new AbortController();
    const timer = clock.after(timing.askMs, () =>
      limit.abort(operationalError('E_DEVICE_TIMEOUT', `No answer within ${seconds(timing.askMs)}`)),
    );
    try {
      await http.request({
        method: 'GET',
        path: '/ISAPI/System/time',
        signal: AbortSignal.any([signal, limit.signal]),
        timeoutMs: timing.askMs,
      });
    } catch (thrown) {
      const error = asAlarmflowError(limit.signal.aborted ? limit.signal.reason : thrown);
      if (isGone(error) || limit.signal.aborted) throw error;
    } finally {
      timer.cancel();
    }
  }

  return {
    start() {
      running = run().catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        log.error('hikvision.stream-stopped', { error: error.message, stack: error.stack });
      });
    },
    heartbeat() {
      const now = clock.monotonic();
      if (lastBeat !== null) beats = [...beats, Math.min(60_000, now - lastBeat)].slice(-3);
      lastBeat = now;
    },
    async close() {
      closing.abort(operationalError('E_CLOSED', 'The connection is being closed'));
      await running;
    },
  };
}

const isGone = (error: AlarmflowError): boolean =>
  error.code === 'E_DEVICE_OFFLINE' || error.code === 'E_DEVICE_TIMEOUT';

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

/** What happened to one stream. */
interface Life {
  opened: boolean;
  delivered: boolean;
  dead: boolean;
  subscribed: boolean;
  startedAt: number;
}

/** A 200 whose first words are a refusal is a refusal (§0.7). */
function refusedBy(part: FramedPart): AlarmflowError | null {
  if (part.kind === 'fault') return null;
  const status = responseStatusOf(part.body);
  if (!status || status.code <= 1) return null;
  return operationalError(
    'E_STREAM_REFUSED',
    `The device refuses its alert stream: ${status.code} ${[status.text, status.sub].filter(Boolean).join(', ')}`,
  );
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
