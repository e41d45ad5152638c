/** A deploy moves or removes a device while its siren is on: the whole engine against simulated devices. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { type HikvisionSimulator, startSimulator } from '../../engine/drivers';
import { openSite, type Site } from '../../engine/host/site';
import { deviceAt, until } from '../support/recording-sink';

// Each test opens a site, which takes most of its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function camera(): Promise<HikvisionSimulator> {
  const sim = await startSimulator('hikvision', { user: 'admin', password: 'simulated1' });
  closers.push(() => sim.close());
  return sim;
}

const isOn = (sim: HikvisionSimulator): boolean => sim.state().outputs[0]?.on === true;

interface Flow {
  port: number | null;
  name?: string;
  relay?: boolean;
}

async function deploy(site: Site, { port, name = 'Yard', relay = true }: Flow): Promise<void> {
  await site.flow.detach('cam1');
  await site.flow.detach('relay-node');
  if (port !== null) await site.flow.defineDevice(deviceAt(port, { name }));
  if (relay) await site.flow.defineOutput({ nodeId: 'relay-node', deviceId: 'cam1', output: '1', name: 'Siren' });
  await site.flowsStarted();
}

/** A site whose flow holds the first relay of the camera. */
async function holding(old: HikvisionSimulator): Promise<Site> {
  const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-moved-'));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  const site = await openSite({
    dataDir,
    databaseUrl: null,
    redisUrl: null,
    siteName: 'Test',
    clock: systemClock,
    log: silentLog,
  });
  closers.push(() => site.close());
  await deploy(site, { port: old.port });
  await site.outputs.request({
    nodeId: 'relay-node',
    nodeName: 'Siren',
    deviceId: 'cam1',
    output: '1',
    alarm: null,
    messageId: 'm1',
    condition: true,
    topic: '',
    hold: { afterClearMs: 0, capMs: null },
  });
  await until('the relay is on', () => isOn(old), 30_000);
  await until('that is on record', () => site.outputs.list()[0]?.confirmed === true, 30_000);
  return site;
}

describe('a deploy while a relay is on', () => {
  it('that moves the device switches it off at the old address and on at the new one', async () => {
    const [old, other] = [await camera(), await camera()];
    const site = await holding(old);
    await deploy(site, { port: other.port });
    await until('it is off there', () => !isOn(old), 30_000);
    await until('it is on here', () => isOn(other), 30_000);
    expect(isOn(old)).toBe(false);
  });

  it.each([
    ['that removes the device with its relay node', { port: null, relay: false }],
    ['that removes the device and leaves the relay node', { port: null }],
  ])('%s switches it off', async (_what, flow) => {
    const old = await camera();
    await deploy(await holding(old), flow);
    expect(isOn(old)).toBe(false);
  });

  it('that gives the device another name leaves it on', async () => {
    const old = await camera();
    const site = await holding(old);
    let went = false;
    const watch = setInterval(() => (went ||= !isOn(old)), 5);
    await deploy(site, { port: old.port, name: 'Gate' });
    await until('it is connected again', () => site.devices.status('cam1')?.link === 'online', 30_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    clearInterval(watch);
    expect(went).toBe(false);
  });

  it('says in the audit trail which relay may be on where nothing answers', async () => {
    const [old, other] = [await camera(), await camera()];
    const site = await holding(old);
    await old.close();
    await deploy(site, { port: other.port });
    await until('it is on here', () => isOn(other), 30_000);
    const lines = await site.store.audit({ limit: 20 });
    expect(lines.find(({ action }) => action === 'output.left-on')).toMatchObject({
      who: 'alarmflow',
      subject: 'cam1/relay/1',
      detail: expect.stringContaining(`the relay at 127.0.0.1:${old.port} could not be switched off`),
    });
  });
});
