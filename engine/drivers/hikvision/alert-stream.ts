import type { Clock } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import {
  type DeviceHttp,
  type DeviceStream,
  drained,
  type FramedPart,
  type KeptStream,
  type KeptStreamEvents,
  type KeptStreamTiming,
  keepStream,
  seconds,
} from '../wire';
import { errorIn, responseStatusOf } from './response-status';
import { SUBSCRIBE_PATH, type Subscription } from './subscription';

/**
 * How long the stream may be silent. A dead camera must be noticed within 15 s although it may beat only every 10 s:
 * so a silence little longer than the learnt heart-beat makes the driver ask the device for its time. No answer: the
 * device is gone. An answer: the stream gets the rest of 2.5 heart-beats (PROTOCOLS §0.6) and is then opened anew, as
 * for recorders that send nothing while nothing happens.
 */
export interface StreamTiming extends KeptStreamTiming {
  /** Expected heart-beat before one was learnt. */
  heartbeatMs: number;
  /** Bounds of the silence after which the device is asked; 1.2 heart-beats between them. */
  askAfterMs: { least: number; most: number };
  /** Time for the answer. */
  askMs: number;
  /** Bounds of the silence after which the stream is opened anew; 2.5 heart-beats between them. */
  reopenAfterMs: { least: number; most: number };
  /** Before a device that did not tell who it is, as while it starts, is asked again. */
  learnAgainMs: number;
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
  checkEveryMs: 10_000,
  learnAgainMs: 30_000,
};

const NEW_PATH = '/ISAPI/Event/notification/alertStream';
/** Firmware of before the prefix; tried after a 404 only (§1.1). */
const OLD_PATH = '/Event/notification/alertStream';

export interface AlertStreamOptions extends KeptStreamEvents {
  http: DeviceHttp;
  clock: Clock;
  log: Log;
  timing: StreamTiming;
  /** Absent: the alert stream is used. */
  subscription?: Pick<Subscription, 'request' | 'refused' | 'over' | 'seen'>;
}

/** Keeps one alert stream open for as long as it runs. */
export interface AlertStream extends KeptStream {
  /** A heart-beat came; its rhythm is learnt. */
  heartbeat(): void;
}

export function createAlertStream(options: AlertStreamOptions): AlertStream {
  const { http, clock, log, timing } = options;
  let path = NEW_PATH;
  let beats: number[] = [];
  let lastBeat: number | null = null;
  /** The present stream is that of a subscription. */
  let subscribed = false;

  const learnt = (): number => (beats.length === 0 ? timing.heartbeatMs : Math.max(...beats));
  const between = (value: number, bounds: { least: number; most: number }): number =>
    Math.min(bounds.most, Math.max(bounds.least, value));

  const kept = keepStream({
    kind: 'hikvision',
    name: 'alert stream',
    clock,
    log,
    timing,
    events: options,
    open: (signal, soon) => soon(() => open(signal)),
    patience: () => ({
      askAfterMs: between(1.2 * learnt(), timing.askAfterMs),
      reopenAfterMs: between(2.5 * learnt(), timing.reopenAfterMs),
    }),
    ask,
    judge,
    ended(_error, delivered) {
      if (subscribed) options.subscription?.over(delivered);
    },
  });

  function judge(part: FramedPart, delivered: boolean): void {
    const refusal = delivered ? null : refusedBy(part);
    if (refusal) {
      if (subscribed) options.subscription?.refused(refusal.message);
      throw refusal;
    }
    if (subscribed) options.subscription?.seen(part);
  }

  /** The stream of a subscription; null where the alert stream is to be used. */
  async function subscribe(signal: AbortSignal): Promise<DeviceStream | null> {
    const body = (await options.subscription?.request(signal)) ?? null;
    if (body === null) return null;
    const stream = await http.stream({
      method: 'POST',
      path: SUBSCRIBE_PATH,
      headers: { 'Content-Type': 'application/xml; charset="UTF-8"' },
      body,
      signal,
    });
    subscribed = stream.status === 200;
    if (subscribed) return stream;
    const refusal = errorIn(
      { status: stream.status, headers: stream.headers, body: await drained(stream) },
      'The subscription to events',
    );
    // A device that is busy for the moment is asked again; one that has not got it is not.
    if (refusal?.family === 'operational') throw refusal;
    options.subscription?.refused(refusal?.message ?? `HTTP ${stream.status}`);
    return null;
  }

  async function open(signal: AbortSignal): Promise<DeviceStream> {
    subscribed = false;
    lastBeat = null;
    const ofSubscription = await subscribe(signal);
    if (ofSubscription) return ofSubscription;
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
  }

  /** Any HTTP answer but a refused login is a sign of life; only silence and a closed door are none. */
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
      if (isGone(error) || error.code === 'E_CREDENTIALS_REFUSED' || limit.signal.aborted) throw error;
    } finally {
      timer.cancel();
    }
  }

  return {
    ...kept,
    heartbeat() {
      const now = clock.monotonic();
      if (lastBeat !== null) beats = [...beats, Math.min(60_000, now - lastBeat)].slice(-3);
      lastBeat = now;
    },
  };
}

const isGone = (error: AlarmflowError): boolean =>
  error.code === 'E_DEVICE_OFFLINE' || error.code === 'E_DEVICE_TIMEOUT';

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
