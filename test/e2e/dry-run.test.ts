/** A dry run from end to end: a real camera and a real mail server that must hear nothing, through a kill and its end. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { ActionRow, DryRunState, OutputRow, WhyAnswer } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import {
  DEVICE_NODE,
  deviceCredentials,
  EMAIL_NODE,
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

async function start(changes: Record<string, object>, ...args: string[]): Promise<AlarmflowProcess> {
  const flow = linkageFlow({ devicePort: camera.port, mailPort: mails.port }).map((node) => ({
    ...node,
    ...changes[String(node.id)],
  }));
  const files = await writeFlowFiles(flow);
  process = await startAlarmflow({
    args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0', ...args],
    dataDir,
  });
  return process;
}

const raise = async (site: AlarmflowProcess, rule: number): Promise<void> => {
  const body = thermalAlert({ rule });
  expect((await fetch(await site.ingestUrl(DEVICE_NODE), { method: 'POST', body })).status).toBe(200);
};
const relayIsOn = (): boolean => camera.state().outputs[0]!.on;
const held = { [TRIGGER_NODE]: { quietMode: 'never' }, [RELAY_NODE]: { untilCleared: true } };
/** The relay when it would be on: outputs and actions of an alarm follow it in no order. */
const wantedDry = (site: AlarmflowProcess): Promise<OutputRow> =>
  eventually('the output that a dry run only notes', async () => {
    const { outputs } = await site.api<{ outputs: OutputRow[] }>('/api/v1/outputs');
    return outputs.find(({ desired, dryRun }) => desired && dryRun);
  });
const settledRows = (site: AlarmflowProcess, count: number): Promise<ActionRow[]> =>
  eventually(`${count} settled actions`, async () => {
    const { actions } = await site.api<{ actions: ActionRow[] }>('/api/v1/actions');
    return actions.filter(({ finishedAt }) => finishedAt !== null).length === count ? actions : null;
  });

describe('a dry run', () => {
  it('of the site sends and drives nothing, survives a kill, and drives what is held when it ends', async () => {
    const first = await start(held);
    const state = await first.api<DryRunState>('/api/v1/dry-run', { method: 'POST', body: { on: true } });
    expect(state).toMatchObject({ on: true, who: 'local', held: false });
    await raise(first, 1);
    const rows = await settledRows(first, 2);
    expect(rows.map(({ status, summary }) => `${status} ${summary?.slice(0, 7)}`)).toEqual([
      'skipped Dry run',
      'skipped Dry run',
    ]);
    expect(await wantedDry(first)).toMatchObject({ lastError: null });
    const why = await eventually('the reason on record', async () => {
      const answer = await first.api<WhyAnswer>(`/api/v1/why/alarm/${encodeURIComponent(rows[0]!.alarmId!)}`);
      return answer.followed[0]?.life.some(({ reason }) => reason === 'dry-run') ? answer : null;
    });
    expect(why.followed[0]?.actions[0]).toMatchObject({ status: 'skipped', attempts: 1, errorCode: null });
    await first.kill('SIGKILL');

    const second = await start(held);
    expect(await second.api<DryRunState>('/api/v1/dry-run')).toMatchObject({ on: true, who: 'local' });
    await eventually('the words at the start', () => second.output().includes('DRY RUN'));
    await wantedDry(second);
    expect([relayIsOn(), mails.delivered.length]).toEqual([false, 0]);

    await second.api('/api/v1/dry-run', { method: 'POST', body: { on: false } });
    await eventually('the relay to turn on', relayIsOn);
    await raise(second, 2);
    await eventually('the mail of the new alarm', () => mails.delivered.length === 1);
    expect((await settledRows(second, 4)).filter(({ status }) => status === 'skipped')).toHaveLength(2);
    expect(mails.delivered).toHaveLength(1);
  });

  it('by the command line cannot be ended over the API, and is over with the process', async () => {
    const first = await start(held, '--dry-run');
    await expect(first.api('/api/v1/dry-run', { method: 'POST', body: { on: false } })).rejects.toThrow(
      'E_DRY_RUN_HELD',
    );
    await raise(first, 1);
    await settledRows(first, 2);
    await wantedDry(first);
    expect([relayIsOn(), mails.delivered.length]).toEqual([false, 0]);
    const health = await first.api<{ parts: Record<string, { ok: boolean; detail: string }> }>('/healthz');
    expect(health.parts.actions).toMatchObject({ ok: true, detail: expect.stringContaining('dry run') });
    expect(await (await fetch(new URL('/metrics', first.url))).text()).toContain('\nalarmflow_dry_run 1');
    await first.kill('SIGTERM');

    await start(held);
    await eventually('the relay to turn on for the alarm that lasts', relayIsOn);
    expect(mails.delivered).toHaveLength(0);
  });

  it('of one node leaves the others to act', async () => {
    const site = await start({ ...held, [EMAIL_NODE]: { dryRun: true } });
    await raise(site, 1);
    await eventually('the relay to turn on', relayIsOn);
    const rows = await settledRows(site, 2);
    expect(Object.fromEntries(rows.map(({ kind, status }) => [kind, status]))).toEqual({
      email: 'skipped',
      log: 'done',
    });
    expect(mails.delivered).toHaveLength(0);
  });
});
