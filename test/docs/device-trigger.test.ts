/** Runs the fault table of docs/actions/device-trigger.md. The real camera is in test/drivers/genicam. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asAlarmflowError, operationalError, userError } from '../../engine/domain/errors';
import { ActionBench, anAlarm, aRow, Camera } from '../actions/action-bench';
import { withCamera } from '../drivers/genicam/connected';
import { linkIs } from '../support/connected-driver';
import { tablesIn } from '../support/doc-tables';
import { until } from '../support/recording-sink';

const [table] = tablesIn(readFileSync(join(__dirname, '../../docs/actions/device-trigger.md'), 'utf8'));

/** A device that counts how often it fired. */
class Fired extends Camera {
  fired = 0;
  constructor(
    public fault: 'none' | 'before' | 'after',
    readonly error: Error,
  ) {
    super('cam', 'Line camera');
  }
  async trigger(_name: string, _signal: AbortSignal): Promise<void> {
    if (this.fault === 'before') throw this.error;
    this.fired++;
    if (this.fault === 'after') throw this.error;
  }
}

const scenes: Record<string, () => Fired | Camera | null> = {
  'device away': () => new Fired('before', operationalError('E_DEVICE_OFFLINE', '"Line camera" is not connected')),
  'locked while it acquires': () => new Fired('before', operationalError('E_DEVICE_LOCKED', 'features are locked')),
  'login refused': () => new Fired('before', operationalError('E_CREDENTIALS_REFUSED', 'the login was refused')),
  'told, answer missing': () => new Fired('after', operationalError('E_DEVICE_TIMEOUT', 'no answer within 5 s')),
  'busy, perhaps after it fired': () =>
    new Fired('before', operationalError('E_DEVICE_BUSY', 'another program has it')),
  'process killed in the middle': () => new Fired('none', new Error('unused')),
  'deadline over while it is told': () => new Fired('after', new Error('aborted')),
  'no such trigger': () => new Fired('before', userError('E_BAD_PARAMETER', '"Line camera" has no trigger "X"')),
  'trigger not set up': () => new Fired('before', userError('E_BAD_PARAMETER', 'it would ignore a software trigger')),
  'device without a trigger': () => new Camera('cam', 'Line camera'),
  'device deleted from the flow': () => null,
};

const row = aRow(
  'device-trigger',
  { trigger: 'FrameStart', phases: ['raise'] },
  { alarm: { ...anAlarm(), phase: 'raise' } },
);

describe('docs/actions/device-trigger.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table!.rows.map(([fault]) => fault)).toEqual(Object.keys(scenes));
  });

  it.each(table!.rows)('%s: %s', async (fault, code, again, journal, fired) => {
    const device = scenes[fault!]!();
    const bench = new ActionBench();
    if (device) bench.cameras.set('cam', device);
    else bench.cameras.delete('cam');
    const handler = bench.handler('device-trigger');
    const stop = new AbortController();
    if (fault === 'deadline over while it is told') stop.abort(operationalError('E_EXPIRED', 'the deadline is over'));
    // A process that was killed has fired, and left no word of it.
    const killed = fault === 'process killed in the middle';
    if (killed) await handler.execute({ row, attempt: 1, signal: stop.signal });
    const again_ = killed ? new ActionBench() : bench;
    if (killed) again_.cameras.set('cam', device as Camera);
    const error = await again_
      .handler('device-trigger')
      .execute({ row, attempt: killed ? 2 : 1, signal: stop.signal })
      .then(
        () => null,
        (thrown: unknown) => asAlarmflowError(thrown),
      );
    expect(error?.code).toBe(code);
    expect(error?.family === 'operational' ? 'yes' : 'no').toBe(again);
    expect(error?.message).toContain(journal);
    if (again === 'yes' && device instanceof Fired) {
      device.fault = 'none';
      expect((await handler.execute({ row, attempt: 2, signal: stop.signal })).status).toBe('done');
    }
    expect(device instanceof Fired ? device.fired : 0).toBe(Number(fired));
  });

  it.each([
    ['that is set up fires once', { triggerMode: 'On', triggerSource: 'Software' }, 'FrameStart', 'done', 1],
    ['that is not set up', { triggerMode: 'On', triggerSource: 'Line1' }, 'FrameStart', 'trigger not set up', 0],
    ['without that trigger', { triggerMode: 'On', triggerSource: 'Software' }, 'Nowhere', 'no such trigger', 0],
  ])('through the driver, a simulated GenICam camera %s', async (_name, settings, trigger, outcome, fired) => {
    await withCamera({ settings }, async ({ sim, connection, sink }) => {
      await until('online', linkIs(sink, 'online'));
      const bench = new ActionBench();
      bench.cameras.set('cam', connection as unknown as Camera);
      const asked = { ...row, params: { ...row.params, trigger } };
      const told = await bench.run(asked).then(
        ({ status }) => ({ code: status, message: '' }),
        (thrown: unknown) => asAlarmflowError(thrown),
      );
      const [, code = outcome, , words = ''] = table!.rows.find(([fault]) => fault === outcome) ?? [];
      expect(told.code).toBe(code);
      expect(told.message).toContain(words);
      expect(sim.state().fired).toBe(fired);
    });
  });

  it('has each try on disk before it begins', () => {
    expect(new ActionBench().handler('device-trigger').once).toBe(true);
  });
});
