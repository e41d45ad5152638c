import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { type Log, silentLog } from '../../engine/domain/log';
import { openRefusedLogins } from '../../engine/host/refused-logins';
import { memorySettings } from '../support/memory-settings';
import { deviceAt } from '../support/recording-sink';

const MINUTE = 60_000;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function bench() {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const settings = memorySettings();
  const open = (key = 'the key of this installation', log: Log = silentLog) =>
    openRefusedLogins({ record: settings, secret: async () => key, clock, log });
  return { clock, settings, open };
}

const camera = deviceAt(80);

describe('refused logins', () => {
  it('are known for 30 minutes, over restarts', async () => {
    const { clock, open } = bench();
    const first = await open();
    expect(first(camera).last()).toBeNull();
    first(camera).refused(2);
    await settle();
    const second = await open();
    expect(second(camera).last()).toEqual({ at: clock.now(), times: 2 });
    await clock.advance(30 * MINUTE - 1);
    expect(second(camera).last()).not.toBeNull();
    await clock.advance(1);
    expect(second(camera).last()).toBeNull();
  });

  it('are those of one login at one device, whatever the device is called', async () => {
    const { open } = bench();
    const refusals = await open();
    refusals(camera).refused(1);
    expect(refusals({ ...camera, id: 'other', name: 'Other' }).last()).not.toBeNull();
    expect(refusals({ ...camera, host: '192.0.2.7' }).last()).toBeNull();
    expect(refusals({ ...camera, port: 8080 }).last()).toBeNull();
    expect(refusals({ ...camera, credentials: { user: 'admin', password: 'another' } }).last()).toBeNull();
    expect(refusals({ ...camera, credentials: { user: 'admi', password: 'nsimulated1' } }).last()).toBeNull();
  });

  it('are forgotten when the device takes the login', async () => {
    const { settings, open } = bench();
    const refusals = await open();
    refusals(camera).refused(1);
    refusals(camera).accepted();
    await settle();
    expect(await settings.readSetting('refused-logins')).toEqual({});
  });

  it('hold no password, and say nothing under another key', async () => {
    const { settings, open } = bench();
    (await open())(camera).refused(1);
    await settle();
    const kept = settings.written.get('refused-logins')!;
    for (const secret of ['simulated1', 'admin', '127.0.0.1']) expect(kept).not.toContain(secret);
    expect((await open('another key'))(camera).last()).toBeNull();
  });

  it('are no more than a thousand', async () => {
    const { settings, open } = bench();
    const refusals = await open();
    for (let port = 1; port <= 1_200; port++) refusals(deviceAt(port)).refused(1);
    await settle();
    expect(Object.keys((await settings.readSetting<object>('refused-logins'))!)).toHaveLength(1_000);
    expect(refusals(deviceAt(1)).last()).toBeNull();
    expect(refusals(deviceAt(1_200)).last()).not.toBeNull();
  });

  it('survive what is damaged in the record, and a record that takes nothing', async () => {
    const { settings, open } = bench();
    await settings.writeSetting('refused-logins', { a: null, b: { at: 'x' }, c: 7 });
    settings.writeSetting = async () => Promise.reject(new Error('the disk is full'));
    const warnings: string[] = [];
    const refusals = await open(undefined, { ...silentLog, warn: (event) => void warnings.push(event) });
    refusals(camera).refused(1);
    await settle();
    expect(refusals(camera).last()).toMatchObject({ times: 1 });
    expect(warnings).toEqual(['device.refused-login-not-kept']);
  });
});
