/**
 * What is on when its device cannot be reached any more goes off when that is back, also where alarmflow was started
 * again in between: every kind of output of every driver, over the real protocols.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { DeviceDefinition } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import type { OutputKind } from '../../engine/domain/outputs';
import { startSimulator } from '../../engine/drivers';
import { startDahuaSimulator } from '../../engine/drivers/dahua/simulator';
import { startModbusSimulator } from '../../engine/drivers/modbus/simulator';
import { startMqttSimulator } from '../../engine/drivers/mqtt/simulator';
import { startOnvifSimulator } from '../../engine/drivers/onvif/simulator';
import { startVivotekSimulator } from '../../engine/drivers/vivotek/simulator';
import { openSite, type Site } from '../../engine/host/site';
import { type Gate, openGate } from '../support/gate';
import { deviceAt, until } from '../support/recording-sink';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const login = { user: 'admin', password: 'simulated1' };

interface Subject {
  device: DeviceDefinition;
  gate: Gate;
  /** What is on, as the device itself says. */
  on(): string[];
}

const named = (states: readonly (readonly [string, boolean])[]): string[] =>
  states.filter(([, on]) => on).map(([name]) => name);

async function subject<T extends { port: number; close(): Promise<void> }>(
  id: string,
  start: Promise<T>,
  definition: Partial<DeviceDefinition>,
  on: (sim: T) => string[],
): Promise<Subject> {
  const sim = await start;
  closers.push(() => sim.close());
  const gate = await openGate(sim.port);
  closers.push(() => gate.end());
  return { device: deviceAt(gate.port, { id, name: id, credentials: login, ...definition }), gate, on: () => on(sim) };
}

const subjects = (): Promise<Subject[]> =>
  Promise.all([
    subject('hikvision', startSimulator('hikvision', { ...login, model: 'thermal' }), {}, (sim) => {
      const { outputs, switches } = sim.state();
      return named([
        ...outputs.map(({ id, on }) => [`relay ${id}`, on] as const),
        ['siren', switches.siren.playing !== null],
        ...switches.lights.map(({ channel, mode }) => [`light ${channel} ${mode}`, /white|on/i.test(mode)] as const),
        ['external light', switches.external.on],
        ['recording', switches.recording.length > 0],
        ['hub siren', switches.hubSirens.length > 0],
      ]);
    }),
    ...(['nvr', 'camera'] as const).map((model) =>
      subject(`dahua ${model}`, startDahuaSimulator({ ...login, model }), { driver: 'dahua' }, (sim) => {
        const { outputs, light, siren, recordModes } = sim.state();
        return named([
          ...outputs.map(({ id, on }) => [`relay ${id}`, on] as const),
          ['light', light],
          ['siren', siren],
          ['recording', recordModes.some((mode) => mode === '1')],
        ]);
      }),
    ),
    subject('vivotek', startVivotekSimulator(login), { driver: 'vivotek' }, (sim) =>
      named(sim.state().outputs.map(({ number, active }) => [`output ${number}`, active])),
    ),
    ...(['bistable', 'monostable'] as const).map((relay) =>
      subject(
        `onvif ${relay}`,
        startOnvifSimulator({ ...login, ...(relay === 'monostable' ? { faults: ['monostable'] } : {}) }),
        { driver: 'onvif' },
        (sim) => {
          const { relays, recording, lamp } = sim.state();
          return named([
            ...relays.map(({ token, on }) => [`relay ${token}`, on] as const),
            ['recording', recording],
            ['lamp', lamp],
          ]);
        },
      ),
    ),
    subject('modbus', startModbusSimulator(), { driver: 'modbus', credentials: null }, (sim) =>
      named(sim.state().outputs.map(({ output, on }) => [`coil ${output}`, on])),
    ),
    subject(
      'mqtt',
      startMqttSimulator(),
      { driver: 'mqtt', credentials: null, options: { things: 'tasmota Siren topic=yard/siren output=1' } },
      (sim) => named(Object.entries(sim.state().outputs)),
    ),
  ]);

async function open(dataDir: string, all: readonly Subject[]): Promise<Site> {
  const site = await openSite({
    dataDir,
    databaseUrl: null,
    redisUrl: null,
    siteName: 'Test',
    clock: systemClock,
    log: silentLog,
  });
  for (const { device } of all) await site.flow.defineDevice(device);
  return site;
}

interface Held {
  deviceId: string;
  kind: OutputKind;
  output: string;
}

/** All that a device says can be switched. */
async function outputsOf(site: Site, deviceId: string): Promise<Held[]> {
  await until(`${deviceId} is online`, () => site.devices.status(deviceId)?.link === 'online', 90_000);
  const { outputs, switches } = await site.devices.offers(deviceId, new AbortController().signal);
  return [
    ...outputs.map(({ output }) => ({ deviceId, kind: 'relay' as const, output })),
    ...switches.map(({ kind, name }) => ({ deviceId, kind, output: name })),
  ];
}

async function define(site: Site, held: readonly Held[]): Promise<void> {
  for (const [at, one] of held.entries()) await site.flow.defineOutput({ nodeId: `n${at}`, name: one.output, ...one });
  await site.flowsStarted();
}

async function ask(site: Site, held: readonly Held[], condition: boolean): Promise<void> {
  for (const [at, one] of held.entries())
    await site.outputs.request({
      nodeId: `n${at}`,
      nodeName: one.output,
      ...one,
      alarm: null,
      messageId: `m${at}`,
      condition,
      topic: '',
      hold: { afterClearMs: 0, capMs: null },
    });
}

it('what is on while its device is cut off goes off when that is back, though alarmflow was started again meanwhile', {
  timeout: 400_000,
}, async () => {
  const all = await subjects();
  const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-off-'));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  let site = await open(dataDir, all);
  closers.push(() => site.close());
  await site.flowsStarted();
  const held = (await Promise.all(all.map(({ device }) => outputsOf(site, device.id)))).flat();
  await define(site, held);
  await ask(site, held, true);
  await until('all are on', () => site.outputs.list().every(({ confirmed }) => confirmed === true), 90_000);
  for (const { device, on } of all) expect([device.id, on().length > 0]).toEqual([device.id, true]);

  for (const { gate } of all) gate.close();
  await ask(site, held, false);
  // A device that tells addresses of its own may be reached behind the gate.
  const tried = (): boolean => site.outputs.list().every((one) => one.lastError !== null || one.confirmed === false);
  await until('all was tried', tried, 90_000);
  expect(site.outputs.list().filter(({ lastError }) => lastError !== null).length).toBeGreaterThan(30);
  await site.close();
  site = await open(dataDir, all);
  await define(site, held);
  for (const { gate } of all) gate.open();
  await until('all is off', () => all.every(({ on }) => on().length === 0), 90_000);
  await until('that is on record', () => site.outputs.list().every(({ confirmed }) => confirmed === false), 90_000);
});
