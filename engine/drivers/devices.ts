import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../clock/clock';
import type {
  ConnectedDevice,
  DeviceDefinition,
  DeviceDirectory,
  DeviceFacts,
  DeviceLink,
  DeviceOffers,
  DevicePlace,
  DevicePlaces,
  DeviceStatus,
  Picture,
  PushAnswer,
  PushRequest,
  PushRules,
  ReceivedEvent,
} from '../domain/devices';
import { noOffers, usualPushRules } from '../domain/devices';
import { asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { EventDraft, EventPhase } from '../domain/events';
import type { Log } from '../domain/log';
import { connectedDevice } from './connected-device';
import { createDeliveryQueue, type DeliveryQueue } from './delivery-queue';
import { createDeliveryShares } from './delivery-shares';
import type { CapturedPart, DeviceDriver, DriverConnection, DriverSink, PushSetUp } from './driver';
import type { FormerSettingsRecord } from './former-settings';
import { mayPushFrom } from './push-from';
import { driverOf } from './registry';
import { isAt, isElsewhere, type Placed, placeOf, visitPlace } from './visit';
import { backoff } from './wire';

export interface DevicesOptions {
  clock: Clock;
  log: Log;
  /**
   * Takes an event; resolves with its id when its consequence is on disk. Called in the device's order. A call with
   * pictures is waited for before the next; others must take their place in line before they first wait.
   */
  onEvent(deviceId: string, received: ReceivedEvent): Promise<string>;
  /** Pictures that followed an event on a stream. */
  onPictures(deviceId: string, eventId: string, pictures: (Picture & { name?: string })[]): Promise<void>;
  onStatus(status: DeviceStatus): void;
  /**
   * A device is removed or found elsewhere from now on, and its connection goes: what is on there is switched off now or
   * never. Waited for, `LEAVE_MS` at most. Absent: nothing is ever on.
   */
  onLeave?(leaving: LeavingDevice, signal: AbortSignal): Promise<void>;
  /** The device's ingest path as the device reaches it; null: not known. Absent: there is none. */
  ingestUrl?(definition: DeviceDefinition): Promise<string | null>;
  /** Keeps what is to be put back on a device over a crash. Absent: nothing is kept. */
  formerOf?(definition: DeviceDefinition): FormerSettingsRecord;
  /** Where drivers come from; the built-in ones unless a test says otherwise. */
  driverOf?(kind: string): DeviceDriver;
}

/** A device at the address that it is about to have no longer. */
export interface LeavingDevice {
  /** By the connection that it had; without one every command is refused by `E_DEVICE_OFFLINE`. */
  device: ConnectedDevice;
  /** `host:port`. */
  address: string;
  place: DevicePlace;
}

/** What became of a push. */
export interface PushResult {
  eventIds: string[];
  /** What the sender is to be answered; null: nothing but that it was taken. */
  answer: PushAnswer | null;
}

/** What a device was told about where to push. */
export interface ToldPush extends PushSetUp {
  /** With the device's token in it. */
  url: string;
}

/** All devices of the flow. */
export interface Devices extends DeviceDirectory, DevicePlaces {
  /** Takes a definition; the same again changes nothing. Throws `E_UNKNOWN_DRIVER`, `E_DEVICE_OPTIONS` (user). */
  define(definition: DeviceDefinition): void;
  remove(id: string): Promise<void>;
  /** Opens the connections; what is defined later opens at once. */
  start(): void;
  status(id: string): DeviceStatus | null;
  statuses(): DeviceStatus[];
  /**
   * A push of a device; resolves when the consequence is on disk. Throws `E_BAD_PUSH`,
   * `E_PUSH_REFUSED`, `E_UNKNOWN_DEVICE` (user), `E_DEVICE_OFFLINE`, `E_EVENT_DROPPED` (operational).
   */
  push(deviceId: string, request: PushRequest): Promise<PushResult>;
  /** How pushes of the device are taken; null: the flow defines no such device. */
  pushRules(id: string): PushRules | null;
  /** Asks a device that need not be defined who it is. */
  test(definition: DeviceDefinition, signal: AbortSignal): Promise<DeviceFacts>;
  /** What there is to choose from, asked of the device; nothing where it cannot tell. `E_DEVICE_OFFLINE` (operational). */
  offers(id: string, signal: AbortSignal): Promise<DeviceOffers>;
  /**
   * Has a device that need not be defined push its events to its ingest path; only when a person asks for it. Throws
   * `E_NOT_SUPPORTED` (user) where it can't be told, `E_NO_PUSH_ADDRESS` (user) where nobody knows under which address
   * it reaches us.
   */
  setUpPush(definition: DeviceDefinition, signal: AbortSignal): Promise<ToldPush>;
  /** The pushes of the device that came last, secrets removed; empty where its driver keeps none. */
  recent(id: string): CapturedPart[];
  /** Hands over every part as it comes, through replacements of the connection; the answer ends it. */
  capture(id: string, take: (part: CapturedPart) => void): () => void;
  close(): Promise<void>;
}

interface Entry {
  definition: DeviceDefinition;
  driver: DeviceDriver;
  connection: DriverConnection | null;
  /** A connection has been opened to where it is now: something may have been switched there. */
  visited: boolean;
  /** Counts connections: what an older one still says no longer counts. */
  turn: number;
  status: DeviceStatus;
  queue: DeliveryQueue;
  /** Whether source-offline and credentials-refused are open; null: not known since the start. */
  offline: boolean | null;
  refused: boolean | null;
  attempts: number;
  restart: Timer | null;
  /** The last replacement of the connection. */
  closing: Promise<void>;
  /** Who captures at the moment. */
  takers: Set<(part: CapturedPart) => void>;
}

/** Longest wait for a connection that is asked to close. */
const CLOSE_MS = 2_000;
/** Longest wait for what is to be switched off before that. */
export const LEAVE_MS = 5_000;

export function createDevices(options: DevicesOptions): Devices {
  const { clock, log, ingestUrl } = options;
  const entries = new Map<string, Entry>();
  const findDriver = options.driverOf ?? driverOf;
  const shares = createDeliveryShares(clock);
  let started = false;

  function entryOf(id: string): Entry {
    const entry = entries.get(id);
    if (entry) return entry;
    throw userError('E_UNKNOWN_DEVICE', `The flow defines no device "${id}": choose one that exists`);
  }

  const placed = ({ definition, driver, status }: Entry): Placed => ({ definition, driver, facts: status.facts });

  const changed = (entry: Entry, change: Partial<DeviceStatus>): void => {
    entry.status = { ...entry.status, ...change };
    try {
      options.onStatus({ ...entry.status });
    } catch (thrown) {
      log.error('device.status-listener-failed', { error: asAlarmflowError(thrown).message });
    }
  };

  // ---- connections; a driver that throws stops itself, never the others ----

  function open(entry: Entry): void {
    const turn = ++entry.turn;
    entry.visited = true;
    try {
      const connection = entry.driver.connect({
        definition: entry.definition,
        sink: sinkOf(entry, turn),
        clock,
        log,
        tap: (part) => captured(entry, part),
        ...(ingestUrl ? { ingestUrl: () => ingestUrl(entry.definition) } : {}),
        ...(options.formerOf ? { former: options.formerOf(entry.definition) } : {}),
      });
      entry.connection = connection;
      connection.start();
    } catch (thrown) {
      failed(entry, thrown);
    }
  }

  function captured(entry: Entry, part: CapturedPart): void {
    for (const take of entry.takers) {
      try {
        take(part);
      } catch (thrown) {
        // Whoever looks on must not disturb what is looked at.
        entry.takers.delete(take);
        log.error('device.capture-failed', {
          deviceId: entry.definition.id,
          error: asAlarmflowError(thrown).message,
        });
      }
    }
  }

  function failed(entry: Entry, thrown: unknown): void {
    const error = asAlarmflowError(thrown);
    const { id, name } = entry.definition;
    log.error('device.driver-failed', { deviceId: id, error: error.message, stack: error.stack });
    const broken = entry.connection;
    entry.connection = null;
    entry.turn++;
    if (broken) closeQuietly(broken, id);
    linkChanged(entry, 'offline', `The driver of "${name}" failed: ${error.message}`);
    const pause = backoff(entry.attempts++);
    entry.restart?.cancel();
    entry.restart = clock.after(
      pause,
      () => {
        entry.restart = null;
        if (started && entries.get(id) === entry) open(entry);
      },
      { background: true },
    );
  }

  async function closeQuietly(connection: DriverConnection, id: string): Promise<void> {
    const limit = new AbortController();
    try {
      const late = clock.sleep(CLOSE_MS, limit.signal).then(() => {
        log.warn('device.close-slow', { deviceId: id });
      });
      // The wait ends by being aborted as soon as the connection is closed.
      late.catch(() => undefined);
      await Promise.race([connection.close(), late]);
    } catch (thrown) {
      log.warn('device.close-failed', { deviceId: id, error: asAlarmflowError(thrown).message });
    } finally {
      limit.abort();
    }
  }

  /** @param left the definition that holds no longer; absent: it is to be found where it was */
  async function shut(entry: Entry, left?: DeviceDefinition): Promise<void> {
    entry.turn++;
    entry.restart?.cancel();
    entry.restart = null;
    const { connection } = entry;
    entry.connection = null;
    if (left && entry.visited) {
      entry.visited = false;
      await leave(entry, left, connection);
    }
    if (connection) await closeQuietly(connection, entry.definition.id);
  }

  /** Nobody switches there by way of the hub any more; the last commands are those of `onLeave`. */
  async function leave(entry: Entry, left: DeviceDefinition, connection: DriverConnection | null): Promise<void> {
    if (!options.onLeave) return;
    const address = `${left.host}:${left.port}`;
    const { detail } = entry.status;
    const limit = new AbortController();
    const end = clock.after(LEAVE_MS, () => limit.abort(tooSlow(left.name, address)));
    const device = connectedDevice(
      left.id,
      () => left.name,
      () => {
        if (connection) return connection;
        throw operationalError('E_DEVICE_OFFLINE', `"${left.name}" at ${address} was not connected: ${detail}`);
      },
    );
    try {
      const place = placeOf({ definition: left, driver: findDriver(left.driver), facts: entry.status.facts });
      await options.onLeave({ device, address, place }, limit.signal);
    } catch (thrown) {
      log.error('device.leave-failed', { deviceId: left.id, address, error: asAlarmflowError(thrown).message });
    } finally {
      end.cancel();
    }
  }

  function sinkOf(entry: Entry, turn: number): DriverSink {
    const id = entry.definition.id;
    const isCurrent = (): boolean => entry.turn === turn;
    return {
      event: (received) => entry.queue.add(received, true),
      pictures: (eventId, pictures) => options.onPictures(id, eventId, pictures),
      link(link, detail) {
        if (isCurrent()) linkChanged(entry, link, detail);
      },
      seen(at) {
        if (isCurrent()) entry.status.lastSeenAt = at;
      },
      clockOffset(ms) {
        if (isCurrent() && ms !== entry.status.clockOffsetMs) changed(entry, { clockOffsetMs: ms });
      },
      lockedUntil(at) {
        if (isCurrent() && at !== entry.status.lockedUntil) changed(entry, { lockedUntil: at });
      },
      facts(facts) {
        if (isCurrent() && !isDeepStrictEqual(facts, entry.status.facts)) changed(entry, { facts });
      },
    };
  }

  // ---- the link, as status and as events ----

  function linkChanged(entry: Entry, link: DeviceLink, detail: string): void {
    const before = entry.status.link;
    if (before === link && entry.status.detail === detail) return;
    const since = before === link ? entry.status.since : clock.now();
    changed(entry, { link, detail, since });
    if (link === 'online' && before !== 'online') {
      entry.attempts = 0;
      // After a restart nobody knows what the last run had left open: its end is told once.
      if (entry.offline !== false) tell(entry, 'source-offline', 'stop', detail);
      if (entry.refused !== false) tell(entry, 'credentials-refused', 'stop', detail);
      entry.offline = false;
      entry.refused = false;
      tell(entry, 'source-online', 'pulse', detail);
    }
    if (link === 'offline' && entry.offline !== true) {
      entry.offline = true;
      tell(entry, 'source-offline', 'start', detail);
    }
    if (link === 'refused' && entry.refused !== true) {
      entry.refused = true;
      // It answers, if only with a refusal.
      if (entry.offline === true) tell(entry, 'source-offline', 'stop', detail);
      entry.offline = false;
      tell(entry, 'credentials-refused', 'start', detail);
    }
  }

  function tell(entry: Entry, type: EventDraft['type'], phase: EventPhase, detail: string): void {
    const draft: EventDraft = {
      type,
      vendorType: 'connection',
      phase,
      description: detail,
      deviceTime: null,
      deviceAt: null,
      raw: JSON.stringify({ connection: entry.status.link, detail }),
    };
    const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
    entry.queue.add(received, true).catch((thrown: unknown) => {
      log.error('device.event-not-kept', {
        deviceId: entry.definition.id,
        type,
        error: asAlarmflowError(thrown).message,
      });
    });
  }

  function create(definition: DeviceDefinition, driver: DeviceDriver): Entry {
    const { id } = definition;
    return {
      definition,
      driver,
      connection: null,
      visited: false,
      turn: 0,
      status: {
        deviceId: id,
        link: 'connecting',
        detail: 'Connecting',
        since: clock.now(),
        lastSeenAt: null,
        clockOffsetMs: null,
        lockedUntil: null,
        facts: null,
      },
      queue: createDeliveryQueue({
        deliver: (received) => options.onEvent(id, received),
        clock,
        log: log.with({ deviceId: id }),
        share: shares.open(),
      }),
      offline: null,
      refused: null,
      attempts: 0,
      restart: null,
      closing: Promise.resolve(),
      takers: new Set(),
    };
  }

  return {
    define(given) {
      const driver = findDriver(given.driver);
      const definition = complete(given, driver);
      const known = entries.get(definition.id);
      if (!known) {
        const entry = create(structuredClone(definition), driver);
        entries.set(definition.id, entry);
        if (started) open(entry);
        return;
      }
      if (isDeepStrictEqual(known.definition, definition)) return;
      const former = known.definition;
      const left = isElsewhere(former, definition, known.driver) ? former : undefined;
      known.definition = structuredClone(definition);
      known.driver = driver;
      known.attempts = 0;
      // Many devices serve one stream only: the old one goes first.
      const closed = Promise.all([known.closing, shut(known, left)]);
      // Whatever is found there is news, also when it answers as the old one did.
      if (left)
        changed(known, { link: 'connecting', detail: 'At another address now', since: clock.now(), facts: null });
      known.closing = closed.then(() => {
        const idle = known.connection === null && known.restart === null;
        if (started && idle && entries.get(definition.id) === known) open(known);
      });
    },

    async remove(id) {
      const entry = entries.get(id);
      if (!entry) return;
      entries.delete(id);
      await Promise.all([entry.closing, shut(entry, entry.definition)]);
      entry.queue.close();
    },

    start() {
      if (started) return;
      started = true;
      for (const entry of entries.values()) open(entry);
    },

    status(id) {
      const entry = entries.get(id);
      return entry ? { ...entry.status } : null;
    },
    statuses: () => [...entries.values()].map((entry) => ({ ...entry.status })),

    async push(deviceId, request) {
      const entry = entryOf(deviceId);
      const { definition, connection } = entry;
      if (!mayPushFrom(definition.pushFrom, request.remoteAddress))
        throw userError(
          'E_PUSH_REFUSED',
          `${request.remoteAddress} may not push for "${definition.name}": add it to the addresses in the device's dialog`,
        );
      if (!connection) throw notConnected(entry);
      let events: ReceivedEvent[];
      try {
        events = await connection.push(request);
      } catch (thrown) {
        throw asAlarmflowError(thrown);
      }
      // All at once, so that they keep their order and share a commit; the sender repeats what failed.
      const eventIds = await Promise.all(events.map((received) => entry.queue.add(received, false)));
      return { eventIds, answer: connection.answer?.() ?? null };
    },

    pushRules(id) {
      const entry = entries.get(id);
      if (!entry) return null;
      const { driver, definition } = entry;
      return {
        methods: driver.pushMethods?.(definition.options ?? {}) ?? usualPushRules.methods,
        packed: driver.unpacksPushes === true,
      };
    },

    async test(definition, signal) {
      const driver = findDriver(definition.driver);
      const connection = driver.connect({ definition: complete(definition, driver), sink: deafSink, clock, log });
      try {
        return await connection.probe(signal);
      } catch (thrown) {
        throw asAlarmflowError(thrown);
      } finally {
        await closeQuietly(connection, definition.id);
      }
    },

    async offers(id, signal) {
      const entry = entryOf(id);
      const { connection } = entry;
      if (!connection) throw notConnected(entry);
      if (!connection.offers) return structuredClone(noOffers);
      try {
        return await connection.offers(signal);
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (error.code === 'E_NOT_SUPPORTED') return structuredClone(noOffers);
        throw error;
      }
    },

    async setUpPush(given, signal) {
      const driver = findDriver(given.driver);
      const definition = complete(given, driver);
      const url = (await ingestUrl?.(definition)) ?? null;
      const connection = driver.connect({ definition, sink: deafSink, clock, log });
      try {
        if (!connection.setUpPush)
          throw userError(
            'E_NOT_SUPPORTED',
            `"${definition.name}" can't be told where to push: enter its push URL on the device itself`,
          );
        if (url === null)
          throw userError(
            'E_NO_PUSH_ADDRESS',
            `Nobody knows under which address "${definition.name}" reaches this site: set publicUrl (--public-url) and start alarmflow again`,
          );
        const told = await connection.setUpPush(url, signal);
        log.info('device.push-set-up', { deviceId: definition.id, slot: told.slot });
        return { ...told, url };
      } catch (thrown) {
        throw asAlarmflowError(thrown);
      } finally {
        await closeQuietly(connection, definition.id);
      }
    },

    recent: (id) => entryOf(id).connection?.recent?.() ?? [],

    capture(id, take) {
      const entry = entryOf(id);
      entry.takers.add(take);
      return () => void entry.takers.delete(take);
    },

    device(id): ConnectedDevice {
      entryOf(id);
      return connectedDevice(
        id,
        () => entries.get(id)?.definition.name ?? id,
        // Looked up at each call: the connection may have been replaced since.
        () => {
          const entry = entryOf(id);
          if (!entry.connection) throw notConnected(entry);
          return entry.connection;
        },
      );
    },

    placeOf(id) {
      const entry = entries.get(id);
      return entry && (entry.driver.dialog?.host ?? true) ? placeOf(placed(entry)) : null;
    },
    deviceAt(place) {
      for (const [id, entry] of entries) if (isAt(placed(entry), place)) return id;
      return null;
    },
    visit(id, place, work, signal) {
      const entry = entries.get(id);
      const connect = (definition: DeviceDefinition): DriverConnection =>
        entry!.driver.connect({
          definition,
          sink: deafSink,
          clock,
          log,
          digestOnly: true,
          ...(options.formerOf ? { former: options.formerOf(definition) } : {}),
        });
      const close = (connection: DriverConnection): Promise<void> => closeQuietly(connection, id);
      return visitPlace(entry && placed(entry), place, connect, work, close, signal);
    },

    async close() {
      started = false;
      await Promise.all([...entries.values()].map((entry) => shut(entry)));
      for (const entry of entries.values()) entry.queue.close();
      entries.clear();
    },
  };
}

/** With the driver's own settings checked and complete; a driver that has none takes what is given. */
const complete = (definition: DeviceDefinition, driver: DeviceDriver): DeviceDefinition =>
  driver.readOptions ? { ...definition, options: driver.readOptions(definition.options ?? {}) } : definition;

const tooSlow = (name: string, address: string): Error =>
  operationalError('E_OUTPUT_TIMEOUT', `"${name}" at ${address} did not answer within ${LEAVE_MS / 1_000} s`);

function notConnected({ definition, status }: Entry): Error {
  // Nothing is wrong with a device whose turn has not come yet.
  const why = status.link === 'connecting' ? 'is still being connected' : `is not connected: ${status.detail}`;
  return operationalError('E_DEVICE_OFFLINE', `"${definition.name}" ${why}`, {
    retryAfterMs: 1_000,
    facts: { link: status.link },
  });
}

/** Where a mere question delivers: nobody listens. */
const deafSink: DriverSink = {
  event: async () => '',
  pictures: async () => undefined,
  link() {},
  seen() {},
  clockOffset() {},
  lockedUntil() {},
  facts() {},
};
