import { randomBytes } from 'node:crypto';
import type { Timer } from '../../clock/clock';
import { type DeviceFacts, noOffers, type ReceivedEvent } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { EventDraft, EventPhase } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { createSecondNet } from '../second-net';
import { createSwitchStates } from '../switch-states';
import { capturedLine } from './captured-line';
import { discoveryFilters, readAnnouncement } from './discovery';
import { PAYLOAD_LIMIT, payloadOf } from './payload';
import { createRepeats } from './repeats';
import { createSession, type SessionOptions, type SessionTiming } from './session';
import { brokerSettings } from './settings';
import { createShellyRpc, type RpcAnswer } from './shelly-rpc';
import { createSwitching } from './switching';
import type { Sense, Thing } from './thing';

/** Announced things that are kept; a broker can hold announcements without end. */
const MOST_ANNOUNCED = 500;
const RAW_LIMIT = 4_096;

type Packet = Parameters<SessionOptions['onMessage']>[2];

/** Opens the connection to one broker with the things behind it (PROTOCOLS §8). Nothing moves before `start`. */
export function connectMqtt(context: DriverContext, timing: SessionTiming): DriverConnection {
  const { definition, sink, clock } = context;
  const { name } = definition;
  const log = context.log.with({ deviceId: definition.id });
  const settings = brokerSettings(definition.options ?? {});
  const address = `${definition.host}:${definition.port}`;
  const plainId = definition.id.replace(/[^\w-]/g, '').slice(0, 32);
  const clientId = settings.clientId || `alarmflow-${plainId}-${randomBytes(4).toString('hex')}`;
  const rpc = createShellyRpc(clientId);
  const states = createSwitchStates();
  const repeats = createRepeats();
  const secondNet = createSecondNet(clock, log);
  const closing = new AbortController();
  const things = new Map<string, Thing>();
  const announced = new Set<string>();
  const byTopic = new Map<string, Set<Thing>>();
  /** What is known of each thing's availability, by whom it is told. */
  const absent = new Map<string, { thing: boolean; bridge: boolean }>();
  /** When each thing was asked for its states last. */
  const askedAt = new Map<string, number>();
  const warnings = new Map<string, string>();
  let online = false;
  let grace: Timer | null = null;
  let refusedTopics: string[] = [];

  function add(thing: Thing): void {
    things.set(thing.name, thing);
    for (const topic of thing.topics) {
      const readers = byTopic.get(topic) ?? new Set<Thing>();
      byTopic.set(topic, readers.add(thing));
    }
  }

  function remove(thing: Thing): void {
    if (things.get(thing.name) === thing) things.delete(thing.name);
    for (const topic of thing.topics) byTopic.get(topic)?.delete(thing);
  }

  for (const thing of settings.things) add(thing);

  const session = createSession({
    definition,
    clientId,
    version: settings.version,
    authority: settings.authority,
    qos: settings.qos,
    will: settings.statusTopic === null ? null : { topic: settings.statusTopic, online: 'online', offline: 'offline' },
    timing,
    clock,
    log,
    refusals: context.refusals,
    topics: () => [
      rpc.topic,
      ...(settings.discovery === null ? [] : discoveryFilters(settings.discovery)),
      ...byTopic.keys(),
    ],
    onOpen(refused) {
      grace?.cancel();
      grace = null;
      online = true;
      refusedTopics = refused;
      sink.seen(clock.now());
      sink.link(
        'online',
        refused.length === 0
          ? `Connected; ${things.size} things`
          : `Connected, but the broker does not give ${refused.slice(0, 3).join(', ')}: allow it for this user`,
      );
      sink.facts(facts());
      for (const thing of things.values()) askForStates(thing);
    },
    onMessage: take,
    onLost: isLost,
    onLocked: (until) => sink.lockedUntil(until),
  });

  const switching = createSwitching({
    name,
    confirmMs: settings.confirmMs,
    clock,
    publish: (thing, { topic, payload, rpc: call }, signal) =>
      session.publish(topic, call ? rpc.call(thing.name, call.method, call.params) : payload, signal),
    known: (thing) => states.state(`${thing.name}\noutput relay-state`),
    isOffline,
  });

  function isOffline(thing: Thing): boolean {
    const told = absent.get(thing.name);
    return told !== undefined && (told.thing || told.bridge);
  }

  // ---- what comes ----

  function take(topic: string, bytes: Buffer, packet: Packet): void {
    sink.seen(clock.now());
    if (bytes.length > PAYLOAD_LIMIT) {
      log.warn('mqtt.message-too-long', { topic, bytes: bytes.length });
      return;
    }
    const payload = payloadOf(bytes);
    context.tap?.({
      at: clock.now(),
      contentType: 'application/x-ndjson',
      bytes: Buffer.from(capturedLine(topic, payload, packet)),
    });
    if (repeats.isRepeat(topic, payload.text, packet.dup, clock.monotonic())) {
      log.debug('mqtt.delivered-twice', { topic });
      return;
    }
    if (topic === rpc.topic) {
      const answer = rpc.answer(payload);
      if (answer) isAnswered(answer, payload.text);
      return;
    }
    if (settings.discovery !== null && topic.startsWith(`${settings.discovery}/`) && topic.endsWith('/config'))
      isAnnounced(settings.discovery, topic, bytes);
    for (const thing of byTopic.get(topic) ?? []) {
      for (const sense of thing.read(topic, payload)) understand(thing, sense, packet.retain, topic, payload.text);
    }
  }

  function isAnswered({ thing: thingName, method, error, output, result }: RpcAnswer, text: string): void {
    const thing = things.get(thingName);
    if (error) {
      if (thing?.ask.some(({ rpc: call }) => call?.method === method)) {
        if (warnings.size < 20) warnings.set(thingName, error.message);
        sink.facts(facts());
        log.warn('mqtt.states-refused', { thing: thingName, reason: error.message });
      } else switching.refused(thingName, error);
      return;
    }
    if (output !== null) isOutput(thingName, output);
    for (const sense of thing?.readAnswer?.(result) ?? []) if (thing) understand(thing, sense, false, rpc.topic, text);
  }

  /** What it was before is not known, or not whether it is so still. */
  function askForStates(thing: Thing): void {
    if (thing.ask.length === 0 || isOffline(thing)) return;
    askedAt.set(thing.name, clock.monotonic());
    for (const { topic, payload, rpc: call } of thing.ask)
      session
        .publish(topic, call ? rpc.call(thing.name, call.method, call.params) : payload, closing.signal)
        .catch((thrown: unknown) =>
          log.debug('mqtt.states-not-asked', { thing: thing.name, reason: asAlarmflowError(thrown).message }),
        );
  }

  /** Whether the first that it tells may be the answer to a question, and so no edge. */
  const mayBeAnswer = (thing: Thing): boolean =>
    thing.answersAlike === true &&
    clock.monotonic() - (askedAt.get(thing.name) ?? Number.NEGATIVE_INFINITY) < settings.confirmMs;

  /** The answer to a call tells a state as a message does. */
  function isOutput(thingName: string, active: boolean): void {
    const thing = things.get(thingName);
    const sense: Sense = { kind: 'state', of: 'output', type: 'relay-state', vendorType: 'rpc', active, edge: false };
    if (thing) understand(thing, sense, false, rpc.topic, JSON.stringify({ output: active }));
  }

  function understand(thing: Thing, sense: Sense, retained: boolean, topic: string, text: string): void {
    switch (sense.kind) {
      case 'state': {
        // The command's own answer comes before anything that listens to the event.
        if (sense.of === 'output' && !retained) switching.told(thing.name, sense.active);
        const told = states.observe(`${thing.name}\n${sense.of} ${sense.type}`, sense.active, !retained);
        // Nothing was known, but this was sent because it changed.
        const phase = told === 'snapshot' && sense.edge && !retained && !mayBeAnswer(thing) ? 'start' : told;
        if (phase !== null) tell(thing, sense.of, sense.type, sense.vendorType, phase, topic, text);
        break;
      }
      case 'pulse':
        // Kept by the broker, it tells what happened some time: nothing that happens now.
        if (!retained) tell(thing, 'input', sense.type, sense.vendorType, 'pulse', topic, text, sense.rule);
        break;
      case 'availability': {
        const known = absent.get(thing.name) ?? { thing: false, bridge: false };
        known[sense.by] = !sense.online;
        absent.set(thing.name, known);
        // It has just started: what it holds now it may never tell by itself.
        if (sense.online && !retained) askForStates(thing);
        const phase = states.observe(`${thing.name}\nabsent`, isOffline(thing), false);
        if (phase === null || phase === 'refresh') break;
        tell(thing, 'input', 'source-offline', 'availability', phase === 'snapshot' ? 'start' : phase, topic, text);
        break;
      }
      case 'refusal':
        if (!retained)
          switching.refused(thing.name, operationalError('E_DEVICE_ERROR', `"${thing.name}" refuses: ${sense.reason}`));
        break;
    }
  }

  function tell(
    thing: Thing,
    of: 'input' | 'output',
    type: EventDraft['type'],
    vendorType: string,
    phase: EventPhase,
    topic: string,
    text: string,
    rule?: string,
  ): void {
    const received: ReceivedEvent = {
      draft: {
        type,
        vendorType,
        phase,
        [of]: thing.name,
        ...(rule === undefined ? {} : { rule }),
        description: `${thing.name}: ${rule ?? type} ${phase}`,
        deviceTime: null,
        deviceAt: null,
        raw: JSON.stringify({ topic, payload: text.slice(0, RAW_LIMIT) }),
      },
      pictures: [],
      receivedAt: clock.now(),
      late: false,
      clockSuspect: false,
    };
    sink.event(received).catch((thrown: unknown) => {
      log.error('mqtt.event-not-kept', { type, error: asAlarmflowError(thrown).message });
    });
  }

  function isAnnounced(prefix: string, topic: string, bytes: Buffer): void {
    const found = readAnnouncement(prefix, topic, payloadOf(bytes));
    if (found.kind === 'other') return;
    if (found.kind === 'unknown') {
      if (warnings.size < 20) warnings.set(found.id, `"${found.id}" announces itself, but ${found.reason}`);
      log.info('mqtt.announcement-not-understood', { id: found.id, reason: found.reason });
      return;
    }
    const before = things.get(found.id);
    // A thing of the operator's list goes before one that announces itself under the same name.
    if (before && !announced.has(found.id)) return;
    if (before) remove(before);
    announced.delete(found.id);
    if (found.kind === 'gone') return;
    if (announced.size >= MOST_ANNOUNCED) {
      warnings.set('', `More than ${MOST_ANNOUNCED} things announce themselves: list those that matter instead`);
      return;
    }
    announced.add(found.id);
    add(found.thing);
    session.subscribe([...found.thing.topics]);
  }

  // ---- link ----

  function isLost(error: AlarmflowError): void {
    states.connectionLost();
    const gone = (): void => {
      grace = null;
      online = false;
      sink.link('offline', error.message);
    };
    if (error.code === 'E_CREDENTIALS_REFUSED') {
      grace?.cancel();
      grace = null;
      online = false;
      sink.link('refused', error.message);
    } else if (online) grace ??= clock.after(timing.graceMs, gone);
    else gone();
  }

  function facts(): DeviceFacts {
    const all = [...things.values()];
    return {
      model: `MQTT broker (${settings.version === 5 ? '5' : '3.1.1'})`,
      serialNumber: '',
      firmware: '',
      deviceType: 'broker',
      inputs: all.filter((thing) => thing.hasInput).length,
      outputs: all.filter((thing) => thing.output).length,
      channels: 0,
      hasPtz: false,
      hasThermal: false,
      warnings: [
        ...(refusedTopics.length > 0
          ? [`The broker does not give the topics ${refusedTopics.slice(0, 10).join(', ')}: allow them for this user`]
          : []),
        ...(definition.tls ? [] : ['Without TLS everybody on the network can read user and password']),
        ...(things.size === 0 && settings.discovery === null ? ['No things are listed: nothing will come'] : []),
        ...warnings.values(),
      ],
    };
  }

  // ---- what is switched ----

  function thingNamed(output: string): Thing {
    const thing = things.get(output) ?? things.get(output.trim());
    if (thing) return thing;
    throw userError(
      'E_BAD_PARAMETER',
      `"${name}" has no thing "${output}": give the name of one of its list${settings.discovery === null ? '' : ' or of one that announces itself'}`,
    );
  }

  async function set(output: string, on: boolean, forMs: number | null, signal: AbortSignal): Promise<boolean | null> {
    const thing = thingNamed(output);
    // Renewing must not switch on again what is being switched off.
    secondNet.release(thing.name);
    const longest = thing.output?.longestTimerMs ?? null;
    const net = longest === null ? null : (thing.output?.pulseMs ?? (forMs === null ? null : longest));
    const timerMs = on && net !== null ? Math.min(net, forMs ?? net) : null;
    const state = await switching.set(thing, on, timerMs, signal);
    if (timerMs !== null)
      secondNet.hold(thing.name, timerMs, forMs, async (ms) => {
        for (const { topic, payload, rpc: call } of thing.output?.on(ms) ?? [])
          await session.publish(topic, call ? rpc.call(thing.name, call.method, call.params) : payload, closing.signal);
      });
    return state;
  }

  const noSuchThing = (what: string): Promise<never> =>
    Promise.reject(
      userError('E_NOT_SUPPORTED', `"${name}" is an MQTT broker and has no ${what}: choose another device`),
    );

  return {
    id: definition.id,
    name,
    start() {
      sink.link('connecting', `Connecting to ${address}`);
      session.start();
    },
    push: () => noSuchThing('way to push over HTTP'),
    async probe(signal): Promise<DeviceFacts> {
      if (!session.isOpen()) refusedTopics = await session.tryOnce(signal);
      const found = facts();
      sink.facts(found);
      return found;
    },
    setOutput: (output, on, signal) => set(output, on, null, signal),
    async readOutput(output, signal) {
      return switching.read(thingNamed(output), signal);
    },
    contactOf: (_kind, output) => (things.get(output) ?? things.get(output.trim()))?.name ?? null,
    snapshot: () => noSuchThing('camera'),
    gotoPreset: () => noSuchThing('camera'),
    async setSwitch(kind, output, on, manner, signal) {
      if (kind !== 'siren' && kind !== 'light') return noSuchThing(kind);
      return set(output, on, manner.forMs ?? null, signal);
    },
    async readSwitch(kind, output, signal) {
      if (kind !== 'siren' && kind !== 'light') return noSuchThing(kind);
      return switching.read(thingNamed(output), signal);
    },
    publish: ({ topic, payload, qos, retain }, signal) => session.publish(topic, payload, signal, { qos, retain }),
    async offers() {
      const all = [...things.values()];
      const outputs = all.filter((thing) => thing.output);
      return {
        ...noOffers,
        inputs: all.filter((thing) => thing.hasInput).map((thing) => ({ input: thing.name, name: thing.name })),
        outputs: outputs.map((thing) => ({ output: thing.name, name: thing.name })),
        eventTypes: [...new Set([...all.flatMap((thing) => thing.eventTypes), 'source-offline' as const])],
        switches: outputs.flatMap((thing) => {
          const kind = thing.output?.switchKind;
          return kind ? [{ kind, name: thing.name, title: thing.name }] : [];
        }),
      };
    },
    async close() {
      grace?.cancel();
      secondNet.close();
      await session.close();
      closing.abort();
    },
  };
}
