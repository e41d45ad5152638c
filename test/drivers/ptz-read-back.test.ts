/** What became of a camera's move, read back from the simulators of four makers over real sockets. */
import { afterAll, describe, expect, it } from 'vitest';
import type { PtzMove } from '../../engine/domain/devices';
import type { PtzOutcome } from '../../engine/domain/ptz-outcomes';
import type { DriverConnection } from '../../engine/drivers/driver';
import { closeConnected, prepared } from '../support/connected-dahua';
import { closeDrivers } from '../support/connected-driver';
import { closeOnvif, connectedOnvif, onvifOnline } from '../support/connected-onvif';
import { hikvisionDevice } from '../support/hikvision-device';
import { until } from '../support/recording-sink';
import { cameraSite, closeSites } from './vivotek/site';

// Cameras turn in their own time: the tests run beside one another, each with a camera of its own.
afterAll(async () => {
  await Promise.all([closeConnected(), closeDrivers(), closeOnvif(), closeSites()]);
});

interface Camera {
  connection: DriverConnection;
  faults: { set(name: string, on?: boolean): void };
  locked(): boolean;
  /** How often it was asked, at least where it looks. */
  asked(): number;
}

type Open = (faults?: string[]) => Promise<Camera>;

const cameras: Record<string, Open> = {
  async hikvision(faults = []) {
    const { sim, sink, connection } = await hikvisionDevice({ model: 'camera', faults }, {}, { start: false });
    return {
      connection,
      faults: sim.faults,
      locked: () => sink.locks.length > 0,
      asked: () => sim.state().requests,
    };
  },
  async dahua(faults = []) {
    const { sim, sink, connection } = await prepared({ model: 'camera', faults } as Parameters<typeof prepared>[0]);
    return {
      connection,
      faults: sim.faults,
      locked: () => sink.locks.length > 0,
      asked: () => sim.state().requests,
    };
  },
  async vivotek(faults = []) {
    const { sim, sink, connection } = await cameraSite({ faults } as Parameters<typeof cameraSite>[0]);
    return {
      connection,
      faults: sim.faults,
      locked: () => sink.locks.length > 0,
      asked: () => sim.state().requests,
    };
  },
  async onvif(faults = []) {
    const { sim, sink, connection } = await connectedOnvif({ faults } as Parameters<typeof connectedOnvif>[0]);
    await until('online', onvifOnline(sink));
    return {
      connection,
      faults: sim.faults,
      locked: () => sink.locks.length > 0,
      asked: () => (sim.state().requests.GetStatus ?? 0) + (sim.state().requests.GetPresets ?? 0),
    };
  },
};

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

async function sent({ connection }: Camera, move: PtzMove): Promise<PtzOutcome | null> {
  const { arrival } = await connection.turn!(1, move, limit());
  return arrival ? arrival(limit()) : null;
}

/** Has it looked at once, so that it is known where it was before the next move. */
async function primed(camera: Camera): Promise<Camera> {
  const { arrival } = await camera.connection.turn!(1, preset(1), limit());
  const before = camera.asked();
  const stop = new AbortController();
  const looking = arrival!(stop.signal);
  // A look that was followed by another question has been understood.
  await until('it was looked at', () => camera.asked() >= before + 2);
  stop.abort();
  await looking;
  return camera;
}

const preset = (number: number): PtzMove => ({ move: 'preset', number });
const home: PtzMove = { move: 'home' };

describe.concurrent('what became of a move', { timeout: 60_000 }, () => {
  it.each<[string, string, string[], PtzMove, PtzOutcome | null]>([
    ['hikvision', 'tells where its presets are', [], preset(2), 'reached'],
    ['hikvision', 'turns slowly', ['ptz-slow'], preset(2), 'reached'],
    ['hikvision', 'says yes and does not move', ['ptz-stuck'], preset(2), 'not-moved'],
    ['hikvision', 'tells no places of presets', ['no-preset-places'], preset(2), 'moved'],
    ['hikvision', 'is stuck and tells no places', ['ptz-stuck', 'no-preset-places'], preset(2), 'unmoved'],
    ['hikvision', 'has no status', ['no-ptz-status'], preset(2), 'unconfirmed'],
    ['hikvision', 'goes home', [], home, 'moved'],
    ['onvif', 'tells where its presets are', [], preset(2), 'reached'],
    ['onvif', 'does not tell whether it moves', ['no-move-status'], preset(2), 'reached'],
    ['onvif', 'turns slowly', ['ptz-slow'], preset(2), 'reached'],
    ['onvif', 'says yes and does not move', ['ptz-stuck'], preset(2), 'not-moved'],
    ['onvif', 'tells no places of presets', ['no-preset-places'], preset(2), 'moved'],
    ['onvif', 'has no status', ['no-ptz-status'], preset(2), 'unconfirmed'],
    ['onvif', 'says zero whatever it does', ['ptz-always-zero', 'no-move-status'], preset(2), 'unmoved'],
    ['onvif', 'goes home', [], home, 'moved'],
    ['dahua', 'says at which preset it is', [], preset(2), 'reached'],
    ['dahua', 'turns slowly', ['ptz-slow'], preset(2), 'reached'],
    ['dahua', 'tells no presets', ['no-preset-places'], preset(2), 'moved'],
    ['dahua', 'says yes and does not move', ['ptz-stuck', 'no-preset-places'], preset(2), 'unmoved'],
    ['dahua', 'has no status', ['no-ptz-status'], preset(2), 'unconfirmed'],
    ['vivotek', 'tells where it looks', [], preset(2), 'moved'],
    ['vivotek', 'turns slowly', ['ptz-slow'], preset(2), 'moved'],
    ['vivotek', 'says yes and does not move', ['ptz-stuck'], preset(2), 'unmoved'],
    ['vivotek', 'has its program elsewhere', ['camctrl-recall'], preset(2), 'moved'],
    ['vivotek', 'has no status', ['no-ptz-status'], preset(2), 'unconfirmed'],
    ['vivotek', 'goes home', [], home, 'moved'],
  ])('of %s that %s', async (kind, _what, faults, move, outcome) => {
    const camera = await cameras[kind]!(faults);
    if (outcome !== 'unconfirmed') await primed(camera);
    expect(await sent(camera, move)).toBe(outcome);
  });

  it.each(['hikvision', 'onvif'])('of %s that is there already is told so', async (kind) => {
    const camera = await cameras[kind]!();
    expect(await sent(camera, preset(3))).toBe('reached');
    expect(await sent(camera, preset(3))).toBe('already-there');
  });

  it.each(['hikvision', 'onvif'])('of %s that is stuck for once is told anew', async (kind) => {
    const camera = await primed(await cameras[kind]!(['ptz-stuck']));
    expect(await sent(camera, preset(2))).toBe('not-moved');
    camera.faults.set('ptz-stuck', false);
    expect(await sent(camera, preset(2))).toBe('reached');
  });

  it.each(Object.keys(cameras))('of %s without a status is not asked for again, and locks nothing', async (kind) => {
    const camera = await cameras[kind]!(['no-ptz-status']);
    await sent(camera, preset(1));
    const { connection } = camera;
    const { arrival } = await connection.turn!(1, preset(2), limit());
    expect(arrival).toBeNull();
    expect(camera.locked()).toBe(false);
  });

  it.each(Object.keys(cameras))('of %s is not looked for after a tour or a stop', async (kind) => {
    const { connection } = await cameras[kind]!();
    for (const move of [{ move: 'tour', number: 1 }, { move: 'stop' }] as const)
      expect((await connection.turn!(1, move, limit())).arrival).toBeNull();
  });

  it('is overtaken by a later move, at once by an abort', async () => {
    const { connection } = await cameras.hikvision!(['ptz-slow']);
    const first = await connection.turn!(1, preset(2), limit());
    const looking = first.arrival!(limit());
    await connection.ptz!(1, preset(3), limit());
    expect(await looking).toBe('overtaken');
    const stop = new AbortController();
    const second = (await connection.turn!(1, preset(4), limit())).arrival!(stop.signal);
    stop.abort();
    expect(await second).toBe('overtaken');
  });

  it('is not known of a camera that goes away in between', async () => {
    const { connection } = await cameras.hikvision!(['ptz-slow']);
    const { arrival } = await connection.turn!(1, preset(2), limit());
    const looking = arrival!(limit());
    await connection.close();
    expect(await looking).toBe('unconfirmed');
  });

  it('lets other commands of the camera through meanwhile', async () => {
    const { connection } = await cameras.hikvision!(['ptz-slow']);
    const { arrival } = await connection.turn!(1, preset(2), limit());
    let over = false;
    const looking = arrival!(limit()).then((outcome) => {
      over = true;
      return outcome;
    });
    expect(await connection.setOutput('1', true, limit())).toBe(true);
    expect(over).toBe(false);
    expect(await looking).toBe('reached');
  });
});
