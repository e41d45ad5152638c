import { describe, expect, it } from 'vitest';
import { type Log, silentLog } from '../../engine/domain/log';
import { createFormerSettings } from '../../engine/drivers/former-settings';

function disk(stored: Record<string, string> = {}) {
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => void warned.push(event) };
  const record = {
    failing: false,
    stored,
    async read() {
      if (record.failing) throw new Error('away');
      return record.stored;
    },
    async write(settings: Record<string, string>) {
      if (record.failing) throw new Error('away');
      record.stored = settings;
    },
  };
  return { record, warned, open: () => createFormerSettings(record, log) };
}

describe('former settings of a device', () => {
  it('are known to the next run until they are put back', async () => {
    const { record, open } = disk();
    await open().keep('volume', '60');
    const next = open();
    expect(await next.get('volume')).toBe('60');
    await next.forget('volume');
    expect(record.stored).toEqual({});
  });

  it('that cannot be written hold nothing up, and are known to this run', async () => {
    const { record, warned, open } = disk();
    const former = open();
    expect(await former.get('volume')).toBeUndefined();
    record.failing = true;
    await former.keep('volume', '60');
    expect(await former.get('volume')).toBe('60');
    expect(warned).toEqual(['device.former-settings-not-kept']);
  });

  it('that could not be read are not written over', async () => {
    const { record, open } = disk({ light: 'auto' });
    const former = open();
    record.failing = true;
    await former.keep('volume', '60');
    record.failing = false;
    await former.keep('volume', '70');
    expect(record.stored).toEqual({ light: 'auto', volume: '70' });
  });
});
