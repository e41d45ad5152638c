import type { Timer } from '../../clock/clock';
import type { DeviceFacts, DeviceOffers, ReceivedEvent } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { createFormerSettings } from '../former-settings';
import { createWatchedPtz } from '../ptz-watch';
import { createDeviceHttp, type FramedPart, orOtherProtocol } from '../wire';
import { liveStreamAt, wantsSecondStream } from '../wire/live-stream';
import { errorIn, listIn, readTable, textOf } from './answer';
import { createCgi } from './cgi';
import { createDeviceClock } from './device-clock';
import { createEventStream, type StreamTiming } from './event-stream';
import { configOf, probeDevice, type QuestionOptions, readDeviceTime } from './identity';
import { type LockState, readLockState } from './lock-state';
import { placesOfPoints, placesOfRules } from './measuring-places';
import { readOffers } from './offers';
import { pointsIn, readDahuaOptions } from './options';
import { createOutputs, openAtRestIn } from './outputs';
import { createPictures } from './pictures';
import { gotoPreset } from './presets';
import { createPtz } from './ptz';
import { createPtzReader } from './ptz-position';
import { createReader, type Finding } from './reader';
import { createStateWatch } from './state-watch';
import { createSwitches } from './switches';
import { createTemperaturePoll } from './temperature-poll';

/** A stream that is lost and back within this time was never away. */
const GRACE_MS = 3_000;
/** Events under way to the record before the stream is read no further. */
const MOST_UNDER_WAY = 256;
const PROBE_TIMEOUT_MS = 60_000;
/** An answer of any other kind is a sign of life. */
const noSignOfLife: ReadonlySet<string> = new Set(['E_DEVICE_OFFLINE', 'E_DEVICE_TIMEOUT', 'E_CREDENTIALS_REFUSED']);

/** The device is there but doesn't let us in; only a person can mend that. */
const loginErrors: ReadonlySet<string> = new Set([
  'E_CREDENTIALS_REFUSED',
  'E_CREDENTIALS_MISSING',
  'E_DEVICE_LOGIN',
  'E_LOW_PRIVILEGE',
]);

/** Opens the connection to one device of the Dahua line (PROTOCOLS §2). Nothing moves before `start`. */
export function connectDahua(context: DriverContext, timing: StreamTiming): DriverConnection {
  const { definition, sink, clock } = context;
  const log = context.log.with({ deviceId: definition.id });
  const { name, timeZone } = definition;
  const address = `${definition.host}:${definition.port}`;
  const settings = readDahuaOptions(definition.options ?? {});
  const closing = new AbortController();
  const deviceClock = createDeviceClock();
  let facts: DeviceFacts | null = null;
  let probing: Promise<void> | null = null;
  let probeAgain: Timer | null = null;
  let online = false;
  let grace: Timer | null = null;
  /** The device has no getEventIndexes; not asked again on this connection. */
  let indexesMissing = false;

  const http = createDeviceHttp({
    host: definition.host,
    port: definition.port,
    tls: definition.tls,
    allowSelfSigned: definition.allowSelfSigned,
    credentials: definition.credentials,
    digestOnly: context.digestOnly === true,
    clock,
    log,
    onLocked: (until) => sink.lockedUntil(until),
    refusals: context.refusals,
  });
  const cgi = createCgi(http);
  const outputs = createOutputs(cgi, name, clock);
  const pictures = createPictures(cgi, name, clock);
  const moves = createWatchedPtz({
    gotoPreset: (channel, preset, signal) => gotoPreset(cgi, name, channel, preset, signal),
    ptz: createPtz(cgi, name),
    reader: createPtzReader(cgi, name),
    clock,
    log,
  });
  const switches = createSwitches({
    cgi,
    deviceName: name,
    normalRecordMode: settings.normalRecordMode,
    former: createFormerSettings(context.former, log),
    clock,
    log,
    closing: closing.signal,
  });
  const question = (signal: AbortSignal): QuestionOptions => ({ cgi, name, timeZone, clock, log, signal });

  const reader = createReader({
    setting: () => ({
      timeZone,
      nears: deviceClock.nears(clock.now()),
      channels: facts?.channels ?? null,
      inputs: facts?.inputs ?? null,
    }),
    judge: (draft) => deviceClock.judge(draft.deviceTime, draft.deviceAt, placeOfDraft(draft), clock.now()),
    at: () => clock.monotonic(),
  });

  const states = createStateWatch({
    conditions: reader.conditions,
    indexes: readIndexes,
    inputs: () => outputs.readInputs(closing.signal),
    openAtRest: async () => openAtRestIn(await configOf(question(closing.signal), 'Alarm')),
    counts: () => ({ channels: facts?.channels ?? null, inputs: facts?.inputs ?? null }),
    deliver: (draft) => deliver({ kind: 'event', draft, late: false, clockSuspect: false }),
    clock,
    log,
  });

  const temperatures = settings.temperatures
    ? createTemperaturePoll({
        async places(signal) {
          const rules = placesOfRules(await configOf(question(signal), 'ThermometryRule'));
          return [...rules, ...placesOfPoints(pointsIn(settings.points), settings.thermalChannel)];
        },
        ask: (place, signal) =>
          cgi.text(
            { name: 'RadiometryManager', parameters: place.parameters, signal, timeoutMs: 5_000 },
            `Temperature of "${place.name}" of "${name}"`,
          ),
        everyMs: settings.temperatureSeconds * 1_000,
        unit: settings.temperatureUnit === 'device' ? null : settings.temperatureUnit,
        async deliver(draft) {
          deliver({ kind: 'event', draft, late: false, clockSuspect: false });
          // A reading that can't be kept in time is slowed down where it is asked for.
          while (underWay.size > MOST_UNDER_WAY) await Promise.race(underWay);
        },
        clock,
        log,
      })
    : null;

  async function readIndexes(code: string): Promise<number[] | null> {
    if (indexesMissing) return null;
    const response = await cgi.send({
      name: 'eventManager',
      parameters: [
        ['action', 'getEventIndexes'],
        ['code', code],
      ],
      signal: closing.signal,
    });
    const text = textOf(response.body);
    // "Error" in a 200 is the device's word for "none"; any other refusal says that it can't be asked.
    if (response.status === 200 && /^error\s*$/i.test(text)) return [];
    const error = errorIn(response, `State of ${code} of "${name}"`);
    if (error) {
      if (error.code === 'E_NOT_SUPPORTED') indexesMissing = true;
      return null;
    }
    return [...listIn(readTable(text), 'channels', '').values()].filter((v) => /^\d{1,5}$/.test(v)).map(Number);
  }

  // ---- what comes on the stream ----

  const underWay = new Set<Promise<unknown>>();

  function deliver({ draft, late, clockSuspect }: Extract<Finding, { kind: 'event' }>): void {
    const kept = sink
      .event({ draft, pictures: [], receivedAt: clock.now(), late, clockSuspect })
      .catch((thrown: unknown) => {
        log.error('dahua.event-not-kept', { type: draft.type, error: asAlarmflowError(thrown).message });
      });
    underWay.add(kept);
    kept.finally(() => underWay.delete(kept));
  }

  async function take(part: FramedPart): Promise<void> {
    if (part.kind === 'part')
      context.tap?.({
        at: clock.now(),
        contentType: part.contentType || null,
        bytes: Buffer.concat([part.body, partEnd]),
      });
    for (const finding of reader.read(part)) {
      switch (finding.kind) {
        case 'event':
          deliver(finding);
          if (!finding.late) states.seen(finding.draft);
          break;
        case 'heartbeat':
          stream.heartbeat();
          break;
        case 'notice':
          log.info('dahua.notice', { text: finding.text });
          if (finding.readClock) measureClock();
          break;
        case 'fault':
          log.warn('dahua.bad-part', { reason: finding.reason, bytes: finding.bytes });
          break;
      }
    }
    // A flood is slowed down where it comes from: TCP holds the device back.
    while (underWay.size > MOST_UNDER_WAY) await Promise.race(underWay);
  }

  const stream = createEventStream({
    http,
    cgi,
    clock,
    log,
    timing,
    heartbeatSeconds: settings.heartbeatSeconds,
    ask,
    onOpen() {
      deviceClock.reconnected(clock.now());
      isOnline();
      states.connected();
    },
    onBytes: () => sink.seen(clock.now()),
    onPart: take,
    onLost(error, dead) {
      reader.conditions.connectionLost(clock.monotonic());
      states.disconnected();
      isLost(error, dead);
    },
    async lockedFor(error) {
      const lock = await readLockState(definition, clock, log, closing.signal);
      if (!lock) return 0;
      sink.link('refused', `${error.message} ${lock.words}`);
      if (lock.unlockMs > 0) sink.lockedUntil(clock.now() + lock.unlockMs);
      return lock.unlockMs;
    },
  });

  /** Any HTTP answer but a refused login is a sign of life; only silence and a closed door are none. */
  async function ask(signal: AbortSignal, timeoutMs: number): Promise<void> {
    const limit = deadline(timeoutMs);
    try {
      await readClock(AbortSignal.any([signal, limit.signal]));
    } catch (thrown) {
      const error = asAlarmflowError(limit.signal.aborted ? limit.signal.reason : thrown);
      if (noSignOfLife.has(error.code)) throw error;
    } finally {
      limit.cancel();
    }
  }

  // ---- link ----

  function isOnline(): void {
    grace?.cancel();
    grace = null;
    online = true;
    sink.seen(clock.now());
    sink.link('online', 'Event stream open');
    temperatures?.connected();
    learnDevice();
  }

  function isLost(error: AlarmflowError, dead: boolean): void {
    if (loginErrors.has(error.code)) {
      grace?.cancel();
      grace = null;
      online = false;
      temperatures?.lost();
      sink.link('refused', error.message);
      return;
    }
    const offline = (): void => {
      grace?.cancel();
      grace = null;
      online = false;
      temperatures?.lost();
      sink.link('offline', `${address}: ${error.message}`);
    };
    // While the grace of a loss runs, it decides; a silent device has had its time already.
    if (dead || (!online && !grace)) {
      offline();
      return;
    }
    grace ??= clock.after(GRACE_MS, offline);
  }

  // ---- who it is, and what its clock shows ----

  function learnDevice(): void {
    probing ??= (async () => {
      const limit = deadline(PROBE_TIMEOUT_MS);
      try {
        await readClock(limit.signal);
        if (facts) return;
        facts = await probeDevice(question(limit.signal));
        sink.facts(facts);
        states.learnt();
      } catch (thrown) {
        // Events and actions do without, but inputs that an earlier run left open wait for their number.
        if (!closing.signal.aborted) {
          log.info('dahua.probe-failed', { reason: asAlarmflowError(thrown).message });
          learnLater();
        }
      } finally {
        limit.cancel();
        probing = null;
      }
    })();
  }

  function learnLater(): void {
    probeAgain?.cancel();
    const ask = (): void => {
      if (online && !facts) learnDevice();
    };
    probeAgain = clock.after(timing.learnAgainMs, ask, { background: true });
  }

  async function readClock(signal: AbortSignal): Promise<void> {
    const deviceAt = await readDeviceTime(question(signal));
    if (deviceAt === null || !deviceClock.measured(deviceAt, clock.now())) return;
    const offset = deviceClock.offset();
    if (offset !== null) sink.clockOffset(offset);
  }

  function measureClock(): void {
    const limit = deadline(PROBE_TIMEOUT_MS);
    readClock(limit.signal)
      .catch((thrown: unknown) => {
        log.debug('dahua.clock-not-read', { reason: asAlarmflowError(thrown).message });
      })
      .finally(() => limit.cancel());
  }

  /** A signal that aborts after the time, or when the connection is being closed. */
  function deadline(ms: number): { signal: AbortSignal; cancel(): void } {
    const limit = new AbortController();
    const stop = (): void => limit.abort(closing.signal.reason);
    const timer = clock.after(
      ms,
      () => limit.abort(operationalError('E_DEVICE_TIMEOUT', `No answer within ${ms} ms`)),
      { background: true },
    );
    if (closing.signal.aborted) stop();
    else closing.signal.addEventListener('abort', stop, { once: true });
    return {
      signal: limit.signal,
      cancel() {
        timer.cancel();
        closing.signal.removeEventListener('abort', stop);
      },
    };
  }

  return {
    id: definition.id,
    name,
    start() {
      sink.link('connecting', `Connecting to ${address}`);
      stream.start();
    },

    push(): Promise<ReceivedEvent[]> {
      return Promise.reject(
        userError(
          'E_BAD_PUSH',
          `"${name}" reports over its event stream; nothing is pushed to alarmflow by this kind of device`,
        ),
      );
    },

    async probe(signal): Promise<DeviceFacts> {
      try {
        facts = await probeDevice(question(signal));
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        const lock =
          error.code === 'E_CREDENTIALS_REFUSED' ? await readLockState(definition, clock, log, signal) : null;
        throw lock ? accountLocked(name, lock) : await orOtherProtocol(error, { definition, clock, log, signal });
      }
      sink.facts(facts);
      return facts;
    },

    offers: (signal): Promise<DeviceOffers> => readOffers(question(signal)),

    setOutput: outputs.set,
    readOutput: outputs.read,
    snapshot: pictures.snapshot,
    ...moves,
    // HTTP API, chapter "Get real-time stream": channels from 1, subtype 0 main, 1 extra stream.
    liveStream: async (channel) =>
      liveStreamAt(definition, `/cam/realmonitor?channel=${channel}&subtype=${wantsSecondStream(definition) ? 1 : 0}`),
    setSwitch: switches.set,
    readSwitch: switches.read,

    async close() {
      closing.abort(operationalError('E_CLOSED', `The connection to "${name}" is being closed`));
      grace?.cancel();
      probeAgain?.cancel();
      states.close();
      switches.close();
      http.close();
      await Promise.all([stream.close(), temperatures?.close(), probing]);
    },
  };
}

/** The line ends behind a part's body belong to it: without them captured parts would run into one another. */
const partEnd = Buffer.from('\r\n\r\n');

const placeOfDraft = ({ channel, input, output }: Omit<EventDraft, 'phase'>): string =>
  `${channel ?? ''}/${input ?? ''}/${output ?? ''}`;

const accountLocked = (name: string, lock: LockState): AlarmflowError =>
  operationalError(
    'E_ACCOUNT_LOCKED',
    `"${name}" refuses the login. ${lock.words} Wait, or unlock it on the device; then check user and password here`,
    { retryAfterMs: lock.unlockMs },
  );
