import { describe, expect, it } from 'vitest';
import type { DiscoveredDevice } from '../../../engine/domain/devices';
import { createGenicamDriver } from '../../../engine/drivers/genicam';
import { startSimulator } from '../../../engine/drivers/simulators';
import { never } from './connected';

const search = async (run: () => Promise<string>, signal = never): Promise<DiscoveredDevice[]> => {
  const found: DiscoveredDevice[] = [];
  const driver = createGenicamDriver({ run: async () => ({ stdout: await run(), stderr: '' }) });
  await driver.discover?.((device) => void found.push(device), signal);
  return found;
};

describe('the search for cameras', () => {
  it('tells each camera once, GigE by its address and USB by its name', async () => {
    expect(await search(async () => 'Maker-CE013-00A1 (192.168.1.9)\nMaker-CU050-00B2 (USB3)\n')).toEqual([
      { driver: 'genicam', host: '192.168.1.9', port: 3956, title: 'Maker-CE013-00A1', identity: 'Maker-CE013-00A1' },
      {
        driver: 'genicam',
        host: 'Maker-CU050-00B2',
        port: 3956,
        title: 'Maker-CU050-00B2',
        identity: 'Maker-CU050-00B2',
      },
    ]);
  });

  it('ends when it is called off', async () => {
    const off = new AbortController();
    const found = await search(() => {
      off.abort();
      return Promise.reject(off.signal.reason);
    }, off.signal);
    expect(found).toEqual([]);
  });

  it('says what to install where Aravis is missing', async () => {
    const driver = createGenicamDriver({ tool: { command: 'arv-tool-that-nobody-has' } });
    await expect(driver.discover?.(() => undefined, never)).rejects.toMatchObject({ code: 'E_ARAVIS_MISSING' });
  });
});

describe('the simulated camera', () => {
  it('has the fixed port of GigE Vision and says so', async () => {
    await expect(startSimulator('genicam', { port: 8080 })).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });

  it('knows the names of its faults', async () => {
    await expect(startSimulator('genicam', { faults: ['bogus'] })).rejects.toMatchObject({ code: 'E_UNKNOWN_FAULT' });
  });
});
