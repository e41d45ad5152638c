/** What the record node asks for, here and on the device; and what the device's dialog says of its last seconds. */
import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FlowMessage } from '../../nodes/shared/runtime-api';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { type FlowNode, flowNode, hall, live, run, sink, tab, turns, wired } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

async function through(node: FlowNode, message: FlowMessage): Promise<void> {
  await run([tab, hall, node, sink], engine);
  live('node').receive(message);
  await turns();
}

const record = (config: Record<string, unknown> = {}): FlowNode => flowNode('record', { version: 1, ...config });

describe('the record node', () => {
  it('asks for a recording here by default', async () => {
    await through(record({ postRecord: 20 }), wired('raise'));
    expect(engine.actionRequests).toEqual([
      expect.objectContaining({ kind: 'record', params: expect.objectContaining({ postSeconds: 20 }) }),
    ]);
    expect(engine.outputRequests).toEqual([]);
  });

  it('holds the recordings of the device, channel by channel, until the post-record time is over', async () => {
    await through(record({ where: 'device', device: 'hall', channel: '1, 3', postRecord: 30 }), wired('raise'));
    expect(engine.actionRequests).toEqual([]);
    expect(engine.outputRequests).toEqual(
      ['1', '3'].map((output) =>
        expect.objectContaining({
          deviceId: 'hall',
          kind: 'record',
          output,
          hold: { afterClearMs: 30_000, capMs: 3_600_000 },
        }),
      ),
    );
  });

  it('asks for both', async () => {
    await through(record({ where: 'both', device: 'hall' }), wired('raise'));
    expect([engine.actionRequests.length, engine.outputRequests.length]).toEqual([1, 1]);
  });

  it.each(['clear', 'end', 'remind'] as const)('leaves the %s to the engine', async (phase) => {
    await through(record({ where: 'both', device: 'hall' }), wired(phase));
    expect([engine.actionRequests.length, engine.outputRequests.length]).toEqual([0, 0]);
  });
});

describe('the last seconds of a device', () => {
  it('are kept as its dialog says', async () => {
    const config = { record: true, recordChannels: '1, 2', recordSeconds: 60, recordStream: 'sub', recordPort: '8554' };
    engine.drivers = engine.drivers.map((driver) => ({ ...driver, dialog: { ...driver.dialog, live: true } }));
    await run([tab, { ...hall, ...config }], engine);
    expect(engine.devices.get('hall')?.recording).toEqual({
      channels: [1, 2],
      seconds: 60,
      stream: 'sub',
      rtspPort: 8554,
      transport: 'tcp',
    });
  });

  it('are taken over TLS, and with sound, only where that is chosen', async () => {
    engine.drivers = engine.drivers.map((driver) => ({ ...driver, dialog: { ...driver.dialog, live: true } }));
    const config = { record: true, recordTransport: 'tls', recordFingerprint: 'ab'.repeat(32), recordSound: true };
    await run([tab, { ...hall, ...config }], engine);
    expect(engine.devices.get('hall')?.recording).toMatchObject({
      transport: 'tls',
      security: { allowSelfSigned: false, authority: '', fingerprint: `AB${':AB'.repeat(31)}` },
      sound: true,
    });
  });

  it('are not kept by a driver without a live picture', async () => {
    engine.drivers = engine.drivers.map(({ dialog: { live: _live, ...dialog }, ...driver }) => ({ ...driver, dialog }));
    await run([tab, { ...hall, record: true }], engine);
    expect(engine.devices.get('hall')).not.toHaveProperty('recording');
  });

  it('are not kept unless it is ticked', async () => {
    await run([tab, { ...hall, recordChannels: '1' }], engine);
    expect(engine.devices.get('hall')).not.toHaveProperty('recording');
  });
});
