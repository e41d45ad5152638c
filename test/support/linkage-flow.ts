/** Flow files for end-to-end tests and measurements, written as the editor exports them. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LinkageFlowOptions {
  devicePort: number;
  /** Leave out the mail node when there is no mail server. */
  mailPort?: number;
  /** How the device's events come in. */
  receive?: 'stream' | 'push' | 'both';
  postAlarmSeconds?: number;
  antiDitherSeconds?: number;
  picture?: 'none' | 'event-or-snapshot' | 'three';
  /** Seconds of silence that end a thermal alarm; 0: only the real end. */
  quietSeconds?: number;
  /** Without a relay node. */
  relay?: boolean;
  log?: boolean;
}

export const DEVICE_NODE = 'test-device';
export const RELAY_NODE = 'test-relay';
export const EMAIL_NODE = 'test-email';
export const LOG_NODE = 'test-log';
export const TRIGGER_NODE = 'test-thermal';

export const deviceCredentials = { user: 'admin', password: 'alarmflow1' };

/** thermal alarm → relay 1, mail, log; one alarm per rule, so that many can be active at once. */
export function linkageFlow(options: LinkageFlowOptions): Record<string, unknown>[] {
  const actions = [
    ...(options.relay === false ? [] : [RELAY_NODE]),
    ...(options.mailPort === undefined ? [] : [EMAIL_NODE]),
    ...(options.log === false ? [] : [LOG_NODE]),
  ];
  const quiet = options.quietSeconds ?? 0;
  const all: Record<string, unknown>[] = [
    { id: 'test-tab', type: 'tab', label: 'Linkage' },
    {
      id: DEVICE_NODE,
      type: 'alarmflow-device',
      name: 'Hall camera',
      version: 1,
      driver: 'hikvision',
      host: '127.0.0.1',
      port: options.devicePort,
      tls: false,
      allowSelfSigned: false,
      receive: options.receive ?? 'push',
      timeZone: '',
      pushFrom: '',
    },
    {
      id: TRIGGER_NODE,
      type: 'alarmflow-thermal-alarm',
      z: 'test-tab',
      name: 'Hall too hot',
      version: 1,
      devices: [DEVICE_NODE],
      alarmPer: 'rule',
      types: ['temperature-prealarm', 'temperature-alarm', 'fire'],
      minimumLevel: 'alarm',
      minimumCelsius: '',
      channel: '',
      rule: '',
      enabled: true,
      schedule: '',
      windowOpen: 'raise',
      windowClose: 'let-run',
      raiseMode: 'hold',
      filteringTime: 0,
      repeatCount: 3,
      repeatWithin: 60,
      antiDither: options.antiDitherSeconds ?? 0,
      antiDitherMode: 'fixed',
      offDelay: 0,
      quietMode: quiet > 0 ? 'after' : 'never',
      quietTime: quiet > 0 ? quiet : 30,
      lateEvents: 'record',
      latched: false,
      wires: [actions],
    },
    {
      id: RELAY_NODE,
      type: 'alarmflow-relay-out',
      z: 'test-tab',
      name: 'Siren',
      version: 1,
      device: DEVICE_NODE,
      output: '1',
      postAlarm: options.postAlarmSeconds ?? 1,
      untilCleared: false,
      cap: '',
      wires: [[]],
    },
    {
      id: 'test-mail-server',
      type: 'alarmflow-mail-server',
      name: 'Mail',
      version: 1,
      host: '127.0.0.1',
      port: options.mailPort ?? 25,
      security: 'none',
      allowSelfSigned: false,
      from: 'alarmflow@test.example',
    },
    {
      id: EMAIL_NODE,
      type: 'alarmflow-email',
      z: 'test-tab',
      name: 'Mail to the guard',
      version: 1,
      server: 'test-mail-server',
      to: 'guard@test.example',
      phases: ['raise'],
      subject: '',
      text: '',
      picture: options.picture ?? 'none',
      snapshotDevice: '',
      snapshotChannel: '',
      wires: [[]],
    },
    {
      id: LOG_NODE,
      type: 'alarmflow-log',
      z: 'test-tab',
      name: 'Write it down',
      version: 1,
      level: 'info',
      text: '',
      phases: ['raise'],
      wires: [[]],
    },
  ];
  // Node-RED takes a node without a place on the canvas, and without a reference to it, for an unused config node.
  const placed = all.map((node, index) => (node.z ? { ...node, x: 200, y: 60 * index } : node));
  const wanted = new Set(actions);
  const optional = [RELAY_NODE, EMAIL_NODE, LOG_NODE];
  return placed.filter(({ id }: { id?: unknown }) => {
    if (id === 'test-mail-server') return wanted.has(EMAIL_NODE);
    return !optional.includes(id as string) || wanted.has(id as string);
  });
}

/** Writes flow and credentials where `alarmflow run` takes them. */
export async function writeFlowFiles(
  flow: Record<string, unknown>[],
): Promise<{ folder: string; flowFile: string; credentialsFile: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-flow-'));
  const flowFile = join(folder, 'flow.json');
  const credentialsFile = join(folder, 'credentials.json');
  await writeFile(flowFile, JSON.stringify(flow, null, 2));
  await writeFile(credentialsFile, JSON.stringify({ [DEVICE_NODE]: deviceCredentials }), { mode: 0o600 });
  return { folder, flowFile, credentialsFile };
}

/** A thermal alert as a bi-spectrum camera pushes it (PROTOCOLS §1.6). */
export function thermalAlert(options: {
  rule: number;
  state?: 'active' | 'inactive';
  count?: number;
  at?: number;
}): string {
  const { rule, state = 'active', count = 1 } = options;
  return `<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<ipAddress>192.0.2.10</ipAddress>
<portNo>80</portNo>
<protocol>HTTP</protocol>
<macAddress>02:00:5e:00:00:10</macAddress>
<channelID>2</channelID>
<dateTime>${new Date(options.at ?? Date.now()).toISOString().replace(/\.\d+Z$/, '+00:00')}</dateTime>
<activePostCount>${count}</activePostCount>
<eventType>TMA</eventType>
<eventState>${state}</eventState>
<eventDescription>Temperature alarm</eventDescription>
<DetectionRegionList><DetectionRegionEntry>
<regionID>${rule}</regionID>
<TMA><thermometryUnit>celsius</thermometryUnit><ruleTemperature>55.0</ruleTemperature><currTemperature>71.3</currTemperature>
<ruleCalibType>region</ruleCalibType><ruleType>highest temperature above the limit</ruleType></TMA>
</DetectionRegionEntry></DetectionRegionList>
<channelName>Hall</channelName>
</EventNotificationAlert>
`;
}
