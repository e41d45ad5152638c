/** A fixed hold, a mail digest and disarmed actions from end to end, with the process killed in between. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { ActionRow, AlarmDetails, AlarmPage, OutputRow } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import {
  DEVICE_NODE,
  deviceCredentials,
  EMAIL_NODE,
  LOG_NODE,
  linkageFlow,
  RELAY_NODE,
  TRIGGER_NODE,
  thermalAlert,
  writeFlowFiles,
} from '../support/linkage-flow';
import { removeFolder } from '../support/remove-folder';
import { openPostOffice, type PostOffice } from '../support/smtp-post-office';

vi.setConfig({ testTimeout: 400_000 });

let camera: Awaited<ReturnType<typeof startHikvisionSimulator>>;
let mails: PostOffice;
let dataDir: string;
let process: AlarmflowProcess | null = null;

beforeEach(async () => {
  camera = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
  mails = await openPostOffice();
  dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-e2e-'));
});

afterEach(async () => {
  await process?.kill();
  process = null;
  await camera.close();
  await mails.close();
  await removeFolder(dataDir);
});

/** Line crossings, one alarm for each channel: no interval holds back what threatens life, as thermal alarms do. */
async function start(changes: Record<string, Record<string, unknown>>): Promise<AlarmflowProcess> {
  const flow = linkageFlow({ devicePort: camera.port, mailPort: mails.port, postAlarmSeconds: 0 }).map((node) =>
    node.id === TRIGGER_NODE
      ? {
          ...node,
          type: 'alarmflow-line-crossing',
          types: ['line-crossing'],
          alarmPer: 'condition',
          ...changes[TRIGGER_NODE],
        }
      : { ...node, ...changes[String(node.id)] },
  );
  const files = await writeFlowFiles(flow);
  process = await startAlarmflow({
    args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
    dataDir,
  });
  return process;
}

async function cross(site: AlarmflowProcess, channel: number): Promise<void> {
  const body = thermalAlert({ rule: 1 })
    .replace('<channelID>2<', `<channelID>${channel}<`)
    .replace('<eventType>TMA<', '<eventType>linedetection<')
    .replace(/<TMA>[\s\S]*<\/TMA>/, '');
  expect((await fetch(await site.ingestUrl(DEVICE_NODE), { method: 'POST', body })).status).toBe(200);
}

const relayIsOn = (): boolean => camera.state().outputs[0]!.on;

async function actionsOf(site: AlarmflowProcess, nodeId: string): Promise<ActionRow[]> {
  const { actions } = await site.api<{ actions: ActionRow[] }>('/api/v1/actions');
  return actions.filter((row) => row.nodeId === nodeId).reverse();
}

/** The actions of a node when there are so many and each has its outcome. */
const settledActionsOf = (site: AlarmflowProcess, nodeId: string, count: number): Promise<ActionRow[]> =>
  eventually(`${count} outcomes of ${nodeId}`, async () => {
    const rows = await actionsOf(site, nodeId);
    return rows.length >= count && rows.every(({ finishedAt }) => finishedAt !== null) ? rows : null;
  });

describe('holds and intervals', () => {
  it('a pulse lasts its time and a digest is sent once, also when the process is killed in between', async () => {
    const changes = {
      [TRIGGER_NODE]: { quietMode: 'after', quietTime: 1 },
      [RELAY_NODE]: { hold: 'fixed', onTime: 15 },
      [EMAIL_NODE]: { interval: 20, intervalTell: 'digest' },
      [LOG_NODE]: { interval: 3_600, intervalTell: 'next' },
    };
    const first = await start(changes);
    const begun = performance.now();
    await cross(first, 1);
    await eventually('the relay to turn on', relayIsOn);
    // Its outcome as well: a mail of which only its server knows is sent again after a kill.
    await settledActionsOf(first, EMAIL_NODE, 1);
    await settledActionsOf(first, LOG_NODE, 1);
    for (const channel of [2, 3, 4]) await cross(first, channel);
    const held = await settledActionsOf(first, EMAIL_NODE, 4);
    expect(held.map((row) => row.status)).toEqual(['done', 'skipped', 'skipped', 'skipped']);
    expect(held[3]?.summary).toMatch(/^Held back: \d+(\.\d)? s of the interval of 20 s are left; 3 so far/);
    expect((await settledActionsOf(first, LOG_NODE, 4)).map((row) => row.status)).toEqual([
      'done',
      'skipped',
      'skipped',
      'skipped',
    ]);
    const { outputs } = await first.api<{ outputs: OutputRow[] }>('/api/v1/outputs');
    expect(outputs[0]?.heldBy.map(({ kind, countsDown }) => [kind, countsDown])).toContainEqual(['fixed', true]);
    await first.kill('SIGKILL');

    const second = await start(changes);
    await eventually('the relay to turn off', () => !relayIsOn());
    expect(performance.now() - begun).toBeGreaterThan(15_000);
    await eventually('the digest', () => mails.delivered.length === 2);
    const digest = mails.delivered[1]!.mail;
    expect(digest.subject).toMatch(/^3 held back: Line crossing: Hall camera/i);
    expect(digest.text).toContain('3 × Alarm: ');
    const rows = await eventually('its outcome', async () => {
      const all = await actionsOf(second, EMAIL_NODE);
      return all.length === 5 && all[4]?.status === 'done' ? all : null;
    });
    expect(rows[4]?.summary).toContain('the interval had held back 3 before it');
    expect(mails.delivered).toHaveLength(2);
  });

  it('a single action that is disarmed rests with its reason on record, and a disarmed relay lets go', async () => {
    const site = await start({ [TRIGGER_NODE]: { quietMode: 'never' }, [RELAY_NODE]: { untilCleared: true } });
    const arm = (id: string, armed: boolean): Promise<unknown> =>
      site.api('/api/v1/arming', { method: 'POST', body: { subject: { scope: 'action', id }, armed } });
    await cross(site, 1);
    await eventually('the relay to turn on', relayIsOn);
    await eventually('the first mail', () => mails.delivered.length === 1);
    await arm(RELAY_NODE, false);
    await arm(EMAIL_NODE, false);
    await eventually('the relay to let go', () => !relayIsOn());

    await cross(site, 2);
    const mail = (await settledActionsOf(site, EMAIL_NODE, 2))[1];
    expect(mail).toMatchObject({ status: 'skipped' });
    expect(mail?.summary).toContain('disarmed');
    expect((await settledActionsOf(site, LOG_NODE, 2)).map(({ status }) => status)).toEqual(['done', 'done']);
    const second = await eventually('the second alarm', async () => {
      const { alarms } = await site.api<AlarmPage>('/api/v1/alarms?live=1');
      return alarms.find((alarm) => alarm.channel === 2);
    });
    await eventually('the refusal of the relay on record', async () => {
      const { decisions } = await site.api<AlarmDetails>(`/api/v1/alarms/${encodeURIComponent(second.id)}`);
      return decisions.some(({ outcome, reason }) => outcome === 'refused' && reason === 'disarmed');
    });
    expect(relayIsOn()).toBe(false);

    await arm(RELAY_NODE, true);
    await cross(site, 3);
    await eventually('the relay to turn on again', relayIsOn);
    expect((await settledActionsOf(site, EMAIL_NODE, 3))[2]).toMatchObject({ status: 'skipped' });
    expect(mails.delivered).toHaveLength(1);
  });
});
