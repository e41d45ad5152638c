/** The whole product and a camera that tells where it looks: in place while it is held, and told of when it does not return. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { OutputRow, PopupPage } from '../../engine/host/console-api';
import { eventually, startAlarmflow } from '../support/alarmflow-process';
import {
  DEVICE_NODE,
  deviceCredentials,
  linkageFlow,
  TRIGGER_NODE,
  thermalAlert,
  writeFlowFiles,
} from '../support/linkage-flow';
import { removeFolder } from '../support/remove-folder';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const camera = {
  id: 'look',
  type: 'alarmflow-ptz',
  name: 'Look',
  targets: [{ device: DEVICE_NODE, channel: 1, move: 'preset', number: 3, back: 'preset', backNumber: 1 }],
  hold: 'after-clear',
  onTime: 10,
  postAlarm: 0,
  untilCleared: false,
  cap: '',
  priority: 50,
  version: 1,
  z: 'test-tab',
  x: 500,
  y: 60,
  wires: [[]],
};

describe('a camera that an alarm turns', () => {
  it('is said to be in place, and its stuck return stands in the consoles', { timeout: 240_000 }, async () => {
    const sim = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
    closers.push(() => sim.close());
    const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-camera-'));
    closers.push(() => removeFolder(dataDir));
    const files = await writeFlowFiles([
      ...linkageFlow({ devicePort: sim.port, relay: false, log: false }).map((node) =>
        node.id === TRIGGER_NODE ? { ...node, wires: [['look']] } : node,
      ),
      camera,
    ]);
    const site = await startAlarmflow({
      args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
      dataDir,
    });
    closers.push(() => site.kill());
    const url = await site.ingestUrl(DEVICE_NODE);
    const push = async (body: string): Promise<void> => {
      const response = await fetch(url, { method: 'POST', body });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    };
    const row = async (): Promise<OutputRow | undefined> =>
      (await site.api<{ outputs: OutputRow[] }>('/api/v1/outputs')).outputs.find(({ kind }) => kind === 'ptz');
    const told = async (): Promise<PopupPage['popups']> => (await site.api<PopupPage>('/api/v1/popups')).popups;

    await push(thermalAlert({ rule: 1 }));
    const held = await eventually(
      'the camera in place',
      async () => {
        const now = await row();
        return now?.turned === 'reached' ? now : null;
      },
      60_000,
    );
    expect(held).toMatchObject({ desired: true, confirmed: true, lastError: null });

    sim.faults.set('ptz-stuck');
    await push(thermalAlert({ rule: 1, state: 'inactive', count: 2 }));
    const [popup] = await eventually(
      'the message',
      async () => {
        const all = await told();
        return all.length > 0 ? all : null;
      },
      90_000,
    );
    expect(popup).toMatchObject({ level: 'warning', goesWhen: 'acknowledged', goesAt: null });
    expect(popup!.text).toContain('took preset 1 and did not move');
    expect(await row()).toMatchObject({
      desired: false,
      confirmed: false,
      turned: 'not-moved',
      lastError: expect.stringContaining('Check its motor'),
    });
  });
});
