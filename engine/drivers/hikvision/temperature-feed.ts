import { type Clock, sleepOrStop, type Timer } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { EventDraft, EventRegion } from '../../domain/events';
import type { Log } from '../../domain/log';
import { parseDeviceTime } from '../device-time';
import {
  backoff,
  createFramer,
  type DeviceResponse,
  type DeviceStream,
  drained,
  type FramedPart,
  type WhileOnline,
  whileOnline,
} from '../wire';
import { looksLikeDocument, readDocuments } from './document';
import { errorIn, responseStatusOf } from './response-status';
import { dropAbsent, type Reading, readingsOf } from './thermal';

export interface TemperatureFeedOptions {
  /** Opens a stream of its own: that of the alerts stays open beside it. */
  stream(path: string, signal: AbortSignal): Promise<DeviceStream>;
  get(path: string, signal: AbortSignal): Promise<DeviceResponse>;
  /** Thermal channels to try, in this order. */
  channels(): readonly number[];
  /** Time between two events of a channel, milliseconds. */
  everyMs: number;
  timeZone: string | null;
  deliver(draft: EventDraft): Promise<void> | void;
  onPart(part: FramedPart): void;
  clock: Clock;
  log: Log;
}

/**
 * Reads the temperatures of the measuring rules all the time (PROTOCOLS §1.6): by the device's stream, else by asking.
 * Each time one event with a region for each rule.
 */
export type TemperatureFeed = WhileOnline;

/** A stream that says nothing for so long is opened anew; also one of a camera without rules. */
const SILENT_MS = 20_000;
/** A device that offers neither way is asked again after this: it may have been set up meanwhile. */
const AGAIN_MS = 10 * 60_000;
const MOST_REGIONS = 40;
const MOST_PLACES = 512;
const RAW_LIMIT = 16 * 1024;

type Source = { channel: number; way: 'stream' | 'poll' };

const streamPath = (channel: number): string =>
  `/ISAPI/Thermal/channels/${channel}/thermometry/realTimethermometry/rules?format=json`;
const pollPath = (channel: number): string =>
  `/ISAPI/Thermal/channels/${channel}/thermometry/1/rulesTemperatureInfo?format=json`;

export function createTemperatureFeed(options: TemperatureFeedOptions): TemperatureFeed {
  const { clock, log } = options;
  let source: Source | null = null;
  let told = false;
  const names = createPlaceNames();

  async function run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      let pause: number;
      try {
        const worked = source ? await use(source, signal) : await find(signal);
        if (worked) attempt = 0;
        if (!worked && !told) {
          told = true;
          log.warn('hikvision.no-temperatures', {
            channels: options.channels().join(','),
            remedy: 'Set up temperature measurement rules on the device, or its thermal channel in the dialog',
          });
        }
        pause = worked && source?.way === 'poll' ? options.everyMs : worked ? backoff(attempt++) : AGAIN_MS;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asAlarmflowError(thrown);
        log.debug('hikvision.temperatures-lost', { reason: error.message });
        pause = Math.max(backoff(attempt++), error.retryAfterMs ?? 0);
      }
      await sleepOrStop(clock, pause, signal);
    }
  }

  /** The first channel and way that gives temperatures; used at once. False: there is none. */
  async function find(signal: AbortSignal): Promise<boolean> {
    for (const channel of options.channels()) {
      for (const way of ['stream', 'poll'] as const) {
        if (await use({ channel, way }, signal)) return true;
      }
    }
    return false;
  }

  /** False where the device has not got it. A stream ends by throwing, or having worked. */
  async function use(wanted: Source, signal: AbortSignal): Promise<boolean> {
    const works = wanted.way === 'stream' ? await follow(wanted, signal) : await poll(wanted, signal);
    if (!works && source === wanted) source = null;
    return works;
  }

  async function poll(wanted: Source, signal: AbortSignal): Promise<boolean> {
    const response = await options.get(pollPath(wanted.channel), signal);
    const error = errorIn(response, 'Temperatures');
    if (error) return refusal(error);
    if (!looksLikeDocument(response.body)) return false;
    const contentType = response.headers['content-type'] ?? 'application/json';
    options.onPart({ kind: 'part', headers: {}, contentType, form: 'json', body: response.body });
    const readings = readingsIn(response.body);
    source = wanted;
    await tell(wanted.channel, readings);
    return true;
  }

  async function follow(wanted: Source, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    let watch: Timer | null = null;
    let due: Timer | null = null;
    const fresh = new Map<string, Reading>();
    let lastAt = Number.NEGATIVE_INFINITY;
    let delivered = false;

    const flush = (): Promise<void> | void => {
      due?.cancel();
      due = null;
      lastAt = clock.monotonic();
      const readings = [...fresh.values()];
      fresh.clear();
      return tell(wanted.channel, readings);
    };
    const awake = (): void => {
      watch?.cancel();
      watch = clock.after(
        SILENT_MS,
        () => over.abort(operationalError('E_STREAM_SILENT', 'The stream of temperatures fell silent')),
        { background: true },
      );
    };
    const take = async (part: FramedPart): Promise<boolean> => {
      if (part.kind === 'fault') {
        log.debug('hikvision.bad-part', { reason: part.reason, bytes: part.bytes });
        return true;
      }
      const status = delivered ? null : responseStatusOf(part.body);
      if (status && status.code > 1) return false;
      options.onPart(part);
      for (const reading of readingsIn(part.body)) {
        if (fresh.size < MOST_PLACES) fresh.set(placeKey(reading), reading);
      }
      if (fresh.size === 0) return true;
      delivered = true;
      source = wanted;
      const wait = lastAt + options.everyMs - clock.monotonic();
      if (wait <= 0) await flush();
      else
        due ??= clock.after(
          wait,
          () => {
            // A broken sink is told by the sink itself.
            Promise.resolve(flush()).catch((thrown: unknown) => {
              log.error('hikvision.event-not-kept', { error: asAlarmflowError(thrown).message });
            });
          },
          { background: true },
        );
      return true;
    };
    try {
      awake();
      const stream = await options.stream(streamPath(wanted.channel), both);
      if (stream.status !== 200) {
        const body = await drained(stream);
        const error = errorIn({ status: stream.status, headers: stream.headers, body }, 'Temperatures');
        return error ? refusal(error) : false;
      }
      const framer = createFramer({ contentType: stream.headers['content-type'] });
      for await (const chunk of stream.body) {
        awake();
        for (const part of framer.push(chunk)) if (!(await take(part))) return false;
      }
      for (const part of framer.end()) if (!(await take(part))) return false;
      throw operationalError('E_STREAM_ENDED', 'The device ended its stream of temperatures');
    } catch (thrown) {
      throw over.signal.aborted ? over.signal.reason : thrown;
    } finally {
      (watch as Timer | null)?.cancel();
      (due as Timer | null)?.cancel();
      if (!over.signal.aborted) over.abort(operationalError('E_STREAM_ENDED', 'The stream of temperatures is over'));
    }
  }

  async function tell(channel: number, readings: Reading[]): Promise<void> {
    for (let i = 0; i < readings.length; i += MOST_REGIONS) {
      const some = readings.slice(i, i + MOST_REGIONS);
      await options.deliver(readingDraft(channel, some, names, options.timeZone));
    }
  }

  return whileOnline(run, log, 'hikvision.temperatures-stopped');
}

/** False: the device has not got it. What may pass is thrown. */
function refusal(error: AlarmflowError): false {
  if (error.family === 'operational') throw error;
  return false;
}

function readingsIn(body: Buffer): Reading[] {
  if (!looksLikeDocument(body)) return [];
  try {
    return readDocuments(body).flatMap(readingsOf).slice(0, MOST_PLACES);
  } catch {
    // One unreadable part is one reading less; the next comes within seconds.
    return [];
  }
}

/** A rule is one place for each preset of a moving camera. */
const placeKey = (reading: Reading): string =>
  JSON.stringify([reading.temperature.preset ?? 0, reading.rule ?? '', reading.rule === undefined ? reading.name : '']);

interface PlaceNames {
  of(reading: Reading): string | undefined;
}

/** Places go by the names of their rules; where two rules have the same name, the later gets its number behind it. */
function createPlaceNames(): PlaceNames {
  const owners = new Map<string, string>();
  return {
    of(reading) {
      const name = reading.name?.slice(0, 100);
      if (name === undefined) return reading.rule?.slice(0, 100);
      const key = placeKey(reading);
      const owner = owners.get(name);
      if (owner === undefined && owners.size < MOST_PLACES) owners.set(name, key);
      if (owner === undefined || owner === key) return name;
      const preset = reading.temperature.preset === undefined ? '' : `, preset ${reading.temperature.preset}`;
      return `${name} (${reading.rule ?? '?'}${preset})`;
    },
  };
}

function readingDraft(channel: number, readings: Reading[], names: PlaceNames, zone: string | null): EventDraft {
  const regions = readings.map(
    (reading): EventRegion => dropAbsent({ id: names.of(reading), temperature: reading.temperature }),
  );
  const hottest = readings.reduce((a, b) => ((b.temperature.value ?? 0) > (a.temperature.value ?? 0) ? b : a));
  const times = readings.map((r) => r.time).filter((t) => t !== undefined);
  const deviceTime = times.at(-1)?.slice(0, 64) ?? null;
  return {
    type: 'temperature-reading',
    vendorType: 'ThermometryUpload',
    phase: 'pulse',
    channel,
    temperature: hottest.temperature,
    regions,
    deviceTime,
    deviceAt: deviceTime === null ? null : parseDeviceTime(deviceTime, zone),
    raw: JSON.stringify(readings).slice(0, RAW_LIMIT),
  };
}
