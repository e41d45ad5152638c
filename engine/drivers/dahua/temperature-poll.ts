import { type Clock, sleepOrStop } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../../domain/errors';
import type { EventDraft, EventRegion, EventTemperature, TemperatureUnit } from '../../domain/events';
import type { Log } from '../../domain/log';
import { backoff, type WhileOnline, whileOnline } from '../wire';
import { readTable } from './answer';
import type { WireData } from './event-text';
import { withoutGaps } from './fields';
import type { MeasuringPlace } from './measuring-places';
import { temperatureIn } from './thermal';

export interface TemperaturePollOptions {
  /** The places that there are now. */
  places(signal: AbortSignal): Promise<MeasuringPlace[]>;
  /** The device's answer for one place. Throws why there is none. */
  ask(place: MeasuringPlace, signal: AbortSignal): Promise<string>;
  /** Time between two rounds, milliseconds. */
  everyMs: number;
  /** What the numbers are, whatever the device calls them; null: as it says. */
  unit: TemperatureUnit | null;
  deliver(draft: EventDraft): Promise<void> | void;
  clock: Clock;
  log: Log;
}

/**
 * Asks a thermal device for the temperatures of its places all the time (PROTOCOLS §2.4): it tells them of its own
 * accord only when its own rule alarms. Each round one event for each channel, with a region for each place.
 */
export type TemperaturePoll = WhileOnline;

/** Rules may have been changed on the device meanwhile. */
const PLACES_FRESH_MS = 5 * 60_000;
/** A device that has no such thing, or nothing to measure, is asked again after this. */
const AGAIN_MS = 5 * 60_000;
/** Between two rounds of a device that takes longer for one than is between two. */
const LEAST_PAUSE_MS = 250;
const RAW_LIMIT = 16 * 1024;

interface Reading {
  place: MeasuringPlace;
  temperature: EventTemperature;
  raw: string;
}

export function createTemperaturePoll(options: TemperaturePollOptions): TemperaturePoll {
  const { clock, log } = options;
  let told = false;
  const refused = new Set<string>();

  async function run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    let places: MeasuringPlace[] = [];
    let placesAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const begun = clock.monotonic();
      let pause: number;
      try {
        if (begun - placesAt >= PLACES_FRESH_MS) {
          places = await options.places(signal);
          placesAt = begun;
        }
        places = await round(places, signal);
        attempt = 0;
        if (places.length === 0) sayNothingThere();
        pause = places.length === 0 ? AGAIN_MS : Math.max(LEAST_PAUSE_MS, begun + options.everyMs - clock.monotonic());
        if (places.length === 0) placesAt = Number.NEGATIVE_INFINITY;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asAlarmflowError(thrown);
        log.debug('dahua.temperatures-not-read', { reason: error.message });
        pause = Math.max(backoff(attempt++), error.retryAfterMs ?? 0);
      }
      await sleepOrStop(clock, pause, signal);
    }
  }

  /** One reading of each place; answers with the places that the device knows. Throws where it told none at all. */
  async function round(places: readonly MeasuringPlace[], signal: AbortSignal): Promise<MeasuringPlace[]> {
    const known: MeasuringPlace[] = [];
    const readings: Reading[] = [];
    let trouble: AlarmflowError | null = null;
    for (const place of places) {
      try {
        const raw = await options.ask(place, signal);
        const temperature = temperatureOf(raw, place, options.unit);
        if (temperature) readings.push({ place, temperature, raw });
        known.push(place);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const error = asAlarmflowError(thrown);
        if (error.family === 'user') {
          // Asked again from time to time, said once.
          const said = refused.has(place.name);
          refused.add(place.name);
          log[said ? 'debug' : 'warn']('dahua.place-not-measured', {
            place: place.name,
            channel: place.channel,
            reason: error.message,
          });
          continue;
        }
        if (error.retryAfterMs !== undefined && error.code === 'E_CREDENTIALS_REFUSED') throw error;
        known.push(place);
        trouble ??= error;
      }
    }
    for (const channel of new Set(readings.map((r) => r.place.channel)))
      await options.deliver(
        readingDraft(
          channel,
          readings.filter((r) => r.place.channel === channel),
        ),
      );
    if (readings.length === 0 && trouble) throw trouble;
    return known;
  }

  function sayNothingThere(): void {
    if (told) return;
    told = true;
    log.warn('dahua.no-temperatures', {
      remedy: 'Set up temperature measuring rules on the device, or name points in its dialog',
    });
  }

  return whileOnline(run, log, 'dahua.temperatures-stopped');
}

/** What an answer of RadiometryManager.cgi tells, its names in any spelling; undefined: no temperature. */
export function temperatureOf(
  text: string,
  place: Pick<MeasuringPlace, 'calibration'>,
  unit: TemperatureUnit | null,
): EventTemperature | undefined {
  const inner: Record<string, string> = Object.create(null) as Record<string, string>;
  // `TempInfo.TemperMax`, `pointTempInfo.TemperAver`: what stands in front of the last name differs by model.
  for (const [key, value] of readTable(text)) {
    const name = key.slice(key.lastIndexOf('.') + 1);
    // The kind of the place is no result.
    if (/^\w{1,60}$/.test(name) && name !== 'Type') inner[name] = value;
  }
  const found = temperatureIn({ TempInfo: { ...inner } } satisfies WireData);
  if (!found || found.value === undefined) return undefined;
  return withoutGaps({ ...found, unit: unit ?? found.unit, calibration: place.calibration });
}

function readingDraft(channel: number, readings: readonly Reading[]): EventDraft {
  const regions = readings.map(({ place, temperature }): EventRegion => ({ id: place.name, temperature }));
  const heat = ({ temperature }: Reading): number => temperature.maximum ?? temperature.value ?? 0;
  const hottest = readings.reduce((a, b) => (heat(b) > heat(a) ? b : a));
  return {
    type: 'temperature-reading',
    vendorType: 'RadiometryManager',
    phase: 'pulse',
    channel,
    temperature: hottest.temperature,
    regions,
    deviceTime: null,
    deviceAt: null,
    raw: readings
      .map(({ place, raw }) => `${place.name}\n${raw}`)
      .join('\n\n')
      .slice(0, RAW_LIMIT),
  };
}
