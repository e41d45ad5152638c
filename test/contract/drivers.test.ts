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
import { startOnvifSimulator } from '../../engine/drivers/onvif';
import { startVivotekSimulator } from '../../engine/drivers/vivotek';
import { type DriverKind, driverContract, driverLives } from './driver-contract';

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

const hikvision: DriverKind = {
  kind: 'hikvision',
  output: '1',
  async start({ port, password }) {
    const sim = await startHikvisionSimulator({
      heartbeatMs: 200,
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
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().outputs[0]!.on,
      close: () => sim.close(),
    };
  },
};

const dahua: DriverKind = {
  kind: 'dahua',
  output: '1',
  async start({ port, password }) {
    const sim = await startDahuaSimulator({ secondMs: 200, ...(port && { port }), ...(password && { password }) });
    return {
      port: sim.port,
      type: 'digital-input',
      repeat: () => sim.setInput(0, true),
      end: () => sim.setInput(0, false),
      odd: () => sim.fireRaw('Code=;action=;;index=\r\n{"half'),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().outputs.find(({ id }) => id === 1)?.on ?? null,
      close: () => sim.close(),
    };
  },
};

const onvif: DriverKind = {
  kind: 'onvif',
  output: '000',
  async start({ port, password }) {
    const sim = await startOnvifSimulator({ ...(port && { port }), ...(password && { password }) });
    const { token } = sim.state().inputs[0]!;
    return {
      port: sim.port,
      type: 'digital-input',
      repeat: () => sim.setInput(token, true),
      end: () => sim.setInput(token, false),
      odd: () => sim.fireRaw('<wsnt:NotificationMessage><wsnt:Topic>tns1:</wsnt:Topic></wsnt:NotificationMessage>'),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
      refused: () => sim.state().logins.refused,
      isOn: () => sim.state().relays[0]!.on,
      close: () => sim.close(),
    };
  },
};

const vivotek: DriverKind = {
  kind: 'vivotek',
  output: '0',
  change: { receive: 'both', credentials: { user: 'root', password: 'simulated1' }, options: {} },
  async start({ port, password, push }) {
    const door = await ingestFor(push);
    const sim = await startVivotekSimulator({ ...(port && { port }), ...(password && { password }) });
    sim.setTarget(door.url);
    const say = (phase: string): unknown => sim.fire({ event: 'motion', phase, medium: 'none' });
    return {
      port: sim.port,
      type: 'motion',
      repeat: () => say('start'),
      end: () => say('stop'),
      odd: () => fetch(door.url, { method: 'POST', body: '\u0000<<<' }),
      hang: (on) => sim.faults.set('half-open', on),
      unplug: () => sim.close(),
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
  change: { credentials: null, options: {} },
  async start({ port }) {
    const sim = await startModbusSimulator({ ...(port && { port }) });
    return {
      port: sim.port,
      type: 'digital-input',
      repeat: () => sim.setInput(1, true),
      end: () => sim.setInput(1, false),
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
  change: { credentials: null, options: { inputs: 'Line1', outputs: 'Line0' } },
  async start() {
    const sim = await startGenicamSimulator({ camera: 'stand-in' });
    return {
      port: 3956,
      driver: createGenicamDriver(sim.run ? { run: sim.run } : {}),
      type: 'digital-input',
      repeat: () => sim.setInput('Line1', true),
      end: () => sim.setInput('Line1', false),
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
  pushOnly: true,
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
      hang: () => undefined,
      unplug: () => sim.close(),
      async close() {
        await sim.close();
        await door.close();
      },
    };
  },
};

const kinds = [hikvision, dahua, onvif, vivotek, modbus, genicam, httpPush];
for (const kind of kinds) driverContract(kind);
driverLives(kinds.filter(({ pushOnly }) => !pushOnly));
