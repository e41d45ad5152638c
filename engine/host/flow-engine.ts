/**
 * The engine as the flow nodes see it: joins alarms, outputs, devices and actions behind `FlowEngine`.
 * It also keeps what a deploy needs: which node defined what, and what nobody has defined again.
 */
import type { Alarms } from '../alarms';
import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionRow } from '../domain/actions';
import type { ArmingOrder, ArmingRow, ArmingSubject } from '../domain/arming';
import type { DeviceDefinition, DeviceStatus } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import { localDeviceName } from '../domain/local-devices';
import type { Log } from '../domain/log';
import { heldOutput, type OutputId, outputId } from '../domain/outputs';
import type { RecordWriter, SettingsRecord, StandingRow } from '../domain/record';
import type { ArmingSchedule } from '../domain/schedules';
import type { DurableTimers } from '../domain/timers';
import type { TriggerDefinition } from '../domain/triggers';
import { checkSchedule, evaluateSchedule, previewSchedule } from '../gates';
import type { FlowEngine, NodeNotice, OutputRequest, ServiceDefinitions } from '../index';
import type { Outputs } from '../outputs';
import { actionNeeds, firstProblem, type NodeNeed, outputNeeds } from './device-needs';
import type { DeviceQuestions } from './device-questions';
import { createFlowActions, type FlowRecordings } from './flow-actions';
import { createFlowArming, type KnownSubject } from './flow-arming';
import type { IngestTokens } from './ingest-tokens';
import { createKnownDevices } from './known-devices';
import { actionNotice, cannotNotice, deviceNotice, dryNotice, outputsNotice, withRecording } from './node-notices';
import { createNodeTests } from './node-tests';
import { messageEvent } from './offered-message';
import { readingEvent } from './offered-reading';
import { sampleAlarm } from './sample-alarm';
import { type ServiceTests, withDryTests } from './service-tests';
import type { SignsOfLife } from './signs-of-life';

/** The devices as the joiner needs them; `engine/drivers` has more. */
export interface FlowDevices {
  define(definition: DeviceDefinition): void;
  remove(id: string): Promise<void>;
  status(id: string): DeviceStatus | null;
}

export interface FlowEngineParts {
  alarms: Alarms;
  outputs: Outputs;
  devices: FlowDevices;
  /** What dialogs ask about devices. */
  questions: DeviceQuestions;
  handlers: ActionHandler[];
  writer: RecordWriter;
  settings: SettingsRecord;
  tokens: IngestTokens;
  timers: DurableTimers;
  /** Hands rows that are on disk to the queue. */
  submit(rows: ActionRow[]): Promise<void>;
  /** An action that was asked for is over without the queue: not done, or a test; its row says more. */
  actionSkipped?(row: ActionRow): void;
  /** The dialogs' test buttons for services of others. */
  tests: ServiceTests & Pick<FlowEngine, 'previewMail' | 'previewNotify' | 'runRuleTests'>;
  /** Recordings that follow their alarms; absent: nothing is recorded here. */
  recordings?: FlowRecordings;
  /** Why the last seconds of a device are not kept at the moment, in words; null: they are, or need not be. */
  recordingTrouble?(deviceId: string): string | null;
  /** Signs of life to alarm centres. Absent: none are sent. */
  signs?: Pick<SignsOfLife, 'state' | 'notice'>;
  /** Whether this machine can record at all. Absent: nobody asks. */
  recorderTools?(): Promise<{ ok: boolean; detail: string }>;
  /** The whole site only writes down what it would do. Absent: it acts. */
  siteIsDry?(): boolean;
  /** For the sample alarms of tests. */
  siteName?: string;
  clock: Clock;
  log: Log;
}

/** What the host calls, beside what the nodes call. */
export interface FlowHostCalls {
  /**
   * Takes over what the last run has left. Once, before anything else.
   * @param setBackMs by how much the wall clock was set back meanwhile (`setBackBy`)
   */
  resume(rows: readonly StandingRow[], setBackMs?: number): void;
  /** Every node of the flow has been created: what none of them has defined again is gone. */
  flowsStarted(): Promise<void>;
  /** A mail server, a file server …, as its config node defined it. */
  service<Kind extends ServiceKind>(kind: Kind, id: string): ServiceDefinitions[Kind] | undefined;
  services<Kind extends ServiceKind>(kind: Kind): ServiceDefinitions[Kind][];
  /** Whether an arming schedule is armed; one that no flow defines is not. */
  scheduleVerdict(id: string, at: number): { armed: boolean; detail: string };
  schedule(id: string): ArmingSchedule | undefined;
  device(id: string): DeviceDefinition | undefined;
  devices(): DeviceDefinition[];
  /** Name of a device, or of the linkage node that stands for one. */
  deviceName(id: string): string;
  /** Name of an action node; its id where it has none. */
  nodeName(id: string): string;
  /** An output is not driven: the site makes a dry run, or every node that works on it does. */
  outputIsDry(id: string): boolean;
  armingRows(): ArmingRow[];
  /** Refreshes what nodes show: after an action's outcome, an output's or a device's change. */
  actionSettled(row: ActionRow): void;
  outputChanged(id: string): void;
  deviceChanged(status: DeviceStatus): void;
  /** The recording of a device began or ceased to work. */
  recordingChanged(deviceId: string): void;
  /** What a service of others shows is another than before. */
  serviceChanged(id: string): void;
}

type ServiceKind = keyof ServiceDefinitions;

type Definition =
  | { kind: 'device'; device: DeviceDefinition }
  | { kind: 'schedule'; schedule: ArmingSchedule }
  | { kind: 'service'; service: ServiceKind }
  | { kind: 'trigger'; trigger: TriggerDefinition }
  | { kind: 'escalation' }
  | { kind: 'output'; outputs: ReadonlySet<OutputId>; name: string; dryRun: boolean; needs: readonly NodeNeed[] }
  | { kind: 'action'; name: string; needs: readonly NodeNeed[] }
  | { kind: 'area' }
  | { kind: 'arm'; subject: ArmingSubject };

/** What the alarms keep under the node's id through a deploy. */
const keptByAlarms: ReadonlySet<Definition['kind']> = new Set(['trigger', 'escalation', 'schedule', 'area', 'arm']);

/** What the dialog of a schedule shows. */
const PREVIEW_EDGES = 20;

export function createFlowEngine(parts: FlowEngineParts): FlowEngine & FlowHostCalls {
  const { alarms, outputs, devices, clock, log } = parts;
  const definitions = new Map<string, Definition>();
  const services: { [Kind in ServiceKind]: Map<string, ServiceDefinitions[Kind]> } = {
    'mail-server': new Map(),
    'file-server': new Map(),
    'snmp-receiver': new Map(),
    'alarm-centre': new Map(),
    'mqtt-broker': new Map(),
  };
  const attached = new Set<string>();
  const watchers = new Map<string, (notice: NodeNotice) => void>();
  const lastAction = new Map<string, ActionRow>();
  /** Definitions under way; a deploy is complete when they are. */
  const pending = new Set<Promise<void>>();

  const define = (nodeId: string, definition: Definition, act: () => void | Promise<void>): Promise<void> => {
    attached.add(nodeId);
    definitions.set(nodeId, definition);
    const work = (async () => {
      await act();
    })();
    pending.add(work);
    // The caller gets the rejection; the set only waits.
    work.catch(() => undefined).finally(() => pending.delete(work));
    return work;
  };

  /** Services need no start: the actions ask for them when they run. */
  const defineService =
    <Kind extends ServiceKind>(service: Kind) =>
    (definition: ServiceDefinitions[Kind]): Promise<void> =>
      define(definition.id, { kind: 'service', service }, () => {
        services[service].set(definition.id, definition);
      });

  function notice(nodeId: string): NodeNotice | null {
    const definition = definitions.get(nodeId);
    switch (definition?.kind) {
      case 'device':
        return withRecording(deviceNotice(devices.status(nodeId)), parts.recordingTrouble?.(nodeId) ?? null);
      case 'trigger': {
        const away = (definition.trigger.filter.deviceIds ?? [])
          .map((id) => devices.status(id))
          .find((status) => status && (status.link === 'offline' || status.link === 'refused'));
        return away ? deviceNotice(away) : alarms.triggerNotice(nodeId);
      }
      case 'output': {
        const own = outputs.of(definition.outputs);
        if (definition.dryRun || (own.length > 0 && own.every(({ id }) => outputIsDry(id)))) return dryNotice(own);
        const cannot = own.every(({ confirmed }) => confirmed === null) && problemIn(definition.needs) !== null;
        return cannot ? cannotNotice : outputsNotice(own);
      }
      case 'arm':
        return arming.notice(definition.subject);
      case 'escalation':
        return alarms.triggerNotice(nodeId);
      case 'service':
        return parts.signs?.notice(nodeId) ?? null;
      case 'schedule':
      case 'area':
        return null;
      default: {
        const row = lastAction.get(nodeId);
        const cannot = row?.status !== 'done' && definition?.kind === 'action' && problemIn(definition.needs) !== null;
        return cannot ? cannotNotice : row ? actionNotice(row) : null;
      }
    }
  }

  function show(nodeId: string): void {
    const watcher = watchers.get(nodeId);
    const current = watcher && notice(nodeId);
    if (!current) return;
    try {
      watcher(current);
    } catch (error) {
      log.error('node.notice-failed', { nodeId, error: asAlarmflowError(error).message });
    }
  }

  alarms.onNotice(show);

  const knownDevices = createKnownDevices({ settings: parts.settings, log });

  async function deviceOffers(deviceId: string): ReturnType<FlowEngine['deviceOffers']> {
    const answer = await parts.questions.deviceOffers(deviceId);
    if (answer.problem === null) knownDevices.offered(deviceId, answer.offers);
    return answer;
  }

  const problemIn = (needs: readonly NodeNeed[]): string | null =>
    firstProblem(needs, (deviceId) => {
      const kept = knownDevices.of(deviceId);
      if (kept === null) return null;
      const { facts, offers } = kept;
      return { name: deviceName(deviceId), facts: devices.status(deviceId)?.facts ?? facts, offers };
    });

  /** A person waits: what the device can be asked, it is asked once. */
  async function askedProblem(needs: readonly NodeNeed[]): Promise<string | null> {
    for (const { deviceId } of needs)
      if (!knownDevices.of(deviceId)?.offers && devices.status(deviceId)?.link === 'online')
        await deviceOffers(deviceId);
    return problemIn(needs);
  }

  const siteIsDry = (): boolean => parts.siteIsDry?.() ?? false;

  function outputIsDry(id: OutputId): boolean {
    if (siteIsDry()) return true;
    let isWorkedOn = false;
    for (const definition of definitions.values()) {
      if (definition.kind !== 'output' || !definition.outputs.has(id)) continue;
      if (!definition.dryRun) return false;
      isWorkedOn = true;
    }
    return isWorkedOn;
  }

  /** What a message asks for and the record does not take is asked for again: the message comes once more. */
  const asked = async <T>(alarmId: string | undefined, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      if (alarmId !== undefined && asAlarmflowError(thrown).code === 'E_RECORD_WRITE') alarms.sendAgain(alarmId);
      throw thrown;
    }
  };

  const known = (): KnownSubject[] =>
    [...definitions].flatMap(([id, definition]): KnownSubject[] => {
      if (definition.kind === 'device') return [{ subject: { scope: 'device', id }, name: deviceName(id) }];
      if (definition.kind === 'output' || definition.kind === 'action') {
        return [{ subject: { scope: 'action', id }, name: definition.name || id }];
      }
      return [];
    });
  const arming = createFlowArming({
    alarms,
    known,
    log,
    turned(nodeIds) {
      for (const nodeId of nodeIds) show(nodeId);
    },
  });

  function deviceName(id: string): string {
    const definition = definitions.get(id);
    if (definition?.kind === 'device') return definition.device.name || definition.device.host;
    if (definition?.kind === 'trigger') return definition.trigger.name;
    if (definition?.kind === 'service') return services[definition.service].get(id)?.name || id;
    return localDeviceName(id) ?? id;
  }

  /** A linkage or combination node stands for its own device: only its own messages reach its gates. */
  const ownMessagesOnly = (trigger: TriggerDefinition): TriggerDefinition =>
    trigger.filter.types.includes('message')
      ? {
          ...trigger,
          filter: { types: ['message'], deviceIds: [trigger.id] },
          policy: {
            ...trigger.policy,
            // A combination makes one condition of all its topics.
            keyParts: trigger.source?.kind === 'combination' ? ['device'] : ['device', 'rule'],
          },
        }
      : trigger;

  const tests = createNodeTests({
    handlers: parts.handlers,
    outputs,
    writer: parts.writer,
    siteIsDry,
    outputIsDry,
    deviceName,
    sample: (about) =>
      sampleAlarm({
        ...about,
        siteName: parts.siteName ?? '',
        triggers: [...definitions.values()].flatMap((one) => (one.kind === 'trigger' ? [one.trigger] : [])),
        devices: [...definitions.values()].flatMap((one) =>
          one.kind === 'device' ? [{ id: one.device.id, name: deviceName(one.device.id) }] : [],
        ),
      }),
    problemOf: (test) => problemIn('params' in test ? actionNeeds(test) : outputNeeds(test)),
    recorded: (row) => parts.actionSkipped?.(row),
    clock,
    log,
  });

  const actions = createFlowActions({
    ...parts,
    outputIsDry,
    problemOf: (request) => problemIn('params' in request ? actionNeeds(request) : outputNeeds(request)),
    isDevice: (id) => definitions.get(id)?.kind === 'device',
    recorded(row) {
      lastAction.set(row.nodeId, row);
      show(row.nodeId);
      if (row.status !== 'queued') parts.actionSkipped?.(row);
    },
  });

  return {
    resume: actions.resume,
    defineDevice: (device) =>
      define(device.id, { kind: 'device', device }, async () => {
        devices.define(device);
        await knownDevices.define(device);
      }),
    defineSchedule: (schedule) =>
      define(schedule.id, { kind: 'schedule', schedule }, () => alarms.defineSchedule(schedule)),
    defineMailServer: defineService('mail-server'),
    defineFileServer: defineService('file-server'),
    defineSnmpReceiver: defineService('snmp-receiver'),
    defineAlarmCentre: defineService('alarm-centre'),
    defineMqttBroker: defineService('mqtt-broker'),
    defineTrigger(definition, deliver) {
      const trigger = ownMessagesOnly(definition);
      return define(trigger.id, { kind: 'trigger', trigger }, () => alarms.defineTrigger(trigger, deliver));
    },
    defineEscalation: (escalation, deliver) =>
      define(escalation.id, { kind: 'escalation' }, () => alarms.defineEscalation(escalation, deliver)),
    async offerEscalation(nodeId, alarmId) {
      await asked(alarmId, alarms.escalate(nodeId, alarmId));
    },
    defineOutput(definition) {
      const { nodeId, deviceId, kind = 'relay', name } = definition;
      const id = outputId(deviceId, kind, heldOutput(definition));
      const known = definitions.get(nodeId);
      // A node that holds several tells of each; those of before a deploy do not count.
      const former = attached.has(nodeId) && known?.kind === 'output' ? known : null;
      const needs = [...(former?.needs ?? []), ...outputNeeds(definition)];
      const all = new Set([...(former?.outputs ?? []), id]);
      return define(nodeId, { kind: 'output', outputs: all, name, dryRun: definition.dryRun === true, needs }, () =>
        outputs.define(definition),
      );
    },

    defineAction: ({ nodeId, name, action }) =>
      define(nodeId, { kind: 'action', name, needs: action ? actionNeeds(action) : [] }, () => undefined),
    defineArea: (area) => define(area.id, { kind: 'area' }, () => alarms.defineArea(area)),
    defineArming({ nodeId, subject, scheduleId }, changed) {
      return define(nodeId, { kind: 'arm', subject }, async () => {
        arming.watch(nodeId, subject, changed);
        if (scheduleId !== null) await alarms.defineArmingProgram({ nodeId, subject, scheduleId });
      });
    },
    orderArming: (order: ArmingOrder) => arming.order(order),

    async detach(nodeId) {
      attached.delete(nodeId);
      watchers.delete(nodeId);
      const kind = definitions.get(nodeId)?.kind;
      if (kind !== undefined && keptByAlarms.has(kind)) alarms.detach(nodeId);
      arming.detach(nodeId);
      if (kind === 'output') outputs.detach(nodeId);
    },

    async flowsStarted() {
      await Promise.allSettled([...pending]);
      const gone = [...definitions].filter(([id]) => !attached.has(id));
      for (const [id, definition] of gone) {
        definitions.delete(id);
        if (definition.kind === 'service') services[definition.service].delete(id);
        lastAction.delete(id);
      }
      await alarms.flowsStarted();
      // What a node holds only for show must not drive an output that another one works on for real.
      for (const [id, definition] of definitions)
        if (
          definition.kind === 'output' &&
          definition.dryRun &&
          [...definition.outputs].some((one) => !outputIsDry(one))
        )
          await outputs.releaseNode(id);
      await outputs.flowsStarted();
      await actions.flowsStarted((id) => attached.has(id));
      for (const [id, { kind }] of gone)
        if (kind === 'device') {
          knownDevices.forget(id);
          await devices.remove(id);
        }
      for (const id of watchers.keys()) show(id);
    },

    async offerMessage(triggerId, message) {
      if (definitions.get(triggerId)?.kind !== 'trigger')
        throw userError(
          'E_UNKNOWN_TRIGGER',
          `Linkage or combination node "${triggerId}" is not known to the engine: deploy the flow again`,
        );
      const about = message.operand?.alarmId;
      const alarm = about === undefined ? undefined : alarms.alarm(about);
      await asked(about, alarms.accept(messageEvent(triggerId, message, alarm, clock.now())));
    },

    async offerReading(triggerId, reading) {
      if (definitions.get(triggerId)?.kind !== 'trigger')
        throw userError(
          'E_UNKNOWN_TRIGGER',
          `Temperature rule node "${triggerId}" is not known to the engine: deploy the flow again`,
        );
      await alarms.accept(readingEvent(triggerId, reading, clock.now()));
    },

    requestAction: (request) => asked(request.alarm?.id, actions.requestAction(request)),

    async requestOutput(request: OutputRequest) {
      await asked(request.alarm?.id, actions.requestOutput(request));
      show(request.nodeId);
    },

    async watchNode(nodeId, watcher) {
      watchers.set(nodeId, watcher);
      show(nodeId);
    },

    ...parts.questions,
    deviceOffers,
    ...tests,
    checkAction: (test) => askedProblem(actionNeeds(test)),
    checkOutput: (test) => askedProblem(outputNeeds(test)),
    recorderTools: async () => (await parts.recorderTools?.()) ?? { ok: false, detail: 'Nothing is recorded here' },
    signOfLife: async (centreId) => parts.signs?.state(centreId) ?? null,
    deviceStatus: async (deviceId) => devices.status(deviceId),
    ingestPath: async (deviceId) => `/ingest/${await parts.tokens.tokenFor(deviceId)}`,
    ...parts.tests,
    ...withDryTests(parts.tests, siteIsDry),

    async previewSchedule(schedule) {
      checkSchedule(schedule);
      return previewSchedule(schedule, clock.now(), PREVIEW_EDGES);
    },

    service: (kind, id) => services[kind].get(id),
    services: (kind) => [...services[kind].values()],
    scheduleVerdict(id, at) {
      const definition = definitions.get(id);
      if (definition?.kind === 'schedule') return evaluateSchedule(definition.schedule, at);
      return { armed: false, detail: `the arming schedule ${id} does not exist: choose another one` };
    },
    schedule: (id) => {
      const definition = definitions.get(id);
      return definition?.kind === 'schedule' ? definition.schedule : undefined;
    },
    device: (id) => {
      const definition = definitions.get(id);
      return definition?.kind === 'device' ? definition.device : undefined;
    },
    devices: () => [...definitions.values()].flatMap((entry) => (entry.kind === 'device' ? [entry.device] : [])),
    deviceName,
    outputIsDry,
    nodeName(id) {
      const definition = definitions.get(id);
      const name = definition?.kind === 'output' || definition?.kind === 'action' ? definition.name : '';
      return name || id;
    },
    armingRows: () => arming.rows(),
    actionSettled(row) {
      lastAction.set(row.nodeId, row);
      show(row.nodeId);
    },
    outputChanged(id) {
      for (const [nodeId, definition] of definitions)
        if (definition.kind === 'output' && definition.outputs.has(id)) show(nodeId);
    },
    recordingChanged: show,
    serviceChanged: show,
    deviceChanged(status) {
      knownDevices.told(status);
      for (const [nodeId, definition] of definitions) {
        const needs = definition.kind === 'output' || definition.kind === 'action' ? definition.needs : [];
        const concerned =
          nodeId === status.deviceId ||
          needs.some(({ deviceId }) => deviceId === status.deviceId) ||
          (definition.kind === 'trigger' && definition.trigger.filter.deviceIds?.includes(status.deviceId));
        if (concerned) show(nodeId);
      }
    },
  };
}
