import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../engine/domain/log';
import { modbusDriver, startModbusSimulator } from '../../engine/drivers/modbus';
import { mqttDriver, startMqttSimulator } from '../../engine/drivers/mqtt';
import { onvifDriver, startOnvifSimulator } from '../../engine/drivers/onvif';
import { snmpTrapsDriver, startSnmpSimulator } from '../../engine/drivers/snmp-traps';
import { createDeviceHttp } from '../../engine/drivers/wire';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../support/connected-driver';
import { until } from '../support/recording-sink';
import { freeUdpPort } from '../support/snmptrapd';
import { steadyClock } from '../support/steady-clock';

afterEach(closeDrivers);

const loopback = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

/** Some systems take a zone with the loopback's address, others do not. */
async function takesZone(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '::1%lo', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe.skipIf(!loopback)('over IPv6 (skipped where this machine has no ::1)', () => {
  it('a zone stays out of what the device is told', async ({ skip }) => {
    const hosts: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      hosts.push(request.headers.host);
      response.end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    closeLater(async () => void server.close());
    const { port } = server.address() as AddressInfo;
    if (!(await takesZone(port))) skip('this system takes no zone with ::1');
    for (const host of ['::1', '::1%lo']) {
      const http = createDeviceHttp({
        host,
        port,
        tls: false,
        allowSelfSigned: false,
        credentials: null,
        clock: steadyClock,
        log: silentLog,
        onLocked: () => undefined,
      });
      await http.request({ method: 'GET', path: '/', signal: never });
      http.close();
    }
    expect(hosts).toEqual([`[::1]:${port}`, `[::1]:${port}`]);
  });

  it('an ONVIF device tells its events', async () => {
    const sim = await startOnvifSimulator({ host: '::1' });
    closeLater(() => sim.close());
    const { sink } = connectDriver(onvifDriver, sim.port, {
      host: '::1',
      credentials: { user: 'admin', password: 'simulated1' },
    });
    await until('online', linkIs(sink, 'online'));
    sim.setInput('001', true);
    await until('the start', () => sink.told().includes('digital-input start'));
  });

  it('a Modbus board tells its inputs', async () => {
    const sim = await startModbusSimulator({ host: '::1' });
    closeLater(() => sim.close());
    const { sink } = connectDriver(modbusDriver, sim.port, { host: '::1' });
    await until('the first look', () => sink.events.length >= 16);
    sim.setInput(3, true);
    await until('the start', () => sink.told().includes('digital-input start'));
  });

  it('an MQTT broker tells of its things', async () => {
    const sim = await startMqttSimulator({ host: '::1' });
    closeLater(() => sim.close());
    const { sink } = connectDriver(mqttDriver, sim.port, {
      host: '::1',
      options: { things: 'zigbee Kitchen device=kitchen/smoke input=smoke' },
    });
    await until('online', linkIs(sink, 'online'));
    sim.things.setInput('kitchen/smoke', true);
    await until('the start', () => sink.told().includes('smoke start'));
  });

  it('an SNMP sender is known by its address', async () => {
    const listenPort = await freeUdpPort();
    const { sink } = connectDriver(snmpTrapsDriver, 0, {
      host: '',
      credentials: { user: '', password: 'simulated1' },
      options: { listenPort, sources: '::1\n192.0.2.1' },
    });
    await until('online', linkIs(sink, 'online'));
    const sim = await startSnmpSimulator({ host: '::1', port: listenPort, everyMs: 0 });
    closeLater(() => sim.close());
    await sim.fire('link-down', { inform: true });
    expect(sim.state().confirmed).toBe(1);
    expect(sink.events.map(({ draft }) => draft.input)).toEqual(['::1']);
  });
});
