import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { DiscoveredDevice } from '../../../engine/domain/devices';
import { discoverHikvision, readSadpAnswer } from '../../../engine/drivers/hikvision/sadp';
import { type SadpSimulator, startSadpSimulator } from '../../../engine/drivers/hikvision/simulator/sadp';
import { until } from '../../support/recording-sink';

const open: SadpSimulator[] = [];
afterEach(async () => {
  for (const device of open.splice(0)) await device.close();
});

async function search(device: SadpSimulator): Promise<{ found: DiscoveredDevice[]; stop(): Promise<void> }> {
  open.push(device);
  const found: DiscoveredDevice[] = [];
  const ends = new AbortController();
  const done = discoverHikvision((d) => found.push(d), ends.signal, {
    to: { address: '127.0.0.1', port: device.port },
    from: ['127.0.0.1'],
    port: 0,
  });
  return {
    found,
    async stop() {
      ends.abort();
      await done;
    },
  };
}

describe('the search for devices', () => {
  it('finds a device once, whatever it repeats', async () => {
    const device = await startSadpSimulator(8080);
    const { found, stop } = await search(device);
    await until('two questions', () => device.questions() === 2);
    await until('the answer', () => found.length > 0);
    await stop();
    expect(found).toEqual([
      {
        driver: 'hikvision',
        host: '127.0.0.1',
        port: 8080,
        title: 'SIM-2CD2085',
        identity: 'SIM-2CD208520260101AAWR000000001',
      },
    ]);
  });

  it('says which device is not activated, and is not put off by nonsense', async () => {
    const device = await startSadpSimulator(80, { Activated: 'false' }, ['', '<a', '{"x":1}', '<ProbeMatch/>']);
    const { found, stop } = await search(device);
    await until('the answer', () => found.length > 0);
    await stop();
    expect(found.map((d) => d.title)).toEqual(['SIM-2CD2085 (not activated)']);
  });

  it('ends when told so, also before it began', async () => {
    await discoverHikvision(() => undefined, AbortSignal.abort());
  });

  it('says that no socket could be opened', async () => {
    const search = discoverHikvision(() => undefined, new AbortController().signal, { from: [] });
    await expect(search).rejects.toMatchObject({ code: 'E_DISCOVERY' });
  });
});

describe('an answer', () => {
  it.each([
    ['<Probe><Uuid>X</Uuid><Types>inquiry</Types></Probe>', null],
    ['<ProbeMatch><Types>update</Types></ProbeMatch>', null],
    [
      '<ProbeMatch><Types>inquiry</Types><IPv4Address>0.0.0.0</IPv4Address><HttpPort>99999</HttpPort></ProbeMatch>',
      '192.0.2.9:80',
    ],
    [
      '<ProbeMatch><Types>inquiry</Types><IPv4Address>192.0.2.4</IPv4Address><HttpPort>81</HttpPort></ProbeMatch>',
      '192.0.2.4:81',
    ],
  ])('%s', (text, expected) => {
    const device = readSadpAnswer(Buffer.from(text), '192.0.2.9');
    expect(device && `${device.host}:${device.port}`).toBe(expected);
  });

  it('of any bytes never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        readSadpAnswer(Buffer.from(bytes), '192.0.2.9');
        readSadpAnswer(Buffer.concat([Buffer.from('<ProbeMatch>'), Buffer.from(bytes)]), '192.0.2.9');
      }),
    );
  });
});
