import type { Clock } from '../../clock/clock';
import { type AlarmflowError, operationalError } from '../../domain/errors';
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
  type Soon,
} from '../wire';
import { errorIn, isAuthorityText, isErrorText, textOf } from './answer';
import { type Cgi, cgiTarget } from './cgi';

/**
 * How long the stream may be silent (PROTOCOLS §0.6). The device is asked for a heart-beat; a silence little longer than
 * one makes the driver ask for the device's time. No answer: it is gone. An answer: the stream gets the rest of 2.5
 * heart-beats and is then opened anew. A device that beats under no parameter is asked all the time, and its stream is
 * opened anew seldom, because each time is a login in its log.
 */
export interface StreamTiming extends KeptStreamTiming {
  /** Length of the second that heart-beats are counted in; shorter in tests. */
  secondMs: number;
  /** Time for the answer to a question. */
  askMs: number;
  /** A stream of a device that never beats is opened anew after this silence. */
  silentMs: number;
  /** Before a device that did not tell who it is, as while it starts, is asked again. */
  learnAgainMs: number;
}

/** With 10 s, the longest heart-beat that the dialog allows: 11 s of silence + 3 s for the answer = 14 s. */
export const defaultTiming: StreamTiming = {
  headMs: 8_000,
  settleMs: 1_000,
  secondMs: 1_000,
  askMs: 3_000,
  silentMs: 60_000,
  goodLifeMs: 30_000,
  checkEveryMs: 10_000,
  learnAgainMs: 30_000,
};

const ASK_AFTER_BEATS = 1.1;
const REOPEN_AFTER_BEATS = 2.5;
/** Devices that beat by the second are given this much before they are asked. */
const LEAST_ASK_SECONDS = 4;

/** How the stream is asked for: newer firmware knows `heartbeat`, some only `keepalive`, old ones neither (§2.2). */
type BeatName = 'heartbeat' | 'keepalive' | null;
const beatNames: readonly BeatName[] = ['heartbeat', 'keepalive', null];

interface Way {
  target: string;
  /** Brackets as they are, not percent-encoded. */
  raw: boolean;
  name: BeatName;
}

export interface EventStreamOptions extends KeptStreamEvents {
  http: DeviceHttp;
  cgi: Cgi;
  clock: Clock;
  log: Log;
  timing: StreamTiming;
  heartbeatSeconds: number;
  /** Asks the device for anything; rejects when there is no answer within the time. */
  ask(signal: AbortSignal, timeoutMs: number): Promise<void>;
}

/** Keeps the one event stream of a device open for as long as it runs (PROTOCOLS §2.2). */
export interface EventStream extends KeptStream {
  /** A heart-beat came. */
  heartbeat(): void;
}

export function createEventStream(options: EventStreamOptions): EventStream {
  const { http, cgi, clock, log, timing, heartbeatSeconds } = options;
  const beatMs = heartbeatSeconds * timing.secondMs;
  const askAfterMs = Math.max(ASK_AFTER_BEATS * beatMs, LEAST_ASK_SECONDS * timing.secondMs);
  let beatName: BeatName = 'heartbeat';
  /** No way of asking has brought a heart-beat so far. */
  let beatless = false;
  /** Of the present stream. */
  let beats = 0;
  /** The last stream was refused in words that may be about the login. */
  let loginInDoubt = false;

  const kept = keepStream({
    kind: 'dahua',
    name: 'event stream',
    clock,
    log,
    timing,
    events: options,
    open,
    patience: () => ({
      askAfterMs,
      reopenAfterMs: beatless && beats === 0 ? timing.silentMs : Math.max(REOPEN_AFTER_BEATS * beatMs, askAfterMs),
    }),
    ask: (signal) => options.ask(signal, timing.askMs),
    judge: refuseError,
    ended(error) {
      if (error.code === 'E_STREAM_SILENT' && beats === 0) nextBeatName();
      if (error.code === 'E_STREAM_REFUSED' && error.facts?.authority === true) {
        loginInDoubt = true;
        // They may as well be about a parameter that it doesn't know.
        nextBeatName();
      }
    },
  });

  /** The device beats under no name that was tried: it keeps silent while nothing happens. */
  function nextBeatName(): void {
    if (beatless) return;
    const next = beatNames[beatNames.indexOf(beatName) + 1];
    if (next === undefined || next === null) beatless = true;
    else beatName = next;
  }

  /** Ways to ask for the stream, the one that worked last first. */
  function ways(): Way[] {
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

  async function request(
    { target, raw, name }: Way,
    signal: AbortSignal,
  ): Promise<{ stream: DeviceStream } | { stream: null; refusal: AlarmflowError | null }> {
    const stream = await http.stream({ path: target, signal });
    if (stream.status === 200) {
      cgi.spelling(raw);
      beatName = name;
      return { stream };
    }
    const body = await drained(stream);
    return {
      stream: null,
      refusal: errorIn({ status: stream.status, headers: stream.headers, body }, 'The event stream'),
    };
  }

  async function open(signal: AbortSignal, soon: Soon): Promise<DeviceStream> {
    let refusal: AlarmflowError | null = null;
    beats = 0;
    if (loginInDoubt) await soon(() => cgi.proveLogin(signal));
    loginInDoubt = false;
    for (const way of ways()) {
      const found = await soon(() => request(way, signal));
      if (found.stream) return found.stream;
      refusal ??= found.refusal;
      // Another spelling is worth a try only where this one was the trouble.
      if (found.refusal && found.refusal.code !== 'E_BAD_PARAMETER' && found.refusal.code !== 'E_DEVICE_ERROR') break;
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
    ...kept,
    heartbeat() {
      beats++;
      beatless = false;
    },
  };
}

/** A 200 whose first words are a refusal is a refusal (§0.7). */
function refuseError(part: FramedPart, delivered: boolean): void {
  if (delivered || part.kind === 'fault') return;
  const text = textOf(part.body);
  const refused = isErrorText(text) || part.form === 'xml';
  if (refused)
    throw operationalError('E_STREAM_REFUSED', `The device refuses its event stream: ${text.slice(0, 160)}`, {
      facts: { authority: isAuthorityText(text) },
    });
}
