import { expect, it } from 'vitest';
import { formerSettingsOf } from '../../engine/host/former-settings';
import { deviceAt } from '../support/recording-sink';

it('keeps former settings of a device for as long as it is the one at its address', async () => {
  const rows = new Map<string, unknown>();
  const record = {
    readSetting: async <T>(name: string) => (rows.get(name) as T | undefined) ?? null,
    writeSetting: async (name: string, value: unknown) => void rows.set(name, structuredClone(value)),
  };
  await formerSettingsOf(record, deviceAt(80)).write({ volume: '60' });
  expect(await formerSettingsOf(record, deviceAt(80)).read()).toEqual({ volume: '60' });
  expect(await formerSettingsOf(record, deviceAt(81)).read()).toEqual({});
  expect(await formerSettingsOf(record, deviceAt(80, { id: 'other' })).read()).toEqual({});
});
