/**
 * Kills the process at random moments while alarms hold a siren, a recording, a camera's direction and the local player.
 * Afterwards nothing is on, nothing records, no sound plays, and the camera has returned (DESIGN §4).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { OutputRow } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import {
  DEVICE_NODE,
  deviceCredentials,
  linkageFlow,
  TRIGGER_NODE,
  thermalAlert,
  writeFlowFiles,
} from '../support/linkage-flow';
import { removeFolder } from '../support/remove-folder';

const ALARMS = 30;
const KILLS = 4;
/** A player that plays for ever, to be told from all other processes by its argument. */
const PLAYS = `98765.${process.pid}`;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Processes of the player that live. */
function playing(): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8') === `sleep\0${PLAYS}\0`;
    } catch {
      // It ended between the two looks.
      return false;
    }
  }).length;
}

const held = { hold: 'after-clear', onTime: 10, postAlarm: 1, untilCleared: false, cap: '', priority: 50, version: 1 };
const nodes = [
  {
    id: 'horn',
    type: 'alarmflow-audible-alarm',
    name: 'Horn',
    targets: [{ device: DEVICE_NODE, output: '1' }, { device: 'local-console' }, { device: 'local-player' }],
    ...held,
  },
  {
    id: 'look',
    type: 'alarmflow-ptz',
    name: 'Look',
    targets: [{ device: DEVICE_NODE, channel: 1, move: 'preset', number: 3, back: 'preset', backNumber: 1 }],
    ...held,
  },
  {
    id: 'film',
    type: 'alarmflow-record',
    name: 'Film',
    version: 1,
    where: 'device',
    device: DEVICE_NODE,
    channel: '1',
    postRecord: 10,
  },
];

function flow(devicePort: number): Record<string, unknown>[] {
  const placed = nodes.map((node, at) => ({ ...node, z: 'test-tab', x: 500, y: 60 * at, wires: [[]] }));
  return [
    ...linkageFlow({ devicePort, relay: false, log: false }).map((node) =>
      node.id === TRIGGER_NODE ? { ...node, wires: [nodes.map(({ id }) => id)] } : node,
    ),
    ...placed,
  ];
}

describe('a process that is killed while it holds outputs', () => {
  it('leaves no siren, recording or sound on, and the camera where it belongs', { timeout: 600_000 }, async () => {
    const camera = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
    closers.push(() => camera.close());
    const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-crash-'));
    closers.push(() => removeFolder(dataDir));
    const files = await writeFlowFiles(flow(camera.port));
    const player = ['--player-command', 'sleep', '--player-arguments', PLAYS];
    const start = (): Promise<AlarmflowProcess> =>
      startAlarmflow({
        args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0', ...player],
        dataDir,
      });
    let site = await start();
    let url = await site.ingestUrl(DEVICE_NODE);
    closers.push(() => site.kill());

    async function pushUntilTaken(body: string): Promise<void> {
      for (;;) {
        try {
          const response = await fetch(url, { method: 'POST', body });
          await response.arrayBuffer();
          if (response.status === 200) return;
        } catch {
          // The process is gone just now; a device tries again.
        }
        await pause(50);
      }
    }
    const rows = async (): Promise<OutputRow[]> =>
      (await site.api<{ outputs: OutputRow[] }>('/api/v1/outputs')).outputs;

    let accepted = 0;
    const devices = (async () => {
      for (let rule = 1; rule <= ALARMS; rule++) {
        await pushUntilTaken(thermalAlert({ rule }));
        accepted++;
        await pause(60);
        if (rule % 2 === 0) await pushUntilTaken(thermalAlert({ rule, state: 'inactive', count: 2 }));
      }
    })();
    for (let kill = 1; kill <= KILLS; kill++) {
      const from = accepted;
      await eventually('some alarms', () => accepted >= Math.min(ALARMS, from + 5), 120_000);
      await pause(Math.random() * 300);
      await site.kill('SIGKILL');
      site = await start();
      url = await site.ingestUrl(DEVICE_NODE);
    }
    await devices;

    const ids = [
      'local-console/siren/buzzer',
      'local-player/siren/speaker',
      `${DEVICE_NODE}/ptz/1`,
      `${DEVICE_NODE}/record/1`,
      `${DEVICE_NODE}/siren/1`,
    ];
    const on = await eventually(
      'everything to be on',
      async () => {
        const all = await rows();
        return all.length >= ids.length && all.every(({ confirmed }) => confirmed) ? all : null;
      },
      60_000,
    );
    expect(on.map(({ id }) => id)).toEqual(ids);
    expect(camera.state()).toMatchObject({ preset: { preset: 3 }, switches: { recording: [1] } });
    // The player of each killed run was ended by the next.
    await eventually('one player alone', () => playing() === 1);

    // Killed once more with everything on; the alarms end while nobody is there to hear of it but the next run.
    await site.kill('SIGKILL');
    site = await start();
    url = await site.ingestUrl(DEVICE_NODE);
    for (let rule = 1; rule <= ALARMS; rule += 2)
      await pushUntilTaken(thermalAlert({ rule, state: 'inactive', count: 2 }));
    const ended = await eventually(
      'everything to be off',
      async () => {
        const all = await rows();
        return all.every(({ desired, confirmed }) => !desired && confirmed === false) ? all : null;
      },
      90_000,
    );
    expect(ended.map(({ heldBy, lastError }) => [heldBy, lastError])).toEqual(ended.map(() => [[], null]));
    expect(camera.state()).toMatchObject({ preset: { preset: 1 }, switches: { recording: [] } });
    await eventually('no player', () => playing() === 0);
    const { plays } = camera.state().switches.siren;
    await pause(6_000);
    expect(camera.state().switches.siren.plays).toBe(plays);
  });
});
