/** Node sets, a complete configuration of each node, and what tests need to run them in a real Node-RED runtime. */
import helper from 'node-red-node-test-helper';
import { type AlarmMessage, type AlarmPhase, engineSetting, type FlowEngine } from '../../engine/index';
import audibleAlarm from '../../nodes/actions/audible-alarm/audible-alarm';
import deviceTrigger from '../../nodes/actions/device-trigger/device-trigger';
import email from '../../nodes/actions/email/email';
import light from '../../nodes/actions/light/light';
import log from '../../nodes/actions/log/log';
import modbusWrite from '../../nodes/actions/modbus-write/modbus-write';
import mqttOut from '../../nodes/actions/mqtt-out/mqtt-out';
import notify from '../../nodes/actions/notify/notify';
import ptz from '../../nodes/actions/ptz/ptz';
import ptzPreset from '../../nodes/actions/ptz-preset/ptz-preset';
import record from '../../nodes/actions/record/record';
import relayOut from '../../nodes/actions/relay-out/relay-out';
import showMessage from '../../nodes/actions/show-message/show-message';
import snapshot from '../../nodes/actions/snapshot/snapshot';
import snmpTrap from '../../nodes/actions/snmp-trap/snmp-trap';
import upload from '../../nodes/actions/upload/upload';
import webPush from '../../nodes/actions/web-push/web-push';
import alarmCentre from '../../nodes/config/alarm-centre/alarm-centre';
import area from '../../nodes/config/area/area';
import device from '../../nodes/config/device/device';
import fileServer from '../../nodes/config/file-server/file-server';
import mailServer from '../../nodes/config/mail-server/mail-server';
import mqttBroker from '../../nodes/config/mqtt-broker/mqtt-broker';
import schedule from '../../nodes/config/schedule/schedule';
import snmpReceiver from '../../nodes/config/snmp-receiver/snmp-receiver';
import arm from '../../nodes/logic/arm/arm';
import combination from '../../nodes/logic/combination/combination';
import escalation from '../../nodes/logic/escalation/escalation';
import linkage from '../../nodes/logic/linkage/linkage';
import ruleTests from '../../nodes/logic/rule-tests/rule-tests';
import type { FlowMessage, NodeStatus, Red } from '../../nodes/shared/runtime-api';
import alarmInput from '../../nodes/triggers/alarm-input/alarm-input';
import audioDetection from '../../nodes/triggers/audio-detection/audio-detection';
import deviceEvent from '../../nodes/triggers/device-event/device-event';
import exception from '../../nodes/triggers/exception/exception';
import lineCrossing from '../../nodes/triggers/line-crossing/line-crossing';
import perimeter from '../../nodes/triggers/perimeter/perimeter';
import pushReceived from '../../nodes/triggers/push-received/push-received';
import snmpReceived from '../../nodes/triggers/snmp-received/snmp-received';
import temperatureRule from '../../nodes/triggers/temperature-rule/temperature-rule';
import thermalAlarm from '../../nodes/triggers/thermal-alarm/thermal-alarm';
import videoDetection from '../../nodes/triggers/video-detection/video-detection';

export type NodeSet = (red: Red) => void;

export const nodeSets: Record<string, NodeSet> = {
  'alarmflow-device': device,
  'alarmflow-schedule': schedule,
  'alarmflow-area': area,
  'alarmflow-mail-server': mailServer,
  'alarmflow-file-server': fileServer,
  'alarmflow-snmp-receiver': snmpReceiver,
  'alarmflow-alarm-centre': alarmCentre,
  'alarmflow-mqtt-broker': mqttBroker,
  'alarmflow-thermal-alarm': thermalAlarm,
  'alarmflow-temperature-rule': temperatureRule,
  'alarmflow-perimeter': perimeter,
  'alarmflow-line-crossing': lineCrossing,
  'alarmflow-video-detection': videoDetection,
  'alarmflow-audio-detection': audioDetection,
  'alarmflow-alarm-input': alarmInput,
  'alarmflow-exception': exception,
  'alarmflow-device-event': deviceEvent,
  'alarmflow-snmp-received': snmpReceived,
  'alarmflow-push-received': pushReceived,
  'alarmflow-linkage': linkage,
  'alarmflow-combination': combination,
  'alarmflow-escalation': escalation,
  'alarmflow-arm': arm,
  'alarmflow-rule-tests': ruleTests,
  'alarmflow-relay-out': relayOut,
  'alarmflow-audible-alarm': audibleAlarm,
  'alarmflow-light': light,
  'alarmflow-ptz': ptz,
  'alarmflow-email': email,
  'alarmflow-upload': upload,
  'alarmflow-snmp-trap': snmpTrap,
  'alarmflow-notify': notify,
  'alarmflow-mqtt-out': mqttOut,
  'alarmflow-modbus-write': modbusWrite,
  'alarmflow-device-trigger': deviceTrigger,
  'alarmflow-ptz-preset': ptzPreset,
  'alarmflow-record': record,
  'alarmflow-snapshot': snapshot,
  'alarmflow-show-message': showMessage,
  'alarmflow-web-push': webPush,
  'alarmflow-log': log,
};

export type FlowNode = Record<string, unknown> & { id: string; type: string };

export const tab: FlowNode = { id: 'tab', type: 'tab', label: 'Flow' };
export const hall: FlowNode = {
  id: 'hall',
  type: 'alarmflow-device',
  name: 'Hall camera',
  driver: 'hikvision',
  host: '192.0.2.10',
  port: '80',
  tls: false,
  allowSelfSigned: false,
  receive: 'both',
  timeZone: 'Europe/Berlin',
  pushFrom: '192.0.2.10, 2001:db8::7',
  version: 1,
};
export const gate: FlowNode = { ...hall, id: 'gate', name: 'Gate camera', host: 'gate.example' };
export const nights: FlowNode = {
  id: 'nights',
  type: 'alarmflow-schedule',
  name: 'Nights',
  timeZone: 'Europe/Berlin',
  week: { monday: [{ from: 1320, to: 360 }], sunday: [{ from: 0, to: 1440 }] },
  version: 1,
};
export const office: FlowNode = {
  id: 'office',
  type: 'alarmflow-mail-server',
  name: 'Office',
  host: 'mail.example.org',
  port: 587,
  security: 'starttls',
  allowSelfSigned: false,
  from: 'Alarm <alarm@example.org>',
  version: 1,
};

export const archive: FlowNode = {
  id: 'archive',
  type: 'alarmflow-file-server',
  name: 'Archive',
  host: 'nas.example.org',
  port: '22',
  root: '/alarms',
  hostKey: `256 SHA256:${'k'.repeat(43)} root@nas (ED25519)`,
  version: 1,
};
export const controlRoom: FlowNode = {
  id: 'noc',
  type: 'alarmflow-snmp-receiver',
  name: 'Control room',
  host: '192.0.2.30',
  port: 162,
  snmpVersion: '3',
  notification: 'inform',
  level: 'authPriv',
  authentication: 'sha256',
  privacy: 'aes',
  arc: '1.3.6.1.4.1.32473.1',
  engineId: '',
  version: 1,
};
export const centre: FlowNode = {
  id: 'centre',
  type: 'alarmflow-alarm-centre',
  name: 'City centre',
  url: 'https://centre.example.org/alarms',
  version: 1,
};
export const broker: FlowNode = {
  id: 'broker',
  type: 'alarmflow-mqtt-broker',
  name: 'Hall broker',
  host: 'mqtt.example.org',
  port: 1883,
  version: 1,
};
export const archiveLogin = { user: 'alarm', password: 'stored', privateKey: '', passphrase: '' };
export const controlRoomLogin = { user: 'guard', authKey: 'stored auth', privacyKey: 'stored privacy' };

/** An ordinary node of a type, wired to the node that collects. */
export const flowNode = (type: string, config: Record<string, unknown> = {}): FlowNode => ({
  id: 'node',
  type: `alarmflow-${type}`,
  z: 'tab',
  wires: [['sink']],
  ...config,
});
export const sink: FlowNode = { id: 'sink', type: 'helper', z: 'tab', wires: [] };
export const catcher: FlowNode = {
  id: 'catcher',
  type: 'catch',
  z: 'tab',
  scope: null,
  uncaught: false,
  wires: [['caught']],
};
export const caughtSink: FlowNode = { id: 'caught', type: 'helper', z: 'tab', wires: [] };

/** A node of the test's runtime. */
export interface LiveNode {
  receive(message: FlowMessage): void;
  on(event: string, listener: (message: FlowMessage) => void): void;
}

export const live = (id: string): LiveNode => helper.getNode(id) as LiveNode;

/** Runs flows; resolves when every node has told the engine what it has to tell. */
export async function run(
  flow: FlowNode[],
  engine: FlowEngine | undefined,
  credentials: Record<string, Record<string, string>> = {},
): Promise<void> {
  helper.settings({ [engineSetting]: engine });
  await helper.load(Object.values(nodeSets), flow, credentials);
  await turns();
}

/** Lets promises and Node-RED's deliveries (setImmediate) go on. */
export async function turns(count = 12): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((done) => setImmediate(done));
}

/** Messages that reach a collecting node, from now on. */
export function collect(id: string): FlowMessage[] {
  const messages: FlowMessage[] = [];
  live(id).on('input', (message) => messages.push(message));
  return messages;
}

interface Spy {
  args: unknown[][];
  thisValues: { id: string }[];
}

const spied = (method: 'status' | 'error' | 'warn', id: string): unknown[] => {
  const node = helper.getNode(id) as Record<string, Spy>;
  const spy = node[method]!;
  return spy.args.filter((_args, at) => spy.thisValues[at]?.id === id).map((args) => args[0]);
};

export const statusesOf = (id: string): NodeStatus[] => spied('status', id) as NodeStatus[];
export const errorsOf = (id: string): string[] => spied('error', id).map(String);
export const warningsOf = (id: string): string[] => spied('warn', id).map(String);

export const alarm = (phase: AlarmPhase, id = 'alarm-1'): AlarmMessage['alarm'] => ({
  id,
  triggerId: 'node',
  triggerName: 'Boiler room',
  key: 'hall/1',
  topic: 'site/Hall camera/1/temperature-alarm',
  deviceId: 'hall',
  deviceName: 'Hall camera',
  type: 'temperature-alarm',
  level: 'alarm',
  channel: 1,
  state: phase === 'end' ? 'normal' : 'active',
  count: 1,
  raisedAt: 1_000,
  seenAt: 1_000,
  clearedAt: null,
  endedAt: null,
  endReason: null,
  latched: false,
  acknowledgedAt: null,
  acknowledgedBy: null,
  event: {
    id: 'event-1',
    deviceId: 'hall',
    type: 'temperature-alarm',
    vendorType: 'TMA',
    phase: 'start',
    deviceTime: null,
    deviceAt: null,
    receivedAt: 1_000,
    clockSuspect: false,
    late: false,
    pictures: [],
  },
  phase,
});

export const alarmMessage = (phase: AlarmPhase): AlarmMessage => ({
  messageId: `alarm-1:${phase}`,
  payload: phase === 'raise' || phase === 'escalate' || phase === 'remind',
  topic: 'site/Hall camera/1/temperature-alarm',
  alarm: alarm(phase),
});

/** The same as it goes along a wire. */
export const wired = (phase: AlarmPhase): FlowMessage => {
  const { messageId, ...rest } = alarmMessage(phase);
  return { _msgid: messageId, ...rest };
};
