/** The whole product is killed while a relay is on, and its flow names another address when it is started again. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type HikvisionSimulator, startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { OutputRow } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import { DEVICE_NODE, deviceCredentials, linkageFlow, thermalAlert, writeFlowFiles } from '../support/linkage-flow';
import { removeFolder } from '../support/remove-folder';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The model decides on the serial number, by which a device is known again. */
async function camera(model: 'thermal' | 'camera'): Promise<HikvisionSimulator> {
  const sim = await startHikvisionSimulator({ ...deviceCredentials, model });
  closers.push(() => sim.close());
  return sim;
}

const isOn = (sim: HikvisionSimulator): boolean => sim.state().outputs[0]?.on === true;

it('switches the relay off at the old address and on at the new one', { timeout: 400_000 }, async () => {
  const [old, other] = [await camera('thermal'), await camera('camera')];
  const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-moved-'));
  closers.push(() => removeFolder(dataDir));
  const files = await writeFlowFiles(linkageFlow({ devicePort: old.port, receive: 'both' }));
  const start = (): Promise<AlarmflowProcess> =>
    startAlarmflow({
      args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
      dataDir,
    });
  let site = await start();
  closers.push(() => site.kill());
  await eventually('the device is connected', () => old.state().streams > 0, 60_000);
  const url = await site.ingestUrl(DEVICE_NODE);
  expect((await fetch(url, { method: 'POST', body: thermalAlert({ rule: 1 }) })).status).toBe(200);
  await eventually('the relay is on', () => isOn(old));
  // Killed before the serial number that the device tells is on disk, nobody could know it again: people are told then.
  const places = async (): Promise<string> =>
    JSON.stringify((await site.api<{ outputs: OutputRow[] }>('/api/v1/outputs')).outputs);
  await eventually('it is known', async () => /"serialNumber":"SIM-THERMAL/.test(await places()));
  // What is written to disk is written in its order: when this event is accepted, the number is there.
  const next = await fetch(url, { method: 'POST', body: thermalAlert({ rule: 1, count: 2 }) });
  expect(next.status).toBe(200);
  await site.kill('SIGKILL');

  await writeFile(files.flowFile, JSON.stringify(linkageFlow({ devicePort: other.port, receive: 'both' })));
  site = await start();
  await eventually('it is off there and on here', () => !isOn(old) && isOn(other), 90_000);
});
