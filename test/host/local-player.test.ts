import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { consoleDevice, playerDevice } from '../../engine/domain/local-devices';
import { silentLog } from '../../engine/domain/log';
import { type LocalDevices, withLocalDevices } from '../../engine/host/local-devices';
import type { PlayerSettings } from '../../engine/host/local-player';
import { eventually } from '../support/alarmflow-process';
import { temporaryFolder } from '../support/temporary-folder';

const opened: LocalDevices[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((devices) => devices.close()));
});

/** A player that writes down how it was called and its process id, and plays for some milliseconds. */
const fake = (body: string): string =>
  `const fs=require('fs');const [,file,...rest]=process.argv;fs.appendFileSync(file,JSON.stringify({pid:process.pid,rest})+'\\n');${body}`;
const plays = 'setTimeout(()=>{},60000)';

/** Its player has until its end to prove that it plays, however slowly it starts. */
const patient: Clock = { ...systemClock, sleep: () => new Promise(() => undefined) };
/** Its player plays as soon as it is started. */
const trusting: Clock = { ...systemClock, sleep: async () => undefined };

async function site(
  body: string,
  settings: Partial<PlayerSettings> = {},
  { dataDir, clock = systemClock }: { dataDir?: string; clock?: Clock } = {},
) {
  const folder = dataDir ?? (await temporaryFolder());
  const file = join(folder, 'calls');
  const calls = async () =>
    (existsSync(file) ? await readFile(file, 'utf8') : '')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { pid: number; rest: string[] });
  const again: string[] = [];
  const devices = withLocalDevices({
    devices: {
      device: () => {
        throw new Error('no flow here');
      },
    },
    player: {
      command: process.execPath,
      arguments: ['-e', fake(body), file, '{sound}', '{volume}', '$(touch x); `id`'],
      sounds: [],
      repeat: true,
      ...settings,
    },
    dataDir: folder,
    clock,
    log: silentLog,
    driveAgain: (id) => again.push(id),
  });
  opened.push(devices);
  const player = devices.device(playerDevice.id);
  return {
    folder,
    again,
    devices,
    set: (on: boolean, manner = {}) =>
      player.setSwitch!('siren', playerDevice.output, on, manner, new AbortController().signal),
    read: () => player.readSwitch!('siren', playerDevice.output, new AbortController().signal),
    calls,
    /** All of them, as soon as there are so many: a program takes its time to start. */
    called: (times: number) =>
      eventually(`it was started ${times} times`, async () => {
        const made = await calls();
        return made.length >= times ? made : null;
      }),
  };
}

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process.
    return false;
  }
};

describe('the local player', () => {
  it('plays while it is held, without a shell, and is ended with the hold', async () => {
    const player = await site(plays);
    expect(await player.set(true, { volume: 40 })).toBe(true);
    const [call] = await player.called(1);
    expect(call?.rest).toEqual([join(player.folder, 'sounds', 'alarm.wav'), '40', '$(touch x); `id`']);
    expect(await player.read()).toBe(true);
    expect(await player.set(false)).toBe(false);
    expect(lives(call!.pid)).toBe(false);
    expect(await player.read()).toBe(false);
  });

  it('has a sound of its own that is a WAVE file', async () => {
    const player = await site(plays);
    await player.set(true);
    const bytes = await readFile(join(player.folder, 'sounds', 'alarm.wav'));
    expect(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 12)).toBe('RIFFWAVE');
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
  });

  it('goes on with the sound that plays when it is set again, and changes to another', async () => {
    const player = await site(plays, { sounds: ['/a.wav', '/b.wav'] });
    await player.set(true, { sound: 1 });
    await player.called(1);
    await player.set(true, { sound: 1 });
    await player.set(true, { sound: 2 });
    const [first, second, ...more] = await player.called(2);
    expect([first?.rest[0], second?.rest[0], more]).toEqual(['/a.wav', '/b.wav', []]);
    expect(lives(first!.pid)).toBe(false);
  });

  it('sounds with its first sound where it has not got the one that is asked for', async () => {
    const player = await site(plays, { sounds: ['/a.wav', '/b.wav'] });
    expect(await player.set(true, { sound: 7 })).toBe(true);
    expect((await player.called(1))[0]?.rest[0]).toBe('/a.wav');
  });

  it('is started again when the sound ends before the hold', async () => {
    const player = await site('setTimeout(()=>{},550)');
    await player.set(true);
    await player.called(2);
    await player.set(false);
    const before = await player.calls();
    expect(before.filter(({ pid }) => lives(pid))).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await player.calls()).toHaveLength(before.length);
  });

  it('plays once where the site says so', async () => {
    const player = await site('setTimeout(()=>{},300)', { repeat: false });
    await player.set(true);
    await eventually('played', async () => (await player.read()) === false);
    expect(await player.calls()).toHaveLength(1);
    expect(player.again).toEqual([]);
  });

  it('plays as often as it is told and then keeps silent, even where it does not repeat', async () => {
    const player = await site('setTimeout(()=>{},300)', { repeat: false });
    expect(await player.set(true, { times: 2, since: 100 })).toBe(true);
    await player.called(2);
    await eventually('the second is over', async () => !(await player.read()));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(await player.calls()).toHaveLength(2);
    expect(player.again).toEqual([]);
    // The same claim once more, as after a deploy, is heard no more; a newer one is.
    expect(await player.set(true, { times: 2, since: 100 })).toBe(true);
    expect(await player.read()).toBe(false);
    await player.set(true, { times: 1, since: 200 });
    expect(await player.called(3)).toHaveLength(3);
    await player.set(false);
    await player.set(true, { times: 1, since: 200 });
    expect(await player.called(4)).toHaveLength(4);
  });

  it('that goes on failing is driven again, so that its trouble is shown', async () => {
    const player = await site('process.exit(3)', {}, { clock: trusting });
    await player.set(true);
    await eventually('told', () => player.again.length > 0);
    expect(player.again).toEqual([playerDevice.id]);
    expect(await player.calls()).toHaveLength(3);
  });

  it.each<[string, string, Partial<PlayerSettings>, string, string]>([
    ['is not configured', plays, { command: null }, 'E_NO_PLAYER', '--player-command'],
    ['is not installed', plays, { command: 'no-such-player' }, 'E_PLAYER_AWAY', 'Install the program'],
    ['cannot play', "console.error('no sound card');process.exit(1)", {}, 'E_PLAYER_AWAY', 'no sound card'],
  ])('that %s says so with the remedy', async (_what, body, settings, code, words) => {
    const player = await site(body, settings, { clock: patient });
    await expect(player.set(true)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(await player.read()).toBe(false);
    expect(await player.set(false)).toBe(false);
  });

  it('of a killed run is silenced by the next start', async () => {
    const first = await site(plays);
    await first.set(true);
    const [call] = await first.called(1);
    // As after SIGKILL: nobody has ended it, only the note of it is left.
    const { folder } = first;
    await site(plays, {}, { dataDir: folder });
    await eventually('silent', () => !lives(call!.pid));
    // The first one lives on in this process, and would start it again.
    await first.devices.close();
  });

  it('plays where nothing can be noted of it: a full disk must not silence an alarm, nor end alarmflow', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'player.pid'));
    const player = await site(plays, {}, { dataDir: folder });
    expect(await player.set(true)).toBe(true);
    const [call] = await player.called(1);
    expect(await player.set(false)).toBe(false);
    expect(lives(call!.pid)).toBe(false);
  });

  it('says so where its own sound cannot be written, and leaves one alone that is whole', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'sounds'), 'in the way');
    const mute = await site(plays, {}, { dataDir: folder });
    await expect(mute.set(true)).rejects.toMatchObject({
      code: 'E_PLAYER_AWAY',
      family: 'operational',
      message: expect.stringContaining('Free some space there'),
    });
    const player = await site(plays);
    await player.set(true);
    const own = join(player.folder, 'sounds', 'alarm.wav');
    const { mtimeNs } = await stat(own, { bigint: true });
    await player.set(false);
    await player.set(true);
    expect((await stat(own, { bigint: true })).mtimeNs).toBe(mtimeNs);
  });

  it('leaves a process alone that has the number of a player that is gone', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'player.pid'), JSON.stringify({ pid: process.ppid, line: ['aplay', 'alarm.wav'] }));
    await site(plays, {}, { dataDir: folder });
    expect(lives(process.ppid)).toBe(true);
  });
});

describe("the console's buzzer", () => {
  it('holds its state for the consoles and knows nothing else', async () => {
    const { devices } = await site(plays);
    const device = devices.device(consoleDevice.id);
    const { signal } = new AbortController();
    expect(await device.setSwitch!('siren', 'buzzer', true, {}, signal)).toBe(true);
    expect(await device.readSwitch!('siren', 'buzzer', signal)).toBe(true);
    await expect(device.setSwitch!('light', 'buzzer', true, {}, signal)).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
    });
    await expect(device.setOutput('1', true, signal)).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' });
  });
});
