import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import type { Decoded } from '../../../engine/drivers/driver';
import { genicamDriver } from '../../../engine/drivers/genicam';
import { decodeCapture } from '../../../engine/drivers/registry';
import { withCamera } from './connected';

async function decode(chunks: Iterable<Buffer>): Promise<Decoded[]> {
  async function* source() {
    yield* chunks;
  }
  const found: Decoded[] = [];
  for await (const one of decodeCapture('genicam', source(), null)) found.push(one);
  return found;
}
const short = (found: Decoded[]): string[] =>
  found.map((one) =>
    one.kind === 'event'
      ? `${one.event.input} ${one.event.phase}`
      : one.kind === 'fault'
        ? `fault ${one.reason}`
        : one.kind === 'notice'
          ? one.text
          : one.kind,
  );

describe('decoding what arv-tool printed', () => {
  it('makes events of masks and of single lines, faults of errors and notices of the rest', async () => {
    const text = [
      'LineStatusAll = 0',
      'LineStatusAll = 2 min:0 max:7',
      'LineStatusAll = 0',
      'LineSelector = Line3',
      'LineStatus = true',
      'TriggerDelay = 500 us min:0 max:1e+06',
      "Feature 'Gain' not found",
      "Can't connect to device at address '10.0.0.1'",
      'TriggerMode write error: [TriggerMode] GigEVision write_register timeout',
    ].join('\r\n');
    expect(short(await decode([Buffer.from(text)]))).toEqual([
      'Line1 snapshot',
      'Line1 stop',
      'Line3 snapshot',
      'TriggerDelay = 500 us min:0 max:1e+06',
      "fault Feature 'Gain' not found",
      "fault Can't connect to device at address '10.0.0.1'",
      'fault TriggerMode write error: [TriggerMode] GigEVision write_register timeout',
    ]);
    // Byte by byte it is the same.
    expect(await decode([...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toEqual(
      await decode([Buffer.from(text)]),
    );
  });

  it('reads what a capture of a connection wrote', async () => {
    const clock = new VirtualClock(0);
    await withCamera({ clock, tap: true }, async ({ sim, parts }) => {
      await clock.advance(50);
      await sim.setInput('Line2', true);
      await clock.advance(200);
      const found = short(await decode(parts.map((part) => part.bytes)));
      expect(found.filter((one) => one.startsWith('Line2'))).toContain('Line2 snapshot');
      expect(found.filter((one) => one.startsWith('fault'))).toEqual([
        "fault Feature 'DeviceSerialNumber' not found",
        "fault Feature 'DeviceFirmwareVersion' not found",
      ]);
    });
  });

  it('throws for no bytes whatever and keeps no more than a line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), async (chunks) => {
        await decode(chunks.map((chunk) => Buffer.from(chunk)));
      }),
      { numRuns: 200 },
    );
    const endless = await decode(Array.from({ length: 200 }, () => Buffer.alloc(1_000, 'x')));
    expect(endless.every((one) => one.kind === 'fault')).toBe(true);
    expect(endless.length).toBeGreaterThan(10);
  });

  it('belongs to a driver that says what it is', () => {
    expect(genicamDriver).toMatchObject({
      kind: 'genicam',
      title: 'Area-scan camera (GenICam, GigE Vision and USB3 Vision)',
      defaultPort: 3956,
      dialog: { host: true, login: false, tls: false, receives: ['stream'] },
    });
  });
});
