import { type DeviceFacts, noOffers } from '../../domain/devices';
import { AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { createOpenConditions } from '../open-conditions';
import { withoutCommunity } from './agent-address';
import { draftsOf } from './event';
import { createRateLimit } from './rate-limit';
import { trapAccess, trapSettings } from './settings';
import { createSources, plainAddress } from './sources';
import type { Trap } from './trap';
import { createTrapDecoder, type TrapDecoder } from './trap-decoder';
import { type PortUser, type Sender, shareTrapPort } from './trap-port';

/** An inform that is sent again within this time is the same one (PROTOCOLS §5). */
const SAME_INFORM_MS = 60_000;
const MOST_INFORMS = 5_000;
/** What is refused is told to the operator so often at most. */
const TELL_MS = 10_000;

/** Receives the notifications of one device, or of all that no other device claims (PROTOCOLS §5). */
export function connectSnmpTraps(context: DriverContext): DriverConnection {
  const { definition, sink, clock } = context;
  const { name } = definition;
  const log = context.log.with({ deviceId: definition.id });
  const settings = trapSettings(definition);
  const sources = createSources(settings.sources, settings.oneSender, clock, log);
  const conditions = createOpenConditions();
  const rates = createRateLimit(settings.rate);
  /** Informs that were taken, by what they are known again: resolves when their event is kept. */
  const informs = new Map<string, { at: number; kept: Promise<unknown> }>();
  const counts = { taken: 0, repeated: 0, refused: 0 };
  let decoder: TrapDecoder | null = null;
  let release: (() => void) | null = null;
  let told = Number.NEGATIVE_INFINITY;
  let lastRefusal = '';

  const listening = (): string =>
    `Listening on UDP port ${settings.port}${settings.address ? ` of ${settings.address}` : ''}`;

  function isThere(): void {
    sink.link('online', lastRefusal === '' ? listening() : `${listening()}; ${lastRefusal}`);
  }

  function isTold(summary: string): void {
    lastRefusal = summary;
    if (clock.monotonic() - told < TELL_MS) return;
    told = clock.monotonic();
    log.warn('snmp-traps.not-taken', { summary, refused: counts.refused, flooded: rates.dropped() });
    // Tells the operator; what is refused is no sign of life.
    if (release) sink.link('online', `${listening()}; ${summary}`);
  }

  const user: PortUser = {
    sources,
    take(bytes, from, reply) {
      if (!decoder) return 'it is not listening';
      if (!rates.allows(from.address, clock.monotonic())) {
        isTold(
          `${rates.dropped()} notifications were dropped, because ${from.address} sends more than ${settings.rate} a second`,
        );
        return null;
      }
      const { trap, replies, refusal } = decoder.decode(bytes, from);
      if (refusal !== null) return refusal;
      if (!trap) {
        for (const answer of replies) reply(answer);
        return null;
      }
      context.tap?.({ at: clock.now(), contentType: 'application/x-snmp', bytes: withoutCommunity(bytes) });
      taken(trap, from, () => {
        for (const answer of replies) reply(answer);
      });
      return null;
    },
    refused(from, reason) {
      counts.refused++;
      isTold(`${counts.refused} notifications were refused, the last of ${from.address}: ${reason}`);
    },
    onOpen: isThere,
    onFailed: (error) => sink.link('offline', error.message),
  };

  function taken(trap: Trap, from: Sender, acknowledge: () => void): void {
    sink.seen(clock.now());
    const now = clock.monotonic();
    const key = `${from.address} ${trap.requestId} ${trap.oid}`;
    const before = trap.inform ? informs.get(key) : undefined;
    const isRepeat = before !== undefined && now - before.at < SAME_INFORM_MS;
    if (isRepeat) counts.repeated++;
    const kept = isRepeat ? before.kept : deliver(trap, from, now);
    if (!trap.inform) return;
    if (!isRepeat) {
      informs.set(key, { at: now, kept });
      for (const [old, { at }] of informs) {
        if (informs.size <= MOST_INFORMS && now - at < SAME_INFORM_MS) break;
        informs.delete(old);
      }
    }
    // Confirmed when its consequence is on disk; without, the sender tries again.
    kept.then(acknowledge, () => {
      if (informs.get(key)?.kept === kept) informs.delete(key);
    });
  }

  function deliver(trap: Trap, from: Sender, now: number): Promise<unknown> {
    counts.taken++;
    // The device that a proxy or a router speaks for, where the notification names it.
    const address = plainAddress(trap.agent ?? from.address);
    const sender = sources.nameOf(trap.agent ?? from.address);
    const drafts = draftsOf(trap, settings.table, conditions, from.address, sender, now, address);
    return Promise.all(drafts.map(keep));
  }

  function keep(draft: EventDraft): Promise<string> {
    const kept = sink.event({ draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false });
    kept.catch((thrown: unknown) => {
      log.error('snmp-traps.event-not-kept', { type: draft.type, error: asAlarmflowError(thrown).message });
    });
    return kept;
  }

  const noSuchThing = (what: string): Promise<never> =>
    Promise.reject(userError('E_NOT_SUPPORTED', `"${name}" only receives SNMP notifications and has no ${what}`));

  const facts = (warnings: string[]): DeviceFacts => ({
    model: 'SNMP notifications',
    serialNumber: '',
    firmware: '',
    deviceType: 'receiver',
    inputs: 0,
    outputs: 0,
    channels: 0,
    hasPtz: false,
    hasThermal: false,
    warnings,
  });

  function warnings(): string[] {
    const access = trapAccess(definition);
    return [
      ...(access.kind === 'community'
        ? ['A community goes unencrypted, and sender addresses can be forged: use version 3 where the sender has it']
        : []),
      ...(access.kind === 'community' && access.community === 'public'
        ? ['"public" is everybody’s community: choose another on the sender']
        : []),
      ...(sources.any ? ['Any address may send: list the senders'] : []),
      ...(lastRefusal === '' ? [] : [`Since the start ${lastRefusal}`]),
    ];
  }

  return {
    id: definition.id,
    name,
    start() {
      sink.link('connecting', `Opening UDP port ${settings.port}`);
      try {
        decoder = createTrapDecoder(trapAccess(definition), definition.id, clock);
      } catch (thrown) {
        if (!(thrown instanceof AlarmflowError)) throw thrown;
        sink.link('refused', thrown.message);
        return;
      }
      sources.start();
      release = shareTrapPort(settings.address, settings.port, user, clock, log);
    },
    push: () => noSuchThing('way to push over HTTP'),
    async probe(signal): Promise<DeviceFacts> {
      const found = facts(warnings());
      if (release) return found;
      // Opening the port is all that can be tried: a sender can't be asked to send.
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => reject(signal.reason);
        if (signal.aborted) return leave();
        signal.addEventListener('abort', leave, { once: true });
        release = shareTrapPort(
          settings.address,
          settings.port,
          { ...user, take: () => 'it is only a test', refused: () => undefined, onOpen: resolve, onFailed: reject },
          clock,
          log,
        );
      });
      return found;
    },
    setOutput: () => noSuchThing('output'),
    readOutput: () => noSuchThing('output'),
    snapshot: () => noSuchThing('camera'),
    gotoPreset: () => noSuchThing('camera'),
    offers: async () => ({ ...noOffers, eventTypes: settings.table.types }),
    async close() {
      sources.close();
      release?.();
      release = null;
      log.debug('snmp-traps.closed', { ...counts, flooded: rates.dropped() });
    },
  };
}
