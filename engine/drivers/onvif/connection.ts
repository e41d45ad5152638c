import type { Timer } from '../../clock/clock';
import type { DeviceFacts, PushRequest } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { DriverConnection, DriverContext } from '../driver';
import { orOtherProtocol } from '../wire';
import { liveStreamAt, wantsSecureStream } from '../wire/live-stream';
import { createOnvifActions } from './actions';
import type { OnvifChannel } from './channel-map';
import { createEventFeed, type FeedTiming } from './event-feed';
import { createInventory } from './inventory';
import { missingOnvifUser } from './login-diagnosis';
import { readOnvifOptions, tokensIn } from './options';
import { onvifOffers, probeOnvif } from './probe';
import { readNotify } from './push';
import { createReader, type Finding } from './reader';
import { findServices, type Services } from './services';
import { createSoapClient } from './soap-client';

/** A subscription that is lost and back within this time was never away. */
const GRACE_MS = 3_000;
/** Events under way to the record before more are asked for. */
const MOST_UNDER_WAY = 256;
const PROBE_TIMEOUT_MS = 30_000;

/** The device is there but doesn't let us in; only a person can mend that. */
const loginErrors: ReadonlySet<string> = new Set([
  'E_CREDENTIALS_REFUSED',
  'E_CREDENTIALS_MISSING',
  'E_ACCOUNT_LOCKED',
  'E_DEVICE_LOGIN',
]);

/** Opens the connection to one ONVIF device (PROTOCOLS §4). Nothing moves before `start`. */
export function connectOnvif(context: DriverContext, timing: FeedTiming): DriverConnection {
  const { definition, sink, clock } = context;
  const settings = readOnvifOptions(definition.options ?? {});
  const log = context.log.with({ deviceId: definition.id });
  const address = `${definition.host}:${definition.port}`;
  const closing = new AbortController();
  let seenAt = clock.monotonic();
  let online = false;
  let grace: Timer | null = null;
  let facts: DeviceFacts | null = null;
  let learning: Promise<void> | null = null;
  let diagnosing: Promise<void> | null = null;
  let diagnosed = false;

  const client = createSoapClient({
    definition,
    settings,
    clock,
    log,
    onLocked: (until) => sink.lockedUntil(until),
    refusals: context.refusals,
    onOffset: (ms) => sink.clockOffset(ms),
    onAlive: alive,
  });
  const inventory = createInventory(client, log);

  function alive(): void {
    seenAt = clock.monotonic();
    sink.seen(clock.now());
  }

  // ---- what the device consists of, asked once a subscription ----

  let services: Services | null = null;
  let channels: readonly OnvifChannel[] | null = null;

  async function knownServices(signal: AbortSignal): Promise<Services> {
    services ??= await findServices(client, signal);
    return services;
  }

  async function knownChannels(signal: AbortSignal): Promise<readonly OnvifChannel[]> {
    channels ??= await inventory.channels(await knownServices(signal), signal);
    return channels;
  }

  const invertedInputs = tokensIn(settings.invertedInputs);
  const reader = createReader({
    setting: () => ({
      channels: channels ?? [],
      informational: settings.informational,
      quietMs: Math.round(settings.quietSeconds * 1000),
      invertedInputs,
    }),
    contactRelays: tokensIn(settings.contactRelays),
    deviceNow() {
      const offset = client.offset();
      return offset === null ? null : clock.now() + offset;
    },
    at: () => clock.monotonic(),
  });

  const actions = createOnvifActions({
    client,
    inventory,
    deviceName: definition.name,
    clock,
    log,
    services: knownServices,
    channels: knownChannels,
    relayState: (token) => (online ? reader.relay(token) : null),
    turnRelay(token) {
      reader.turnRelay(token);
      log.info('onvif.relay-turned', {
        relay: token,
        remedy: 'its events tell the contact: list it in the device dialog',
      });
    },
  });

  const probing = {
    client,
    inventory,
    name: definition.name,
    clock,
    log,
    services: knownServices,
    channels: knownChannels,
  };

  // ---- events ----

  /** Where the device was told to notify, without what is behind the host. */
  let consumer = '';
  let notifiedAt = Number.NEGATIVE_INFINITY;
  let subscribedAt = 0;
  /** The operator was told that nothing is notified. */
  let unheard = false;

  const underWay = new Set<Promise<unknown>>();

  function deliver(finding: Extract<Finding, { kind: 'event' }>): void {
    const { draft, late, clockSuspect } = finding;
    const work = sink
      .event({ draft, pictures: [], receivedAt: clock.now(), late, clockSuspect })
      .catch((thrown: unknown) => {
        log.error('onvif.event-not-kept', { type: draft.type, error: asAlarmflowError(thrown).message });
      });
    underWay.add(work);
    work.finally(() => underWay.delete(work));
  }

  function take(findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (finding.kind === 'event') deliver(finding);
      else if (finding.kind === 'notice') log.debug('onvif.notice', { text: finding.text });
      else log.warn('onvif.bad-message', { reason: finding.reason, bytes: finding.bytes });
    }
  }

  const feed = createEventFeed({
    client,
    clock,
    log,
    timing,
    way: definition.receive === 'push' ? 'push' : settings.events,
    async consumerUrl() {
      const url = settings.consumerUrl !== '' ? settings.consumerUrl : ((await context.ingestUrl?.()) ?? null);
      consumer = url !== null && URL.canParse(url) ? new URL(url).origin : '';
      return url;
    },
    seenAt: () => seenAt,

    async services(signal) {
      // A restarted device may have other services, other tokens and another time.
      services = null;
      channels = null;
      await client.readClock(signal).catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        if (signal.aborted || error.code !== 'E_NOT_ONVIF') throw error;
      });
      const found = await knownServices(signal);
      await knownChannels(signal).catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        if (signal.aborted || loginErrors.has(error.code) || error.code === 'E_DEVICE_OFFLINE') throw error;
        // Events of an unknown channel are better than none.
        log.warn('onvif.channels-unknown', { reason: error.message });
      });
      return found;
    },

    onOpen(detail) {
      reader.resubscribed();
      subscribedAt = clock.monotonic();
      unheard = false;
      isOnline(detail);
    },

    async onAnswer(response) {
      const { body, headers } = response;
      context.tap?.({ at: clock.now(), contentType: headers['content-type'] ?? null, bytes: body });
      const { findings, set } = reader.read(body);
      take(findings);
      // A flood is slowed down where it comes from: the device keeps what is not asked for.
      while (underWay.size > MOST_UNDER_WAY) await Promise.race(underWay);
      return {
        messages: set.messages.length,
        currentTime: set.currentTime,
        terminationTime: set.terminationTime,
      };
    },

    hasOpen: reader.hasOpen,
    onSettled(way) {
      take(reader.untold());
      if (way !== 'notify' || notifiedAt >= subscribedAt || !online) return;
      // It was asked for all its states: most have some. Behind a router the address may lead nowhere.
      unheard = true;
      sink.link(
        'online',
        `Event subscription stands, but the device has notified nothing yet: check that it reaches ${consumer}`,
      );
    },
    onLost: isLost,
  });

  // ---- link ----

  function isOnline(detail: string): void {
    grace?.cancel();
    grace = null;
    online = true;
    diagnosed = false;
    sink.link('online', detail);
    learn();
  }

  function isLost(error: AlarmflowError, dead: boolean): void {
    if (loginErrors.has(error.code)) {
      grace?.cancel();
      grace = null;
      online = false;
      sink.link('refused', error.message);
      diagnose();
      return;
    }
    const offline = (): void => {
      online = false;
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
    grace ??= clock.after(GRACE_MS, () => {
      grace = null;
      offline();
    });
  }

  /** Finds out once, after a refusal, whether only the ONVIF user is missing. */
  function diagnose(): void {
    if (diagnosed || diagnosing) return;
    diagnosed = true;
    diagnosing = missingOnvifUser(definition, clock, log, closing.signal)
      .then((found) => {
        if (found && !online && !closing.signal.aborted) sink.link('refused', found.message);
      })
      .finally(() => {
        diagnosing = null;
      });
  }

  function learn(): void {
    if (learning || facts) return;
    learning = (async () => {
      const limit = new AbortController();
      const timer = clock.after(
        PROBE_TIMEOUT_MS,
        () => limit.abort(operationalError('E_DEVICE_TIMEOUT', `No answer within ${PROBE_TIMEOUT_MS} ms`)),
        { background: true },
      );
      try {
        facts = await probeOnvif(probing, AbortSignal.any([closing.signal, limit.signal]));
        sink.facts(facts);
      } catch (thrown) {
        // It is asked again at the next subscription; events and actions do without.
        if (!closing.signal.aborted) log.info('onvif.probe-failed', { reason: asAlarmflowError(thrown).message });
      } finally {
        timer.cancel();
        learning = null;
      }
    })();
  }

  return {
    id: definition.id,
    name: definition.name,
    start() {
      sink.link('connecting', `Connecting to ${address}`);
      feed.start();
    },

    async push(request: PushRequest) {
      const header = request.headers['content-type'];
      const contentType = (Array.isArray(header) ? header[0] : header) ?? null;
      context.tap?.({ at: clock.now(), contentType, bytes: request.body });
      const events = readNotify(request, reader, log);
      alive();
      notifiedAt = clock.monotonic();
      if (unheard && online) sink.link('online', 'Event subscription stands; the device notifies us');
      unheard = false;
      const receivedAt = clock.now();
      return events.map((event) => ({ ...event, receivedAt }));
    },

    async probe(signal) {
      try {
        facts = await probeOnvif(probing, signal);
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        const missing =
          error.code === 'E_CREDENTIALS_REFUSED' && !signal.aborted
            ? await missingOnvifUser(definition, clock, log, signal)
            : null;
        throw missing ?? (signal.aborted ? error : await orOtherProtocol(error, { definition, clock, log, signal }));
      }
      sink.facts(facts);
      return facts;
    },

    offers: (signal) => onvifOffers(probing, signal),
    setOutput: actions.setOutput,
    readOutput: actions.readOutput,
    snapshot: actions.snapshot,
    gotoPreset: actions.gotoPreset,
    ptz: actions.ptz,
    turn: actions.turn,
    async liveStream(channel, signal) {
      const { path, ...told } = await actions.streamAddress(channel, wantsSecureStream(definition), signal);
      return liveStreamAt(definition, path, told);
    },
    setSwitch: actions.setSwitch,
    readSwitch: actions.readSwitch,

    async close() {
      closing.abort(operationalError('E_CLOSED', `The connection to "${definition.name}" is being closed`));
      grace?.cancel();
      await feed.close();
      client.close();
      await Promise.all([learning, diagnosing]);
    },
  };
}
