/** A device is moved or removed while alarmflow is stopped and its relay is on: the whole engine against simulated devices. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { DeviceDefinition } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { type HikvisionSimulator, type HikvisionSimulatorOptions, startSimulator } from '../../engine/drivers';
import { openSite, type Site } from '../../engine/host/site';
import { eventually } from '../support/alarmflow-process';
import { freePort } from '../support/free-port';
import { deviceAt, until } from '../support/recording-sink';

// Each test opens a site twice or more, which takes most of its time on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The model decides on the serial number: two of one model are the same device to whoever asks. */
async function camera(
  model: HikvisionSimulatorOptions['model'],
  options: Partial<HikvisionSimulatorOptions> = {},
): Promise<HikvisionSimulator> {
  const sim = await startSimulator('hikvision', { user: 'admin', password: 'simulated1', model, ...options });
  closers.push(() => sim.close());
  return sim;
}

const isOn = (sim: HikvisionSimulator): boolean => sim.state().outputs[0]?.on === true;

class Bench {
  #dataDir = '';
  #site: Site | null = null;

  async start(device: Partial<DeviceDefinition> | null, nodes = true): Promise<Site> {
    if (this.#dataDir === '') {
      this.#dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-moved-'));
      closers.push(() => rm(this.#dataDir, { recursive: true, force: true }));
    }
    const site = await openSite({
      dataDir: this.#dataDir,
      databaseUrl: null,
      redisUrl: null,
      siteName: 'Test',
      clock: systemClock,
      log: silentLog,
    });
    this.#site = site;
    closers.push(() => this.stop());
    if (device) await site.flow.defineDevice(deviceAt(device.port ?? 1, device));
    if (nodes) await site.flow.defineOutput({ nodeId: 'relay', deviceId: 'cam1', output: '1', name: 'Siren' });
    await site.flowsStarted();
    return site;
  }

  async stop(): Promise<void> {
    const site = this.#site;
    this.#site = null;
    await site?.close();
  }

  /** On at `old`, and stopped. */
  async leftOn(old: HikvisionSimulator, device: Partial<DeviceDefinition> = {}): Promise<void> {
    const site = await this.start({ port: old.port, ...device });
    await until('the device is known', () => !!site.devices.status('cam1')?.facts, 30_000);
    await site.outputs.request({
      nodeId: 'relay',
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
    await this.stop();
  }
}

describe('a device that is moved while alarmflow is stopped and its relay is on', () => {
  it('is visited where it was, tells who it is, and is switched off', async () => {
    const [old, other] = [await camera('thermal'), await camera('camera')];
    const bench = new Bench();
    await bench.leftOn(old);
    const site = await bench.start({ port: other.port });
    await until('it is off there', () => !isOn(old), 30_000);
    await until('it is on here', () => isOn(other), 30_000);
    await until('nothing is left', () => site.outputs.leftOn().length === 0, 30_000);
    expect(site.reach.popups.list()).toEqual([]);
  });

  it('gets no command where another device answers at the old address', async () => {
    const port = await freePort();
    const [old, other] = [await camera('thermal', { port }), await camera('camera')];
    const bench = new Bench();
    await bench.leftOn(old);
    await old.close();
    const stranger = await camera('nvr', { port, onCommand: () => expect.unreachable('a stranger got a command') });
    const site = await bench.start({ port: other.port });
    await until('that is known', () => /another device answers/.test(site.outputs.leftOn()[0]?.reason ?? ''), 30_000);
    expect(stranger.state().commands).toEqual([]);
  });

  it('is sent no password where it is asked for in clear', async () => {
    const port = await freePort();
    const [old, other] = [await camera('thermal', { port }), await camera('camera')];
    const bench = new Bench();
    await bench.leftOn(old);
    await old.close();
    const sly = await camera('thermal', { port, login: 'basic' });
    const site = await bench.start({ port: other.port });
    await until(
      'that is known',
      () => /not ask for the login by Digest/.test(site.outputs.leftOn()[0]?.reason ?? ''),
      30_000,
    );
    expect(sly.state().logins.accepted).toBe(0);
    expect(sly.state().logins.refused).toBe(0);
  });
});

describe('a device that is removed while alarmflow is stopped and its relay is on', () => {
  it('is told of in a pop-up that stands over restarts, and in an event, until a person closes it', async () => {
    const old = await camera('thermal');
    const bench = new Bench();
    await bench.leftOn(old);
    let site = await bench.start(null, false);
    await until('it is told', () => site.reach.popups.list().length > 0, 30_000);
    expect(site.reach.popups.list()).toMatchObject([
      {
        title: `"Siren" at 127.0.0.1:${old.port} may still be on`,
        level: 'alarm',
        text: expect.stringContaining('is no longer in the flow'),
      },
    ]);
    const kept = async () =>
      (await site.store.events({ deviceId: 'cam1', limit: 50 })).some(
        ({ event }) => event.type === 'output-left-on' && event.phase === 'start',
      );
    // The pop-up stands as soon as it is on record; the event is written beside it.
    await eventually('the event is on record', kept);
    await bench.stop();
    site = await bench.start(null, false);
    await until('it is told again', () => site.reach.popups.list().length > 0, 30_000);
    expect(isOn(old)).toBe(true);
    await site.reach.acknowledge(site.reach.popups.list()[0]!.id, 'guard');
    await until('it is seen to', () => site.outputs.leftOn().length === 0, 30_000);
    const told = async (): Promise<string[]> =>
      (await site.store.audit({ limit: 20 }))
        .filter(({ action }) => action.startsWith('output.left'))
        .map(({ who, action }) => `${who} ${action}`);
    await vi.waitFor(async () => {
      expect(await told()).toEqual(['guard output.left-seen', 'alarmflow output.left-on']);
    }, 30_000);
    expect(await kept()).toBe(true);
  });
});
