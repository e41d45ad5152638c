/**
 * Kills the process at random moments while 200 alarms come in. Afterwards every accepted alarm's actions have
 * exactly one outcome, every mail exists once by its Message-ID, and no output is on without a lease (DESIGN §4).
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { ActionRow, Alarm, OutputRow } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import {
  DEVICE_NODE,
  deviceCredentials,
  EMAIL_NODE,
  LOG_NODE,
  linkageFlow,
  thermalAlert,
  writeFlowFiles,
} from '../support/linkage-flow';
import { removeFolder } from '../support/remove-folder';
import { openPostOffice } from '../support/smtp-post-office';

const ALARMS = 200;
const KILLS = 5;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a process that is killed again and again', () => {
  it('leaves every accepted alarm with one outcome for each action and no output on', {
    timeout: 600_000,
  }, async () => {
    const camera = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
    closers.push(() => camera.close());
    const office = await openPostOffice();
    closers.push(() => office.close());
    const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-crash-'));
    closers.push(() => removeFolder(dataDir));
    const files = await writeFlowFiles(
      linkageFlow({ devicePort: camera.port, mailPort: office.port, postAlarmSeconds: 1 }),
    );
    const start = (): Promise<AlarmflowProcess> =>
      startAlarmflow({
        args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
        dataDir,
      });
    let site = await start();
    let url = await site.ingestUrl(DEVICE_NODE);
    closers.push(() => site.kill());

    /** As a device does: again and again until it is answered with 200. */
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

    let accepted = 0;
    const devices = (async () => {
      for (let rule = 1; rule <= ALARMS; rule++) {
        await pushUntilTaken(thermalAlert({ rule }));
        accepted++;
        // Some end at once, some later: kills meet alarms in every state.
        if (rule % 2 === 0) await pushUntilTaken(thermalAlert({ rule, state: 'inactive', count: 2 }));
      }
      for (let rule = 1; rule <= ALARMS; rule += 2)
        await pushUntilTaken(thermalAlert({ rule, state: 'inactive', count: 2 }));
    })();

    for (let kill = 1; kill <= KILLS; kill++) {
      const from = accepted;
      await eventually('some alarms', () => accepted >= Math.min(ALARMS, from + 15), 120_000);
      await pause(Math.random() * 120);
      await site.kill('SIGKILL');
      site = await start();
      url = await site.ingestUrl(DEVICE_NODE);
    }
    await devices;

    const alarms = await eventually(
      'all alarms to end',
      async () => {
        const page = await site.api<{ alarms: Alarm[] }>('/api/v1/alarms?live=0&limit=1000');
        return page.alarms.length >= ALARMS && page.alarms.every(({ endedAt }) => endedAt !== null)
          ? page.alarms
          : null;
      },
      120_000,
    );
    expect(new Set(alarms.map(({ rule }) => rule)).size).toBe(ALARMS);
    expect(alarms).toHaveLength(ALARMS);

    const actions = await eventually(
      'all actions to have an outcome',
      async () => {
        const page = await site.api<{ actions: ActionRow[] }>('/api/v1/actions?limit=1000');
        return page.actions.length >= 2 * ALARMS &&
          page.actions.every(({ status }) => ['done', 'failed', 'expired', 'skipped'].includes(status))
          ? page.actions
          : null;
      },
      120_000,
    );
    const outcomes = new Map<string, string[]>();
    for (const { alarmId, nodeId, status } of actions) {
      const key = `${alarmId} ${nodeId}`;
      outcomes.set(key, [...(outcomes.get(key) ?? []), status]);
    }
    for (const { id } of alarms)
      for (const node of [EMAIL_NODE, LOG_NODE])
        expect([`${id} ${node}`, outcomes.get(`${id} ${node}`)]).toEqual([`${id} ${node}`, ['done']]);
    expect(actions).toHaveLength(2 * ALARMS);

    // A mail whose sender was killed before it heard "250" is sent again, under the same identity.
    const identities = new Set(office.delivered.map(({ mail }) => mail.messageId));
    expect(identities.size).toBe(ALARMS);
    expect(office.delivered.length - ALARMS).toBeLessThanOrEqual(KILLS * 32);

    const { outputs } = await eventually('the siren to fall silent', async () => {
      const page = await site.api<{ outputs: OutputRow[] }>('/api/v1/outputs');
      return page.outputs.every(({ desired, confirmed }) => !desired && confirmed === false) ? page : null;
    });
    expect(outputs.map(({ heldBy }) => heldBy)).toEqual([[]]);
    expect(camera.state().outputs.map(({ on }) => on)).toEqual([false, false]);
  });
});
