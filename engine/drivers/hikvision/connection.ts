import { parseHttpDate, type Timer } from '../../clock/clock';
import type { DeviceFacts, DeviceOffers, PushRequest, ReceivedEvent } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { createFormerSettings } from '../former-settings';
import { createWatchedPtz } from '../ptz-watch';
import { askingOnly, createDeviceHttp, type FramedPart } from '../wire';
import { liveStreamAt, wantsSecondStream } from '../wire/live-stream';
import { createIsapiActions } from './actions';
import { createAlertStream, type StreamTiming } from './alert-stream';
import { type AskOptions, askIf } from './ask';
import { cameraStatesIn, createCameraWatch } from './camera-watch';
import { capturedPart } from './captured-part';
import { type ClockSource, createDeviceClock } from './device-clock';
import { diagnose } from './diagnosis';
import { createInputWatch, inputStatesIn } from './input-watch';
import { createIsapiCalls } from './isapi-calls';
import { setUpListening } from './listening';
import { readLockState } from './lock-state';
import { readOffers } from './offers';
import { eventFilterOf, isWanted, readHikvisionOptions } from './options';
import { createPresence } from './presence';
import { type Probed, probeDevice, readDeviceTime } from './probe';
import { createPtz } from './ptz';
import { createPtzReader } from './ptz-position';
import { readPush } from './push';
import { createReader, type Finding } from './reader';
import { createSubscription, SUBSCRIBE_CAPABILITY } from './subscription';
import { createSwitches } from './switches';
import { createTemperatureFeed } from './temperature-feed';
import { dropAbsent } from './thermal';

/** A stream that is lost and back within this time was never away (recorders close theirs every 40 s, §1.2). */
const GRACE_MS = 3_000;
/** Events under way to the record before the stream is read no further. */
const MOST_UNDER_WAY = 256;
/** Asking who it is again, when it didn't work or the device may have been replaced. */
const PROBE_TIMEOUT_MS = 30_000;
const UNSUBSCRIBE_MS = 400;
/** What was open when the device went away, and is not told again, is over after this. */
const UNKNOWN_QUIET_MS = 60_000;
/** Alarm inputs that are read one by one after a connection, where the device has no list of their states. */
const MOST_INPUTS_ASKED = 32;

/** The device is there but doesn't let us in; only a person can mend that. */
const loginErrors: ReadonlySet<string> = new Set([
  'E_CREDENTIALS_REFUSED',
  'E_CREDENTIALS_MISSING',
  'E_DEVICE_LOGIN',
  'E_LOW_PRIVILEGE',
]);

/** Opens the connection to one Hikvision or HIKMICRO device (PROTOCOLS §1). Nothing moves before `start`. */
export function connectHikvision(context: DriverContext, timing: StreamTiming): DriverConnection {
  const { definition, sink, clock } = context;
  const log = context.log.with({ deviceId: definition.id });
  const { name, timeZone } = definition;
  const address = `${definition.host}:${definition.port}`;
  const pushes = definition.receive === 'push';
  const closing = new AbortController();
  const deviceClock = createDeviceClock();
  let probed: Probed | null = null;
  let probing: Promise<void> | null = null;
  let probeAgain: Timer | null = null;
  let online = false;
  /** The device has answered a question with this login since the stream was last open. */
  let loginTaken = false;
  let grace: Timer | null = null;

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
    onClockDate(header) {
      const at = parseHttpDate(header);
      if (at !== null) clockMeasured('date-header', at);
    },
  });
  const settings = readHikvisionOptions(definition.options ?? {});
  const filter = eventFilterOf(settings);
  /** Cameras' ports have numbers of their own row, from 101; until the recorder was asked that has to do. */
  const isCameraPort = (id: string, side: 'inputs' | 'outputs'): boolean => {
    if (!probed) return Number(id) > 100;
    const { inventory } = probed;
    const ofCameras = side === 'inputs' ? inventory.cameraInputs : inventory.cameraOutputs;
    return ofCameras.some((port) => port.id === id) && !inventory[side].some((port) => port.id === id);
  };
  const actions = createIsapiActions(http, name, clock, {
    isCameraInput: (id) => isCameraPort(id, 'inputs'),
    isCameraOutput: (id) => isCameraPort(id, 'outputs'),
  });
  const calls = createIsapiCalls(http);
  const moves = createWatchedPtz({
    gotoPreset: actions.gotoPreset,
    ptz: createPtz({ calls, deviceName: name, gotoPreset: actions.gotoPreset }),
    reader: createPtzReader(createIsapiCalls(askingOnly(http)), name),
    clock,
    log,
  });
  const switches = createSwitches({
    http,
    deviceName: name,
    normalLight: settings.normalLight,
    former: createFormerSettings(context.former, log),
    clock,
    log,
    closing: closing.signal,
  });
  const question = (signal: AbortSignal): AskOptions => ({ http, name, clock, log, signal });

  function clockMeasured(source: ClockSource, deviceAt: number): void {
    if (!deviceClock.measured(source, deviceAt, clock.now())) return;
    const offset = deviceClock.offset();
    if (offset !== null) sink.clockOffset(offset);
  }

  const reader = createReader({
    setting: () => ({
      timeZone,
      channels: probed?.channels ?? null,
      family: probed?.family ?? null,
      near: clock.now() + (deviceClock.offset() ?? 0),
    }),
    judge: (draft) => deviceClock.judge(draft, clock.now()),
    at: () => clock.monotonic(),
    isWatched: (draft) => draft.type === 'digital-input' && inputs.reads(draft.input),
  });

  const inputs = createInputWatch({
    phases: reader.phases,
    read: (input) => actions.readInput(input, closing.signal),
    async readAll() {
      const root = await askIf(question(closing.signal), '/ISAPI/System/IO/status');
      const states = root ? inputStatesIn(root) : new Map<string, boolean>();
      const { inputs: own, cameraInputs } = probed?.inventory ?? { inputs: [], cameraInputs: [] };
      for (const { id } of [...own, ...cameraInputs]
        .filter((port) => !states.has(port.id))
        .slice(0, MOST_INPUTS_ASKED)) {
        const state = await actions.readInput(id, closing.signal);
        // One that isn't told speaks for all: the device has no such thing.
        if (state === null) break;
        states.set(id, state);
      }
      return states;
    },
    clock,
    log,
    deliver: (draft) => {
      if (!isWanted(filter, draft)) return;
      deliver({ kind: 'event', draft, late: false, clockSuspect: false });
    },
  });

  const cameras = createCameraWatch({
    async read() {
      const root = await askIf(question(closing.signal), '/ISAPI/ContentMgmt/InputProxy/channels/status');
      return root && cameraStatesIn(root);
    },
    nameOf: (channel) => probed?.channels.names.get(channel),
    deliver: (draft) => {
      deliver({ kind: 'event', draft, late: false, clockSuspect: false });
    },
    changed() {
      probed = null;
      learnDevice();
    },
    clock,
    log,
    everyMs: settings.cameraSeconds * 1000,
  });

  /** The feed has a stream beside that of the alerts, and so a client of its own. It logs in only after the other. */
  const feedHttp = settings.temperatures
    ? createDeviceHttp({
        host: definition.host,
        port: definition.port,
        tls: definition.tls,
        allowSelfSigned: definition.allowSelfSigned,
        credentials: definition.credentials,
        digestOnly: context.digestOnly === true,
        clock,
        log,
        onLocked: () => undefined,
        // What this stream alone is refused must not count as the login's.
        refusals: context.refusals && { ...context.refusals, refused: () => undefined, accepted: () => undefined },
        maxSockets: 1,
      })
    : null;
  const temperatures =
    feedHttp &&
    createTemperatureFeed({
      stream: (path, signal) => feedHttp.stream({ path, signal }),
      get: (path, signal) => http.request({ method: 'GET', path, signal, timeoutMs: 5_000 }),
      channels: () => (settings.thermalChannel > 0 ? [settings.thermalChannel] : [2, 1]),
      everyMs: settings.temperatureSeconds * 1000,
      timeZone,
      async deliver(draft) {
        const named = withChannelName(draft);
        if (!isWanted(filter, named)) return;
        deliver({ kind: 'event', draft: named, late: false, clockSuspect: false });
        // A reading that can't be kept in time is slowed down at the device.
        while (underWay.size > MOST_UNDER_WAY) await Promise.race(underWay);
      },
      onPart: capture,
      clock,
      log,
    });

  const withChannelName = (draft: EventDraft): EventDraft => {
    const channelName = draft.channel === undefined ? undefined : probed?.channels.names.get(draft.channel);
    return channelName === undefined ? draft : { ...draft, channelName };
  };

  /** Hands a part on to whoever captures, with a head of its own, so that captured parts can be told apart again. */
  function capture(part: FramedPart): void {
    if (part.kind === 'part') context.tap?.(capturedPart(part, clock.now()));
  }

  // ---- what comes on the stream ----

  const underWay = new Set<Promise<unknown>>();
  let lastEvent: Promise<string> | null = null;
  let strayPictures = 0;
  let unwanted = false;

  function deliver(finding: Extract<Finding, { kind: 'event' }>): Promise<string> {
    const { draft, late, clockSuspect } = finding;
    const id = sink.event({ draft, pictures: [], receivedAt: clock.now(), late, clockSuspect });
    track(
      id.catch((thrown: unknown) => {
        log.error('hikvision.event-not-kept', { type: draft.type, error: asAlarmflowError(thrown).message });
      }),
    );
    return id;
  }

  function track(work: Promise<unknown>): void {
    underWay.add(work);
    work.finally(() => underWay.delete(work));
  }

  async function take(part: FramedPart): Promise<void> {
    capture(part);
    for (const finding of reader.read(part)) {
      switch (finding.kind) {
        case 'event':
          // Pictures behind an event that nobody wants are left out with it.
          if (!isWanted(filter, finding.draft)) {
            lastEvent = null;
            unwanted = true;
            break;
          }
          unwanted = false;
          lastEvent = deliver(finding);
          if (!finding.late) inputs.seen(finding.draft);
          break;
        case 'heartbeat':
          stream.heartbeat();
          if (finding.deviceAt !== null) clockMeasured('heart-beat', finding.deviceAt);
          break;
        case 'picture':
          takePicture(finding);
          break;
        case 'notice':
          log.info('hikvision.notice', { text: finding.text });
          break;
        case 'fault':
          log.warn('hikvision.bad-part', { reason: finding.reason, bytes: finding.bytes });
          break;
      }
    }
    // A flood is slowed down where it comes from: TCP holds the device back.
    while (underWay.size > MOST_UNDER_WAY) await Promise.race(underWay);
  }

  function takePicture(picture: Extract<Finding, { kind: 'picture' }>): void {
    const owner = lastEvent;
    if (!owner && unwanted) return;
    if (!owner) {
      strayPictures++;
      log.warn('hikvision.picture-without-alert', { size: picture.bytes.length, strayPictures });
      return;
    }
    const { contentType, bytes, name: fileName } = picture;
    track(
      owner
        .then((id) => sink.pictures(id, [{ contentType, bytes, name: fileName }]))
        .catch((thrown: unknown) => {
          log.error('hikvision.picture-not-kept', { error: asAlarmflowError(thrown).message });
        }),
    );
  }

  const subscription = createSubscription({
    mode: settings.eventSource,
    heartbeatSeconds: settings.heartbeatSeconds,
    filter,
    async capability(signal) {
      const found = await askIf(question(signal), SUBSCRIBE_CAPABILITY);
      loginTaken = true;
      return found;
    },
    log,
  });

  const stream = createAlertStream({
    http,
    clock,
    log,
    timing,
    subscription,
    onOpen() {
      lastEvent = null;
      unwanted = false;
      loginTaken = false;
      const wasAway = !online;
      isOnline('Alert stream open');
      inputs.connected();
      if (wasAway) leaveUnknown();
    },
    onBytes: () => sink.seen(clock.now()),
    onPart: take,
    onLost(error, dead) {
      reader.phases.connectionLost();
      deviceClock.reconnected();
      isLost(error, dead);
    },
    lockedFor: streamRefused,
  });

  const presence = createPresence({
    http,
    clock,
    onAlive() {
      sink.seen(clock.now());
      if (!online) isOnline('Answers; its events come by push');
    },
    onGone: (error) => isLost(error, true),
    lockedFor: lockTime,
  });

  // ---- link ----

  function isOnline(detail: string): void {
    grace?.cancel();
    grace = null;
    online = true;
    sink.seen(clock.now());
    sink.link('online', detail);
    temperatures?.connected();
    learnDevice();
  }

  function isLost(error: AlarmflowError, dead: boolean): void {
    if (loginErrors.has(error.code)) {
      grace?.cancel();
      grace = null;
      online = false;
      cameras.lost();
      temperatures?.lost();
      sink.link('refused', error.message);
      return;
    }
    const offline = (): void => {
      online = false;
      cameras.lost();
      temperatures?.lost();
      sink.link('offline', `${address}: ${error.message}`);
    };
    // While the grace of a loss runs, it decides; a silent device has had its time already.
    if (!online || dead) {
      if (grace && !dead) return;
      grace?.cancel();
      grace = null;
      offline();
      return;
    }
    if (grace) return;
    grace = clock.after(GRACE_MS, () => {
      grace = null;
      offline();
    });
  }

  /** How long a refused login must rest: an account that is locked is not knocked at (§1.1). */
  async function lockTime(error: AlarmflowError): Promise<number> {
    const lock = await readLockState(definition, clock, log, closing.signal);
    if (!lock) return 0;
    sink.link('refused', `${error.message} ${lock.words}`);
    if (lock.unlockMs > 0) sink.lockedUntil(clock.now() + lock.unlockMs);
    return lock.unlockMs;
  }

  /**
   * Thermal alarms end by the device alone, and it doesn't tell again what holds (§1.6): an end that fell into the time
   * away would leave them open for ever. Inputs are read instead.
   */
  function leaveUnknown(): void {
    for (const condition of reader.phases.leaveUnknown(UNKNOWN_QUIET_MS, clock.monotonic())) {
      const { type, vendorType = type, channel, rule, quietMs } = condition;
      if (type === 'digital-input') continue;
      const description = 'Unknown since the connection was lost';
      const place = dropAbsent({ channel, rule, quietMs });
      const draft = { type, vendorType, phase: 'refresh' as const, ...place, description };
      deliver({
        kind: 'event',
        draft: withChannelName({ ...draft, deviceTime: null, deviceAt: null, raw: description }),
        late: false,
        clockSuspect: false,
      });
    }
  }

  /** A login that was just taken elsewhere is right: door stations refuse their stream with 401 all the same (§1.2). */
  async function streamRefused(error: AlarmflowError): Promise<number> {
    const ms = await lockTime(error);
    if (ms === 0 && loginTaken)
      sink.link(
        'refused',
        `"${name}" takes the login but refuses its stream of events to this user, as door stations do: let the device push (Receives: push), or give the user the right "Remote: Notify Surveillance Center / Trigger Alarm Output"`,
      );
    return ms;
  }

  // ---- who it is ----

  function learnDevice(): void {
    if (probing) return;
    probing = (async () => {
      const signal = AbortSignal.any([closing.signal, deadline(PROBE_TIMEOUT_MS)]);
      try {
        const options = question(signal);
        const deviceAt = await readDeviceTime(options, timeZone);
        if (deviceAt !== null) clockMeasured('system-time', deviceAt);
        probed ??= await probeDevice(options, timeZone, pushes);
        sink.facts(probed.facts);
        if (online && probed.family === 'recorder') cameras.connected();
        const { inventory } = probed;
        if (online && inventory.inputs.length + inventory.cameraInputs.length > 0) inputs.survey();
      } catch (thrown) {
        // Events and actions do without, but not the numbers of its channels, its inputs and its cameras.
        if (!closing.signal.aborted) {
          log.info('hikvision.probe-failed', { reason: asAlarmflowError(thrown).message });
          learnLater();
        }
      } finally {
        probing = null;
      }
    })();
  }

  function learnLater(): void {
    probeAgain?.cancel();
    const ask = (): void => {
      if (online && !probed) learnDevice();
    };
    probeAgain = clock.after(timing.learnAgainMs, ask, { background: true });
  }

  function deadline(ms: number): AbortSignal {
    const limit = new AbortController();
    const timer = clock.after(
      ms,
      () => limit.abort(operationalError('E_DEVICE_TIMEOUT', `No answer within ${ms} ms`)),
      {
        background: true,
      },
    );
    closing.signal.addEventListener('abort', () => timer.cancel(), { once: true });
    return limit.signal;
  }

  return {
    id: definition.id,
    name,
    start() {
      sink.link('connecting', `Connecting to ${address}`);
      if (definition.receive !== 'push') stream.start();
      else if (definition.credentials) presence.start();
    },

    async push(request: PushRequest): Promise<ReceivedEvent[]> {
      const { events, heartbeats } = readPush(request, reader, log, capture);
      sink.seen(clock.now());
      for (const at of heartbeats) if (at !== null) clockMeasured('heart-beat', at);
      if (definition.receive === 'push' && !online) isPushing();
      const receivedAt = clock.now();
      // Who can log in can ask how an input stands, by whichever way its event came.
      if (definition.credentials)
        for (const { draft, late } of events) if (!late && isWanted(filter, draft)) inputs.seen(draft);
      return events.filter((event) => isWanted(filter, event.draft)).map((event) => ({ ...event, receivedAt }));
    },

    async probe(signal): Promise<DeviceFacts> {
      try {
        probed = await probeDevice(question(signal), timeZone, pushes);
      } catch (thrown) {
        throw await diagnose(asAlarmflowError(thrown), { definition, clock, log, signal });
      }
      sink.facts(probed.facts);
      return probed.facts;
    },

    async offers(signal): Promise<DeviceOffers> {
      probed ??= await probeDevice(question(signal), timeZone, pushes);
      return readOffers({ ...question(signal), probed, switches });
    },

    setUpPush: (url, signal) => setUpListening(createIsapiCalls(http), name, url, signal),

    setOutput: actions.setOutput,
    readOutput: actions.readOutput,
    snapshot: actions.snapshot,
    ...moves,
    // Track 1 is the main stream of a channel, track 2 its second (ISAPI, RTSP chapter).
    liveStream: async (channel) =>
      liveStreamAt(definition, `/Streaming/Channels/${channel}0${wantsSecondStream(definition) ? 2 : 1}`),
    setSwitch: switches.set,
    readSwitch: switches.read,

    async close() {
      await unsubscribe();
      closing.abort(operationalError('E_CLOSED', `The connection to "${name}" is being closed`));
      grace?.cancel();
      probeAgain?.cancel();
      inputs.close();
      cameras.close();
      switches.close();
      http.close();
      feedHttp?.close();
      await Promise.all([stream.close(), presence.close(), temperatures?.close(), probing]);
    },
  };

  /** A device counts its subscriptions: one that is told of its end has room for the next at once. */
  async function unsubscribe(): Promise<void> {
    const path = online ? subscription.endPath() : null;
    if (!path || closing.signal.aborted) return;
    const limit = new AbortController();
    const timer = clock.after(UNSUBSCRIBE_MS, () => limit.abort());
    try {
      await http.request({ method: 'PUT', path, signal: limit.signal, timeoutMs: UNSUBSCRIBE_MS });
    } catch (thrown) {
      // The end of the connection ends it as well, if later.
      log.debug('hikvision.not-unsubscribed', { reason: asAlarmflowError(thrown).message });
    } finally {
      timer.cancel();
    }
  }

  /** A device that may only push, and did. */
  function isPushing(): void {
    online = true;
    sink.link('online', 'Pushes its events');
  }
}
