import { isDeepStrictEqual } from 'node:util';
import type { Timer } from '../clock/clock';
import type { ConnectedDevice, DeviceDefinition, DeviceLink, DeviceStatus, ReceivedEvent } from '../domain/devices';
import { noOffers, usualPushRules } from '../domain/devices';
import { asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { EventDraft } from '../domain/events';
import { connectedDevice } from './connected-device';
import { createDeliveryQueue, type DeliveryQueue } from './delivery-queue';
import { createDeliveryShares } from './delivery-shares';
import type { CapturedPart, DeviceDriver, DriverConnection, DriverSink } from './driver';
import type { Devices, DevicesOptions } from './hub';
import { createLinkEvents, type LinkEvents } from './link-events';
import { mayPushFrom } from './push-from';
import { driverOf } from './registry';
import { type LifeWatch, watchLife } from './sign-of-life';
import { isAt, isElsewhere, type Placed, placeOf, visitPlace } from './visit';
import { backoff } from './wire';

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
  linkEvents: LinkEvents;
  /** null: it is not running, or no sign of life is expected. */
  life: LifeWatch | null;
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
    entry.life ??= lifeOf(entry);
    // Of the connection before; the new one says its own.
    if (entry.status.lockedUntil !== null) changed(entry, { lockedUntil: null });
    try {
      const connection = entry.driver.connect({
        definition: entry.definition,
        sink: sinkOf(entry, turn),
        clock,
        log,
        tap: (part) => captured(entry, part),
        ...(ingestUrl ? { ingestUrl: () => ingestUrl(entry.definition) } : {}),
        ...kept(entry.definition),
      });
      entry.connection = connection;
      connection.start();
    } catch (thrown) {
      failed(entry, thrown);
    }
  }

  /** What outlives a connection to this device. */
  const kept = (definition: DeviceDefinition) => ({
    ...(options.formerOf ? { former: options.formerOf(definition) } : {}),
    ...(options.refusalsOf ? { refusals: options.refusalsOf(definition) } : {}),
  });

  function lifeOf(entry: Entry): LifeWatch | null {
    const { definition } = entry;
    if (!definition.signOfLifeMs) return null;
    return watchLife({
      everyMs: definition.signOfLifeMs,
      record: options.lifeOf?.(definition),
      tell: (link, detail) => linkChanged(entry, link, detail),
      restored(at) {
        entry.status.lastSeenAt ??= at;
      },
      clock,
      log: log.with({ deviceId: definition.id }),
    });
  }

  function linkTold(entry: Entry, link: DeviceLink, detail: string): void {
    if (entry.life) entry.life.link(link, detail);
    else linkChanged(entry, link, detail);
  }

  function heard(entry: Entry, at: number): void {
    entry.status.lastSeenAt = at;
    entry.life?.heard(at);
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
    linkTold(entry, 'offline', `The driver of "${name}" failed: ${error.message}`);
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
        if (isCurrent()) linkTold(entry, link, detail);
      },
      seen(at) {
        if (isCurrent()) heard(entry, at);
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
    if (link === 'online' && before !== 'online') entry.attempts = 0;
    entry.linkEvents.changed(before, link, detail);
  }

  /** A device takes this login: whoever keeps it back by a refusal from before tries it now. */
  function freed({ host, port, credentials }: DeviceDefinition): void {
    for (const entry of entries.values()) {
      const { definition, status } = entry;
      const isSame = isDeepStrictEqual(
        [definition.host, definition.port, definition.credentials],
        [host, port, credentials],
      );
      if (credentials && isSame && status.lockedUntil !== null && started) replace(entry);
    }
  }

  /** Many devices serve one stream only: the old connection goes before a new one comes. */
  function replace(entry: Entry, left?: DeviceDefinition): void {
    const closed = Promise.all([entry.closing, shut(entry, left)]);
    entry.closing = closed.then(() => {
      const idle = entry.connection === null && entry.restart === null;
      if (started && idle && entries.get(entry.definition.id) === entry) open(entry);
    });
  }

  function create(definition: DeviceDefinition, driver: DeviceDriver): Entry {
    const { id } = definition;
    const queue = createDeliveryQueue({
      deliver: (received) => options.onEvent(id, received),
      clock,
      log: log.with({ deviceId: id }),
      share: shares.open(),
    });
    const keep = (draft: EventDraft): void => {
      const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
      queue.add(received, true).catch((thrown: unknown) => {
        log.error('device.event-not-kept', {
          deviceId: id,
          type: draft.type,
          error: asAlarmflowError(thrown).message,
        });
      });
    };
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
      queue,
      linkEvents: createLinkEvents(keep),
      life: null,
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
      if (left || former.signOfLifeMs !== definition.signOfLifeMs || former.driver !== definition.driver) {
        const { life } = known;
        known.life = null;
        if (left || !definition.signOfLifeMs || former.driver !== definition.driver) void life?.forget();
        else void life?.close();
      }
      known.definition = structuredClone(definition);
      known.driver = driver;
      known.attempts = 0;
      replace(known, left);
      // Whatever is found there is news, also when it answers as the old one did.
      if (left)
        changed(known, { link: 'connecting', detail: 'At another address now', since: clock.now(), facts: null });
    },

    async remove(id) {
      const entry = entries.get(id);
      if (!entry) return;
      entries.delete(id);
      await Promise.all([entry.closing, shut(entry, entry.definition), entry.life?.forget()]);
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
      // Also what is not understood, and what comes while it cannot be taken, proves that its sender lives.
      heard(entry, clock.now());
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
      const refusals = options.refusalsOf?.(definition);
      const connection = driver.connect({
        definition: complete(definition, driver),
        sink: deafSink,
        clock,
        log,
        // A person has asked: tried at once, whatever was before; what comes of it counts.
        ...(refusals ? { refusals: { ...refusals, last: () => null } } : {}),
      });
      try {
        const facts = await connection.probe(signal);
        if (refusals?.last() === null) freed(definition);
        return facts;
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
          ...kept(definition),
        });
      const close = (connection: DriverConnection): Promise<void> => closeQuietly(connection, id);
      return visitPlace(entry && placed(entry), place, connect, work, close, signal);
    },

    async close() {
      started = false;
      await Promise.all([...entries.values()].map((entry) => Promise.all([shut(entry), entry.life?.close()])));
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
