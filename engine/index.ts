/**
 * What the flow nodes may know of the engine; the only file of it that `nodes/` imports.
 * Every call is async and takes plain data, so that the flow host can move to a thread or process of its own.
 *
 * Life of a definition: a node calls `define…` in its constructor and `detach` in its close handler, always.
 * A deploy closes and re-creates nodes; the engine keeps everything under the stable node ids meanwhile. When the
 * flows have started again, the host calls `FlowHostCalls.flowsStarted`, and what no node has defined anew is gone:
 * a removed trigger's alarms end and release their outputs.
 */
import type { ActionInterval, ActionKind } from './domain/actions';
import type { AlarmCentre, NotifyPreview, SignOfLifeState } from './domain/alarm-centre';
import type { AlarmMessage, AlarmPhase } from './domain/alarms';
import type { AreaDefinition, ArmingChange, ArmingOrder, ArmingSubject } from './domain/arming';
import type {
  DeviceChoices,
  DeviceDefinition,
  DevicePushSetUp,
  DeviceStatus,
  DeviceTest,
  Discovery,
  DriverChoice,
  RecentPush,
} from './domain/devices';
import type { EscalationDefinition } from './domain/escalations';
import type { EventTemperature } from './domain/events';
import type { FileServer } from './domain/file-server';
import type { MailPreview, MailServer } from './domain/mail';
import type { MqttBroker } from './domain/mqtt-broker';
import type { HoldPolicy, OutputKind, OutputManner } from './domain/outputs';
import type { RuleTestReport } from './domain/rule-tests';
import type { ArmingSchedule, SchedulePreview } from './domain/schedules';
import type { SnmpReceiver } from './domain/snmp-receiver';
import type { TriggerDefinition } from './domain/triggers';

export type { ActionInterval, ActionKind, ActionStatus } from './domain/actions';
export { isSenderEntry } from './domain/addresses';
export type {
  AlarmCentre as AlarmCentreDefinition,
  NotifyPreview,
  SignOfLifeState,
  StatusRange,
} from './domain/alarm-centre';
export { centreLogins, centreMethods, SIGN_SECONDS } from './domain/alarm-centre';
export type { Alarm, AlarmKeyPart, AlarmMessage, AlarmPhase } from './domain/alarms';
export type {
  AreaDefinition,
  ArmingChange,
  ArmingInput,
  ArmingOrder,
  ArmingScope,
  ArmingSubject,
  ArmingWay,
} from './domain/arming';
export { armingScopes, armingWays, theSite } from './domain/arming';
export type { CombinationMode, CombinationRule } from './domain/combinations';
export { combinationModes, MOST_COMBINED_STARTS, MOST_OPERANDS } from './domain/combinations';
export type {
  DeviceChoices,
  DeviceDefinition,
  DeviceOffers,
  DevicePushSetUp,
  DeviceRecording,
  DeviceStatus,
  DeviceTest,
  DiscoveredDevice,
  Discovery,
  DriverChoice,
  DriverDialog,
  DriverField,
  PtzMove,
  RecentPush,
  SwitchKind,
  SwitchManner,
} from './domain/devices';
export { MOST_TIMES, noOffers, usualDialog } from './domain/devices';
export { AlarmflowError, asAlarmflowError, userError } from './domain/errors';
export type { EscalationDefinition, EscalationStep } from './domain/escalations';
export { MOST_ESCALATION_REPEATS, MOST_ESCALATION_STEPS } from './domain/escalations';
export type { EventTarget, EventTemperature, EventType, KnownEventType, TemperatureUnit } from './domain/events';
export { knownEventTypes } from './domain/events';
export type { FileProtocol, FileServer as FileServerDefinition } from './domain/file-server';
export { DEFAULT_MARKER, fileProtocols } from './domain/file-server';
export { jsonCopy } from './domain/json-copy';
export { consoleDevice, playerDevice } from './domain/local-devices';
export type { MailPreview, MailServer as MailServerDefinition } from './domain/mail';
export { DEFAULT_MAIL_BYTES, HEALTH_MINUTES, mailGrants } from './domain/mail';
export { LONGEST_PULSE_MS } from './domain/modbus-write';
export type { MqttBroker as MqttBrokerDefinition } from './domain/mqtt-broker';
export type { HoldPolicy, OutputKind, OutputManner } from './domain/outputs';
export { DEFAULT_PRIORITY } from './domain/outputs';
export type { RuleTestFailure, RuleTestReport, RuleTestResult } from './domain/rule-tests';
export type {
  ArmingSchedule,
  PeriodTime,
  ScheduleException,
  ScheduleHoliday,
  SchedulePeriod,
  SchedulePreview,
  SunEvent,
  Weekday,
} from './domain/schedules';
export { sunEvents, weekdays } from './domain/schedules';
export type { SnmpReceiver as SnmpReceiverDefinition } from './domain/snmp-receiver';
export { DEFAULT_SNMP_ARC, snmpAuthentications, snmpPrivacies } from './domain/snmp-receiver';
export {
  COLDEST_CELSIUS,
  HOTTEST_CELSIUS,
  temperatureUnits,
  toCelsius,
  toKelvins,
  unitSign,
} from './domain/temperature';
export type {
  ThermalCondition,
  ThermalMeasure,
  ThermalPlace,
  ThermalPlaceCondition,
  ThermalRule,
  ThermalSensor,
} from './domain/thermal';
export { defaultStaleMs, thermalMeasures, thermalPlaces } from './domain/thermal';
export type { AlarmPolicy, EventFilter, TriggerDefinition } from './domain/triggers';
export { defaultPolicy } from './domain/triggers';

/** Services of others that actions use, by the kind of their config node. */
export interface ServiceDefinitions {
  'mail-server': MailServer;
  'file-server': FileServer;
  'snmp-receiver': SnmpReceiver;
  'alarm-centre': AlarmCentre;
  'mqtt-broker': MqttBroker;
}

/** What a node shows below itself; texts are for people and short. */
export interface NodeNotice {
  state: 'idle' | 'active' | 'waiting' | 'trouble' | 'off';
  text: string;
}

/** A message that another node sent into a linkage node. */
export interface OfferedMessage {
  /** Unique per message; Node-RED's `_msgid`. */
  messageId: string;
  /** true: the condition begins; false: it ended. */
  condition: boolean;
  /** Tells conditions of one linkage node apart; `msg.topic`. */
  topic: string;
  description?: string;
  /** The condition was told before and goes on (a reminder). */
  goesOn?: boolean;
  /** For a combination: which of its operands the message is about. */
  operand?: OfferedOperand;
}

/** An operand of a combination, as one message names it. */
export interface OfferedOperand {
  /** Trigger node id, or topic of a plain message. */
  id: string;
  /** For people, where the engine does not know the alarm any more. */
  name: string;
  /** The alarm that the message is about; absent for a plain message. */
  alarmId?: string;
}

/** Temperatures that another node sent into a temperature rule node. */
export interface OfferedReading {
  /** Unique per message; Node-RED's `_msgid`. */
  messageId: string;
  /** What was measured where; `name` '' is the whole scene. At most 256. */
  places: { name: string; temperature: EventTemperature }[];
}

/** An action node asks for its action on a message. */
export interface ActionRequest {
  nodeId: string;
  nodeName: string;
  kind: ActionKind;
  /** The alarm message's alarm, or null for a plain message. */
  alarm: AlarmMessage['alarm'] | null;
  /** Unique id of the message (`messageId` of an alarm message, `_msgid` of a plain one). */
  messageId: string;
  /** The device to work on; null: the alarm's own, or none. */
  deviceId: string | null;
  params: Record<string, unknown>;
  /** How often it acts for alarms of one type; absent: always. */
  interval?: ActionInterval;
  /** Overrides the kind's default. */
  deadlineMs?: number;
  /** Writes down what it would do, and does nothing of it. */
  dryRun?: boolean;
}

/**
 * A node asks to hold an output: a relay, siren, light, recording, line or a camera's direction. One node may hold
 * several outputs that are no relays, each by a request of its own.
 */
export interface OutputRequest {
  nodeId: string;
  nodeName: string;
  deviceId: string;
  output: string;
  alarm: AlarmMessage['alarm'] | null;
  messageId: string;
  /** For plain messages: true holds, false begins the hold's countdown. */
  condition: boolean;
  topic: string;
  hold: HoldPolicy;
  /** Absent: a relay. */
  kind?: OutputKind;
  manner?: OutputManner;
  /** 0–100; absent: DEFAULT_PRIORITY. */
  priority?: number;
  /** Its claim drives nothing. */
  dryRun?: boolean;
}

/** What a node tells at deploy, so that its output is known, shown and driven to its state from the start. */
export interface OutputNodeDefinition {
  nodeId: string;
  deviceId: string;
  output: string;
  name: string;
  /** Absent: a relay. */
  kind?: OutputKind;
  /** How it is on when a person sets it on by hand. */
  manner?: OutputManner;
  priority?: number;
  /** The node only writes down what it would do: an output that no other node works on is not driven. */
  dryRun?: boolean;
}

/** What an action node tells at deploy. */
export interface ActionNodeDefinition {
  nodeId: string;
  name: string;
  /** What it will ask for, so that what its device cannot do is known before the first alarm. */
  action?: { kind: ActionKind; deviceId: string | null; params: Record<string, unknown> };
}

/** What a test button asks for; nothing of it needs to be deployed. */
export interface ActionTest {
  nodeId: string;
  nodeName: string;
  kind: ActionKind;
  deviceId: string | null;
  params: Record<string, unknown>;
  /** The form's own "dry run": says what it would do. */
  dryRun?: boolean;
  /** Who pressed the button; absent: the machine's own. */
  who?: string;
}

/** Holds an output for a moment, as its node would. */
export interface OutputTest {
  nodeId: string;
  nodeName: string;
  deviceId: string;
  output: string;
  kind?: OutputKind;
  manner?: OutputManner;
  /** The form's own "dry run": says what it would do. */
  dryRun?: boolean;
  /** Who pressed the button; absent: the machine's own. */
  who?: string;
}

/** What the dialog of an email node wants to see; nothing of it needs to be deployed. */
export interface MailPreviewRequest {
  nodeId: string;
  nodeName: string;
  params: Record<string, unknown>;
  phase: AlarmPhase;
  /** Triggers whose alarms reach the node; the last alarm of any of them is shown. */
  triggerIds: string[];
}

/** What happened at a test, in words for people; never a secret. */
export interface TestOutcome {
  ok: boolean;
  /** `false`: nothing was tried, because it would have shown nothing (an alarm holds the output); absent: it was. */
  tried?: false;
  detail: string;
  /** Milliseconds that it took. */
  tookMs: number;
}

/** A node that arms and disarms a subject, and hears of it. */
export interface ArmingNodeDefinition {
  nodeId: string;
  subject: ArmingSubject;
  /** Arms it at the beginning of each period and disarms it at the end; null: orders alone. */
  scheduleId: string | null;
}

export interface FlowEngine {
  defineDevice(definition: DeviceDefinition): Promise<void>;
  defineSchedule(schedule: ArmingSchedule): Promise<void>;
  defineMailServer(definition: MailServer): Promise<void>;
  defineFileServer(definition: FileServer): Promise<void>;
  defineSnmpReceiver(definition: SnmpReceiver): Promise<void>;
  defineAlarmCentre(definition: AlarmCentre): Promise<void>;
  defineMqttBroker(definition: MqttBroker): Promise<void>;
  /** `deliver` hands a message to the node; it is called again for a message that a crash interrupted. */
  defineTrigger(definition: TriggerDefinition, deliver: (message: AlarmMessage) => void): Promise<void>;
  /** `deliver` hands a step's message to the node: `alarm.escalation.outputs` says to which of its outputs. */
  defineEscalation(definition: EscalationDefinition, deliver: (message: AlarmMessage) => void): Promise<void>;
  /**
   * A message of an alarm that says "on" has come to an escalation node. Resolves when its first step is on disk;
   * nothing happens where it has begun before, or the alarm is over or acknowledged.
   */
  offerEscalation(nodeId: string, alarmId: string): Promise<void>;
  /** Called once for each output that the node works on. */
  defineOutput(definition: OutputNodeDefinition): Promise<void>;
  /** An action node tells that it is there, so that it can be armed and disarmed by itself. */
  defineAction(definition: ActionNodeDefinition): Promise<void>;
  /** @throws E_BAD_AREA, E_SITE_AREA_TWICE, E_ARMING_SCHEDULE_TWICE (user) */
  defineArea(area: AreaDefinition): Promise<void>;
  /** `changed` is called whenever the subject turns. @throws E_ARMING_SCHEDULE_TWICE (user) */
  defineArming(definition: ArmingNodeDefinition, changed: (change: ArmingChange) => void): Promise<void>;
  /** The node is being closed; whether it comes back is known when the flows have started again. */
  detach(nodeId: string): Promise<void>;

  /** The linkage node's input. Resolves when the consequence is on disk. */
  offerMessage(triggerId: string, message: OfferedMessage): Promise<void>;
  /** The temperature rule node's input. Resolves when the consequence is on disk. @throws E_BAD_READING (user) */
  offerReading(triggerId: string, reading: OfferedReading): Promise<void>;
  /**
   * Resolves when the action's row is on disk; the effect follows. Asking twice for one key is one action.
   * Not accepted: the row says why nothing is done (disarmed, held back by its interval).
   */
  requestAction(request: ActionRequest): Promise<{ key: string; accepted: boolean }>;
  /** Resolves when the claim is on disk; the command follows. */
  requestOutput(request: OutputRequest): Promise<void>;

  /**
   * Arms or disarms; resolves when it is on disk with what follows from it.
   * @throws E_UNKNOWN_SUBJECT, E_AMBIGUOUS_SUBJECT, E_AREA_OPEN, E_BAD_ORDER (user)
   */
  orderArming(order: ArmingOrder): Promise<void>;

  /** Tells a node what to show, now and at every change, until it is detached. */
  watchNode(nodeId: string, show: (notice: NodeNotice) => void): Promise<void>;
  deviceStatus(deviceId: string): Promise<DeviceStatus | null>;
  /** Path under which a device may push, secret token included; made at the first call. */
  ingestPath(deviceId: string): Promise<string>;
  /** Sends a mail at once and says what happened, for the dialog's test button. */
  testMailServer(definition: MailServer, to: string): Promise<{ ok: boolean; detail: string }>;
  /** A mail with the last alarm of its triggers, or a sample; nothing is sent. @throws E_BAD_PARAMETER (user) */
  previewMail(request: MailPreviewRequest): Promise<MailPreview>;
  /** Logs in, writes a small file and removes it again; tells the host key's fingerprint in any case. */
  testFileServer(definition: FileServer): Promise<{ ok: boolean; detail: string }>;
  /** Sends a test notification. */
  testSnmpReceiver(definition: SnmpReceiver): Promise<{ ok: boolean; detail: string }>;
  /** Sends a sign of life. */
  testAlarmCentre(definition: AlarmCentre): Promise<{ ok: boolean; detail: string }>;
  /** How the signs of life to a deployed centre fare; null: none are sent to it. */
  signOfLife(centreId: string): Promise<SignOfLifeState | null>;
  /** Logs in and out again. */
  testMqttBroker(definition: MqttBroker): Promise<{ ok: boolean; detail: string }>;
  /** What a notify node would send of a sample alarm; nothing is sent. @throws E_BAD_PARAMETER (user) */
  previewNotify(request: Pick<ActionTest, 'nodeId' | 'nodeName' | 'params'>): Promise<NotifyPreview>;
  /**
   * Does an action once, now, as a test that says so wherever people see it; on record with who asked for it.
   * A failure is an outcome. @throws E_TOO_MANY_TESTS (user)
   */
  testAction(test: ActionTest): Promise<TestOutcome>;
  /** Holds an output for three seconds, by a lease like any other. @throws E_TOO_MANY_TESTS (user) */
  testOutput(test: OutputTest): Promise<TestOutcome>;
  /** Why the device cannot do what a node asks of it, as far as it is known; null: nothing is known against it. */
  checkAction(test: ActionTest): Promise<string | null>;
  checkOutput(test: OutputTest): Promise<string | null>;
  /** The next twenty edges of a schedule from now on, for its dialog; nothing of it needs to be deployed. */
  previewSchedule(schedule: ArmingSchedule): Promise<SchedulePreview>;
  /** Asks the device who it is, for the dialog's test button. */
  testDevice(definition: DeviceDefinition): Promise<DeviceTest>;
  /** Has the device push its events to its ingest path, for the dialog's button; it need not be deployed. */
  setUpDevicePush(definition: DeviceDefinition): Promise<DevicePushSetUp>;
  /** Runs the tests that a flow holds, on that flow, which need not be deployed. Nothing of the site is touched. */
  runRuleTests(flows: unknown): Promise<RuleTestReport>;
  /** The drivers to choose from in the device dialog. */
  deviceDrivers(): Promise<readonly DriverChoice[]>;
  /** What there is to choose from at a device, by its own word and by what it has sent. Works while it is offline. */
  deviceOffers(deviceId: string): Promise<DeviceChoices>;
  /** Whether this machine can keep the last seconds of cameras, for the device dialog; else what to install. */
  recorderTools(): Promise<{ ok: boolean; detail: string }>;
  /** Looks for devices on the local network, five seconds long. `kind` null: with every driver that can look. */
  discoverDevices(kind: string | null): Promise<Discovery>;
  /** The pushes of a device that came last, the newest first, secrets removed. @throws E_UNKNOWN_DEVICE (user) */
  recentPushes(deviceId: string): Promise<RecentPush[]>;
  /** How to set up devices of a driver, as Markdown; null: nothing is written. @throws E_UNKNOWN_DRIVER (user) */
  deviceGuide(kind: string): Promise<string | null>;
}

/** Key under which the host puts the engine into Node-RED's settings. */
export const engineSetting = 'alarmflowEngine';
