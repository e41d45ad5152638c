/** Each driver's simulated device, as the contract plays with it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PushRequest } from '../../engine/domain/devices';
import { asAlarmflowError } from '../../engine/domain/errors';
import { startDahuaSimulator } from '../../engine/drivers/dahua';
import { createGenicamDriver, startGenicamSimulator } from '../../engine/drivers/genicam';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision';
import { startHttpPushSimulator } from '../../engine/drivers/http-push';
import { startModbusSimulator } from '../../engine/drivers/modbus';
import { startMqttSimulator } from '../../engine/drivers/mqtt';
import { simulatedThings } from '../../engine/drivers/mqtt/simulator';
import { startOnvifSimulator } from '../../engine/drivers/onvif';
import { startSnmpSimulator } from '../../engine/drivers/snmp-traps';
import { startVivotekSimulator } from '../../engine/drivers/vivotek';
import { freeUdpPort } from '../support/snmptrapd';
import { pause, steadyClock } from '../support/steady-clock';
import type { DriverKind } from './played-device';

/** The ingest path of one device. */
async function ingestFor(push: (request: PushRequest) => Promise<unknown>) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const rest = (request.url ?? '').slice('/ingest/token'.length);
    try {
      await push({
        method: request.method ?? '',
        path: rest.startsWith('/') ? rest : `/${rest}`,
        headers: { ...request.headers },
        body: Buffer.concat(chunks),
        remoteAddress: '127.0.0.1',
      });
      response.writeHead(200).end();
    } catch (thrown) {
      response.writeHead(asAlarmflowError(thrown).family === 'user' ? 400 : 500).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ingest/token`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A fault that lasts some polls. */
async function briefly(faults: { set(name: string, on?: boolean): void }, name: string): Promise<void> {
  faults.set(name, true);
  await pause(300);
  faults.set(name, false);
}

const hikvision: DriverKind = {
  kind: 'hikvision',
  output: '1',
  has: ['odd', 'unknown', 'login', 'password', 'clock', 'tcp', 'confides', 'pushes'],
  async start({ port, password }) {
    const sim = await startHikvisionSimulator({
      heartbeatMs: 200,
      clock: steadyClock,
      ...(port && { port }),
      ...(password && { password }),
    });
    const alarm = (state: 'active' | 'inactive'): unknown => sim.fire({ scene: 'motion', channel: 1, state });
    return {
      port: sim.port,
      type: 'motion',
      repeat: () => alarm('active'),
      end: () => alarm('inactive'),
      odd: () => sim.fireRaw('<EventNotificationAlert><eventType>VMD</eventTyp'),
      unknown: () =>
        sim.fireRaw(
          '<EventNotificationAlert><eventType>neverSeen</eventType><eventState>active</eventState><channelID>1</channelID></EventNotificationAlert>',
        ),
      confide: (secret) =>
        sim.fireRaw(
          `<EventNotificationAlert><eventType>login</eventType><eventState>active</eventState><userPassword>${secret}</userPassword></EventNotificationAlert>`,
        ),
      setClock: () => sim.faults.set('wrong-clock'),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      setPassword: sim.setPassword,
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().outputs[0]!.on,
      close: () => sim.close(),
    };
  },
};

const dahua: DriverKind = {
  kind: 'dahua',
  output: '1',
  has: ['odd', 'unknown', 'login', 'password', 'clock', 'tcp', 'confides'],
  async start({ port, password }) {
    const sim = await startDahuaSimulator({
      secondMs: 200,
      clock: steadyClock,
      ...(port && { port }),
      ...(password && { password }),
    });
    return {
      port: sim.port,
      type: 'digital-input',
      repeat: () => sim.setInput(0, true),
      end: () => sim.setInput(0, false),
      odd: () => sim.fireRaw('Code=;action=;;index=\r\n{"half'),
      unknown: () => sim.fire({ code: 'NeverSeen', action: 'Pulse', data: {} }),
      confide: (secret) => sim.fire({ code: 'UserModified', action: 'Pulse', data: { User: 'a', Password: secret } }),
      setClock() {
        sim.faults.set('fast-clock');
        sim.fire({ code: 'NTPAdjustTime', action: 'Pulse' });
      },
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      setPassword: sim.setPassword,
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().outputs.find(({ id }) => id === 1)?.on ?? null,
      close: () => sim.close(),
    };
  },
};

const onvif: DriverKind = {
  kind: 'onvif',
  output: '000',
  has: ['odd', 'unknown', 'login', 'password', 'clock', 'tcp', 'pushes'],
  async start({ port, password }) {
    const sim = await startOnvifSimulator({ clock: steadyClock, ...(port && { port }), ...(password && { password }) });
    const { token } = sim.state().inputs[0]!;
    return {
      port: sim.port,
      type: 'digital-input',
      repeat: () => sim.setInput(token, true),
      end: () => sim.setInput(token, false),
      odd: () => sim.fireRaw('<wsnt:NotificationMessage><wsnt:Topic>tns1:</wsnt:Topic></wsnt:NotificationMessage>'),
      unknown: () => sim.fire({ topic: 'Never/Seen', operation: null, data: { Value: '5' } }),
      setClock: () => sim.setClockOffset(-1_000_000_000),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      setPassword: sim.setPassword,
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().relays[0]!.on,
      close: () => sim.close(),
    };
  },
};

const vivotek: DriverKind = {
  kind: 'vivotek',
  output: '0',
  has: ['odd', 'unknown', 'login', 'password', 'clock', 'tcp', 'confides', 'pushes'],
  change: { receive: 'both', credentials: { user: 'root', password: 'simulated1' }, options: {} },
  async start({ port, password, push }) {
    const door = await ingestFor(push);
    const sim = await startVivotekSimulator({
      clock: steadyClock,
      ...(port && { port }),
      ...(password && { password }),
    });
    sim.setTarget(door.url);
    const say = (phase: string): unknown => sim.fire({ event: 'motion', phase, medium: 'none' });
    return {
      port: sim.port,
      type: 'motion',
      repeat: () => say('start'),
      end: () => say('stop'),
      odd: () => fetch(door.url, { method: 'POST', body: '\u0000<<<' }),
      unknown: () => sim.fire({ event: 'NeverSeen', medium: 'none' }),
      confide: (secret) => sim.fire({ event: 'motion', medium: 'none', query: `password=${secret}` }),
      setClock: () => sim.faults.set('wrong-clock'),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      setPassword: sim.setPassword,
      refused: () => sim.state().refusedLogins,
      isOn: () => sim.state().outputs[0]!.active,
      async close() {
        await sim.close();
        await door.close();
      },
    };
  },
};

const modbus: DriverKind = {
  kind: 'modbus',
  output: '1',
  has: ['odd', 'tcp'],
  change: { credentials: null, options: {} },
  async start({ port }) {
    const sim = await startModbusSimulator({ clock: steadyClock, ...(port && { port }) });
    return {
      port: sim.port,
      type: 'digital-input',
      repeat: () => sim.setInput(1, true),
      end: () => sim.setInput(1, false),
      odd: () => briefly(sim.faults, 'other-transaction-first'),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      isOn: () => sim.state().outputs[0]!.on,
      close: () => sim.close(),
    };
  },
};

const genicam: DriverKind = {
  kind: 'genicam',
  output: 'Line0',
  has: ['odd'],
  change: { credentials: null, options: { inputs: 'Line1', outputs: 'Line0' } },
  async start() {
    const sim = await startGenicamSimulator({ clock: steadyClock, camera: 'stand-in' });
    return {
      port: 3956,
      driver: createGenicamDriver(sim.run ? { run: sim.run } : {}),
      type: 'digital-input',
      repeat: () => sim.setInput('Line1', true),
      end: () => sim.setInput('Line1', false),
      odd: () => briefly(sim.faults, 'garbage'),
      hang: (on) => sim.faults.set('frozen', on),
      unplug: async () => sim.faults.set('unplugged', true),
      replug: async () => sim.faults.set('unplugged', false),
      isOn: () => sim.output('Line0'),
      close: () => sim.close(),
    };
  },
};

const httpPush: DriverKind = {
  kind: 'http-push',
  unasked: true,
  pushOnly: true,
  has: ['odd', 'unknown', 'confides', 'pushes'],
  change: { receive: 'push', credentials: null, options: {} },
  async start({ push }) {
    const door = await ingestFor(push);
    const sim = await startHttpPushSimulator({ target: door.url });
    const say = (phase: string): unknown => sim.fire('json', { type: 'motion', phase });
    return {
      port: 80,
      type: 'motion',
      repeat: () => say('start'),
      end: () => say('stop'),
      odd: () => sim.fireRaw({ body: Buffer.from('{"type": {"type":') }),
      unknown: () => sim.fire('json', { type: 'NeverSeen' }),
      confide: (secret) => sim.fire('json', { type: 'motion', phase: 'stop', password: secret }),
      hang: () => undefined,
      unplug: () => sim.close(),
      async close() {
        await sim.close();
        await door.close();
      },
    };
  },
};

const mqtt: DriverKind = {
  kind: 'mqtt',
  output: 'Siren',
  has: ['odd', 'login', 'tcp', 'confides'],
  change: { options: { things: `tasmota Siren topic=${simulatedThings.tasmota} output=1 input=1` } },
  async start({ port, password = 'simulated1' }) {
    const sim = await startMqttSimulator({ clock: steadyClock, password, ...(port && { port }) });
    const thing = simulatedThings.tasmota;
    return {
      port: sim.port,
      type: 'digital-input',
      beat: () => sim.things.tellPeriodically(),
      repeat: () => sim.things.setInput(thing, true),
      end: () => sim.things.setInput(thing, false),
      odd() {
        for (const junk of ['', '{', '[[', 'null', '\u0000\u0001', '{"Switch1":{"Switch1":"ON"}}', 'maybe'])
          for (const topic of [`stat/${thing}/SWITCH1`, `tele/${thing}/SENSOR`, `stat/${thing}/RESULT`])
            sim.publish(topic, junk);
      },
      confide: (secret) => sim.publish(`tele/${thing}/STATE`, { Wifi: { SSId: 'a', Password: secret } }),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().outputs[thing] ?? null,
      close: () => sim.close(),
    };
  },
};

/** A receiver: it is online when its port is open, and its sender can't be asked. */
const snmpTraps: DriverKind = {
  kind: 'snmp-traps',
  unasked: true,
  has: ['odd', 'unknown'],
  async start() {
    const listenPort = await freeUdpPort();
    const sim = await startSnmpSimulator({ clock: steadyClock, port: listenPort, everyMs: 0 });
    return {
      port: 161,
      change: { host: '', options: { listenPort } },
      type: 'network-fault',
      beat: () => sim.fire('authentication-failure'),
      repeat: () => sim.fire('link-down'),
      end: () => sim.fire('link-up'),
      async odd() {
        for (const faults of [['garbage', 'empty', 'truncated'], ['wrong-community']]) {
          for (const fault of faults) sim.faults.set(fault, true);
          await sim.fire('link-down');
          sim.faults.clear();
        }
      },
      unknown: () => sim.fire('unknown'),
      hang: () => undefined,
      unplug: () => sim.close(),
      close: () => sim.close(),
    };
  },
};

/** Every driver. */
export const driverKindsPlayed: readonly DriverKind[] = [
  hikvision,
  dahua,
  onvif,
  vivotek,
  modbus,
  genicam,
  httpPush,
  mqtt,
  snmpTraps,
];
