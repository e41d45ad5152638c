/** PTZ moves of the four camera protocols against their simulators, over real sockets. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectedDevice, PtzMove } from '../../engine/domain/devices';
import { closeConnected, prepared } from '../support/connected-dahua';
import { closeDrivers } from '../support/connected-driver';
import { closeOnvif, connectedOnvif, onvifOnline } from '../support/connected-onvif';
import { hikvisionDevice } from '../support/hikvision-device';
import { until } from '../support/recording-sink';
import { cameraSite, closeSites } from './vivotek/site';

afterEach(async () => {
  await Promise.all([closeConnected(), closeDrivers(), closeOnvif(), closeSites()]);
});

interface Camera {
  connection: ConnectedDevice;
  /** What it does by itself. */
  motion(): string | null;
  aux(): unknown;
}

type Open = (faults?: string[]) => Promise<Camera>;

const cameras: Record<string, Open> = {
  async hikvision(faults = []) {
    const { sim, connection } = await hikvisionDevice({ model: 'camera', faults }, {}, { start: false });
    return { connection, motion: () => sim.state().motion, aux: () => sim.state().aux };
  },
  async dahua(faults = []) {
    const { sim, connection } = await prepared({ model: 'camera', faults } as Parameters<typeof prepared>[0]);
    return { connection, motion: () => sim.state().motion, aux: () => sim.state().aux };
  },
  async vivotek(faults = []) {
    const { sim, connection } = await cameraSite({ faults } as Parameters<typeof cameraSite>[0]);
    return { connection, motion: () => sim.state().motion, aux: () => null };
  },
  async onvif(faults = []) {
    const { sim, sink, connection } = await connectedOnvif({ faults } as Parameters<typeof connectedOnvif>[0]);
    await until('online', onvifOnline(sink));
    return { connection, motion: () => sim.state().motion, aux: () => sim.state().wiper };
  },
};

const limit = (): AbortSignal => AbortSignal.timeout(30_000);
const open = (kind: string, faults?: string[]): Promise<Camera> => cameras[kind]!(faults);
const ptz = ({ connection }: Camera, move: PtzMove, channel = 1): Promise<void> =>
  connection.ptz!(channel, move, limit());

describe('a camera that is to move by itself', () => {
  it.each<[string, PtzMove, string]>([
    ['hikvision', { move: 'tour', number: 2 }, 'patrol 2'],
    ['hikvision', { move: 'pattern', number: 1 }, 'pattern 1'],
    ['hikvision', { move: 'scan', number: 1 }, 'auto scan'],
    ['hikvision', { move: 'scan', number: 5 }, 'panorama scan'],
    ['hikvision', { move: 'pan' }, 'pan'],
    ['hikvision', { move: 'home' }, 'home'],
    ['dahua', { move: 'tour', number: 3 }, 'tour 3'],
    ['dahua', { move: 'pattern', number: 1 }, 'pattern 1'],
    ['dahua', { move: 'scan', number: 2 }, 'scan 2'],
    ['dahua', { move: 'pan' }, 'pan'],
    ['vivotek', { move: 'tour', number: 1 }, 'patrol'],
    ['vivotek', { move: 'pan' }, 'pan'],
    ['vivotek', { move: 'home' }, 'home'],
    ['onvif', { move: 'tour', number: 2 }, 'tour Tour_2'],
    ['onvif', { move: 'pan' }, 'pan'],
    ['onvif', { move: 'home' }, 'home'],
  ])('%s takes %j, once or twice, and stops', async (kind, move, motion) => {
    const camera = await open(kind);
    await ptz(camera, move);
    expect(camera.motion()).toBe(motion);
    await ptz(camera, move);
    expect(camera.motion()).toBe(motion);
    await ptz(camera, { move: 'stop' });
    expect(camera.motion()).toBeNull();
  });

  it.each(Object.keys(cameras))('%s leaves its tour for a preset', async (kind) => {
    const camera = await open(kind);
    await ptz(camera, { move: 'tour', number: 1 });
    await ptz(camera, { move: 'preset', number: 2 });
    expect(camera.motion()).toBeNull();
  });

  it.each(Object.keys(cameras))('%s stops although it was told nothing before', async (kind) => {
    const camera = await open(kind);
    await ptz(camera, { move: 'stop' });
    expect(camera.motion()).toBeNull();
  });
});

describe('auxiliary switches', () => {
  it.each<[string, number, unknown, unknown]>([
    ['hikvision', 2, [2], []],
    ['dahua', 4, [4], []],
    // IRLamp, Siren of the device, Wiper of its PTZ node: in the order of the lists.
    ['onvif', 3, true, false],
  ])('of %s are set on and off, and stay when set again', async (kind, number, on, off) => {
    const camera = await open(kind);
    await ptz(camera, { move: 'aux', number, on: true });
    await ptz(camera, { move: 'aux', number, on: true });
    expect(camera.aux()).toEqual(on);
    await ptz(camera, { move: 'aux', number, on: false });
    expect(camera.aux()).toEqual(off);
  });
});

describe('a move that a camera does not know', () => {
  it.each<[string, PtzMove, string]>([
    ['hikvision', { move: 'scan', number: 9 }, 'E_NOT_SUPPORTED'],
    ['hikvision', { move: 'tour', number: 99 }, 'E_BAD_PARAMETER'],
    ['hikvision', { move: 'tour', number: 0 }, 'E_BAD_PARAMETER'],
    ['dahua', { move: 'home' }, 'E_NOT_SUPPORTED'],
    ['dahua', { move: 'tour', number: 99 }, 'E_BAD_PARAMETER'],
    ['vivotek', { move: 'tour', number: 2 }, 'E_NOT_SUPPORTED'],
    ['vivotek', { move: 'pattern', number: 1 }, 'E_NOT_SUPPORTED'],
    ['vivotek', { move: 'scan', number: 1 }, 'E_NOT_SUPPORTED'],
    ['vivotek', { move: 'aux', number: 1, on: true }, 'E_NOT_SUPPORTED'],
    ['onvif', { move: 'pattern', number: 1 }, 'E_NOT_SUPPORTED'],
    ['onvif', { move: 'scan', number: 1 }, 'E_NOT_SUPPORTED'],
    ['onvif', { move: 'tour', number: 9 }, 'E_BAD_PARAMETER'],
    ['onvif', { move: 'aux', number: 9, on: true }, 'E_BAD_PARAMETER'],
  ])('%s refuses %j with %s of the user', async (kind, move, code) => {
    const camera = await open(kind);
    await expect(ptz(camera, move)).rejects.toMatchObject({ code, family: 'user' });
    expect(camera.motion()).toBeNull();
  });

  it.each(['hikvision', 'dahua'])('%s that says its error in a 200 is not believed', async (kind) => {
    const camera = await open(kind, ['error-in-200']);
    await expect(ptz(camera, { move: 'tour', number: 1 })).rejects.toThrow('PTZ tour 1 on channel 1 of');
    expect(camera.motion()).toBeNull();
  });
});
