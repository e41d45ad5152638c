import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../../engine/domain/errors';
import { greyPicture } from '../../../engine/drivers/http-push';
import { type CameraEvent, type MediaName, vivotekDriver } from '../../../engine/drivers/vivotek';
import { eventTypes, natureOf } from '../../../engine/drivers/vivotek/names';
import { readVivotekOptions } from '../../../engine/drivers/vivotek/options';
import { paramsQuery, parseParams } from '../../../engine/drivers/vivotek/params';
import { portStates } from '../../../engine/drivers/vivotek/ports';
import { understandCameraPush } from '../../../engine/drivers/vivotek/push';
import { paramLine } from '../../../engine/drivers/vivotek/simulator/parameters';
import { cpuTime } from '../wire/cpu-time';
import { cameraSite, closeSites, receiverFor } from './site';

afterEach(closeSites);

async function pushed(...events: CameraEvent[]) {
  const site = await cameraSite();
  const receiver = await receiverFor(site);
  for (const event of events) await site.sim.fire(event);
  return { ...site, receiver };
}

describe('a push of the camera', () => {
  it.each<[MediaName, number]>([
    ['snapshot', 1],
    ['snapshot-multipart', 1],
    ['systemlog', 0],
    ['videoclip', 0],
    ['custom-text', 0],
    ['none', 0],
  ])('is named by its path, whatever it carries: %s', async (medium, pictures) => {
    const { receiver } = await pushed({ event: 'motion', medium });
    expect(receiver.told()).toEqual(['motion pulse']);
    expect(receiver.events[0]?.draft.quietMs).toBe(10_000);
    expect(receiver.events[0]?.pictures.map((p) => p.bytes)).toEqual(
      Array.from({ length: pictures }, () => greyPicture),
    );
  });

  it.each<MediaName>(['custom-json', 'custom-form', 'custom-lines'])(
    "is understood from the operator's own text: %s",
    async (medium) => {
      const told = {
        event: 'Temperature alarm',
        phase: 'start',
        channel: '2',
        rule: 'Boiler',
        temperature: '81.5 C',
        time: '2026-11-21T10:00:00+01:00',
      };
      const { receiver } = await pushed({ event: '', medium, told });
      expect(receiver.events[0]?.draft).toMatchObject({
        type: 'temperature-alarm',
        level: 'alarm',
        vendorType: 'Temperature alarm',
        phase: 'start',
        channel: 2,
        rule: 'Boiler',
        temperature: { unit: 'celsius', value: 81.5 },
        deviceAt: Date.UTC(2026, 10, 21, 9),
      });
    },
  );

  it('tells start, repeat and end by the last part of its path', async () => {
    const { receiver } = await pushed(
      { event: 'intrusion', phase: 'start' },
      { event: 'intrusion', phase: 'start' },
      { event: 'intrusion', phase: 'stop' },
      { event: '2/intrusion', phase: 'start' },
    );
    expect(receiver.told()).toEqual(['intrusion start', 'intrusion refresh', 'intrusion stop', 'intrusion start']);
    expect(receiver.events.at(-1)?.draft.channel).toBe(2);
  });

  it('takes name, phase and input from the query', async () => {
    const { receiver } = await pushed({ event: '', query: 'event=di&input=1&state=1&rule=Door%20A' });
    expect(receiver.events[0]?.draft).toMatchObject({
      type: 'digital-input',
      input: '1',
      phase: 'start',
      rule: 'Door A',
    });
  });

  it('without a name is an event all the same where it carries something', async () => {
    const { receiver } = await pushed({ event: '', medium: 'snapshot' });
    expect(receiver.told()).toEqual(['vendor:push pulse']);
  });

  it.each<[CameraEvent, string]>([
    [{ event: '', medium: 'none' }, 'names no event'],
    [{ event: 'motion', query: 'phase=perhaps' }, 'neither start nor stop'],
    [{ event: 'motion', query: 'phase=constructor' }, 'neither start nor stop'],
  ])('that says nothing is refused with the reason: %j', async (event, reason) => {
    const { receiver } = await pushed(event);
    expect(receiver.refusals[0]).toContain(reason);
    expect(receiver.events).toEqual([]);
  });

  it('leaves no secret of its query in the record', async () => {
    const { receiver } = await pushed({ event: 'motion', query: 'user=a&password=hunter2' });
    expect(receiver.events[0]?.draft.raw).toContain('motion');
    expect(receiver.events[0]?.draft.raw).not.toContain('hunter2');
  });

  it("the camera's test of its server is no alarm", async () => {
    const { receiver } = await pushed({ event: 'test' });
    expect(receiver.events).toEqual([]);
    expect(receiver.refusals).toEqual([]);
  });

  it('is read again from a capture', async () => {
    const { captured } = await pushed(
      { event: 'motion' },
      { event: '', medium: 'custom-json', told: { event: 'pir', state: 'on' } },
    );
    const found = [];
    for await (const line of vivotekDriver.decode(
      bytewise(Buffer.concat(captured.map((p) => p.bytes))),
      'message/http',
    ))
      found.push(line);
    expect(found).toMatchObject([
      { kind: 'event', event: { type: 'motion', phase: 'pulse' } },
      { kind: 'picture', size: greyPicture.length },
      { kind: 'event', event: { type: 'pir', phase: 'start' } },
    ]);
  });

  it('of long ago by the clock of the camera is late, by a clock that is wrong only suspect', () => {
    const at = (time: string, offset: number | null) => {
      const request = {
        method: 'POST',
        path: `/motion?time=${encodeURIComponent(time)}`,
        headers: {},
        body: Buffer.alloc(0),
      };
      const meaning = understandCameraPush(request, {
        timeZone: null,
        now: Date.UTC(2026, 0, 1, 12),
        offset,
        quietMs: 1,
      });
      return meaning.kind === 'event' ? [meaning.late, meaning.clockSuspect] : null;
    };
    expect(at('2026-01-01T11:00:00Z', 0)).toEqual([true, false]);
    expect(at('2026-01-01T11:00:00Z', null)).toEqual([false, true]);
    expect(at('2026-01-01T11:00:00Z', -3_600_000)).toEqual([false, false]);
    expect(at('soon', 0)).toEqual([false, true]);
  });
});

describe('the names of events', () => {
  it.each([
    ['motion', 'motion'],
    ['Tampering', 'tamper'],
    ['visignal', 'video-loss'],
    ['volalarm', 'audio'],
    ['DI0', 'digital-input'],
    ['vi1', 'digital-input'],
    ['Single Line Crossing', 'line-crossing'],
    ['Double Line Crossing', 'line-crossing'],
    ['Multi-Loitering', 'loitering'],
    ['Enter Area', 'region-enter'],
    ['Leave Area', 'region-exit'],
    ['Smoke and flame', 'smoke-and-fire'],
    ['Fire Spot', 'fire'],
    ['temperature_warning', 'temperature-prealarm'],
    ['Audio Abnormal Detection', 'audio'],
    ['disk full', 'storage-full'],
    ['vadp', 'vendor:vadp'],
    ['Retrograde', 'vendor:Retrograde'],
    ['boot', 'vendor:boot'],
    ['constructor', 'vendor:constructor'],
    ['source-offline', 'vendor:source-offline'],
  ])('%s is %s', (name, type) => {
    expect(natureOf(name).type).toBe(type);
  });

  it('the restored video signal is the end of its loss', () => {
    expect(natureOf('virestore')).toEqual({ type: 'video-loss', phase: 'stop' });
  });

  it('a pre-alarm and an alarm of a temperature carry their level', () => {
    expect([natureOf('temperaturewarning').level, natureOf('temperaturealarm').level]).toEqual(['pre-alarm', 'alarm']);
    expect(new Set(eventTypes).size).toBe(eventTypes.length);
  });
});

describe('the answer of a camera', () => {
  it.each([
    ["di0='1'\r\ndi1='0'\r\n", { 0: true, 1: false }],
    ['di0=1\ndi1=0', { 0: true, 1: false }],
    ['di0="1"', { 0: true }],
    ["di0='1", {}],
    ["di0=''", {}],
    ["di0='2'\r\ndo0='1'", {}],
    ["\r\n\r\ndi01='1'", { 1: true }],
    ['ERROR: Invalid command!', {}],
    ['<html>di0=1</html>', {}],
  ])('%j holds the states %j', (text, states) => {
    expect(Object.fromEntries(portStates('di', text))).toEqual(states);
  });

  it('is read whatever a value holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}_i\d$/), fc.string()), (values) => {
        const text = Object.entries(values)
          .map(([name, value]) => paramLine(name, value, true))
          .join('\r\n');
        expect(Object.fromEntries(parseParams(text))).toEqual({ ...values });
      }),
    );
  });

  it('never breaks the reader, and takes time in proportion', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => parseParams(text) instanceof Map));
    const spent = cpuTime(() => {
      for (const text of ["a='".repeat(1 << 16), '='.repeat(1 << 20), "x='\\".repeat(1 << 16), '\n'.repeat(1 << 20)])
        parseParams(text);
    });
    expect(spent).toBeLessThan(3_000);
  });

  it('a parameter that is written survives quotes, signs and letters', () => {
    const value = "a'b\\c&d=e (ü) + %";
    expect(new URLSearchParams(paramsQuery({ name: value })).get('name')).toBe(value);
  });
});

describe('a push of odd bytes', () => {
  it('is an event, a test, or a named refusal; never anything else', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((b) => Buffer.from(b)),
      fc
        .constantFrom('{"event":', '"motion"', '}', '--b\r\n', 'event=di&', '\xff\xd8\xff\0\0\0\0\0\0')
        .map((t) => Buffer.from(t, 'latin1')),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.webPath(), fc.webQueryParameters(), (pieces, path, query) => {
        const request = { method: 'POST', path: `${path || '/'}?${query}`, headers: {}, body: Buffer.concat(pieces) };
        try {
          const meaning = understandCameraPush(request, { timeZone: null, now: 0, offset: null, quietMs: 1 });
          expect(['event', 'test']).toContain(meaning.kind);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AlarmflowError);
          expect((thrown as AlarmflowError).code).toBe('E_BAD_PUSH');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('decode never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        for await (const line of vivotekDriver.decode(bytewise(Buffer.from(bytes)), null))
          expect(line.kind).toBeTruthy();
      }),
      { numRuns: 100 },
    );
  });

  it('decode reads an answer of the inputs', async () => {
    const found = [];
    for await (const line of vivotekDriver.decode(
      bytewise(Buffer.from("di0='1'\r\ndi1='0'\r\ndi0='0'\r\n")),
      'text/plain',
    ))
      found.push(line);
    expect(found).toMatchObject([
      { event: { type: 'digital-input', input: '0', phase: 'snapshot' } },
      { event: { type: 'digital-input', input: '1', phase: 'stop' } },
      { event: { type: 'digital-input', input: '0', phase: 'stop' } },
    ]);
  });
});

describe('settings', () => {
  it.each([
    [{ pollMs: 10 }, 'from 250 to 5000'],
    [{ inverted: 'a' }, '"inverted"'],
    [{ presets: 'Gate' }, '<number> = <name'],
    [{ numbering: '2' }, 'auto, 0, 1'],
    [{ watchOutputs: 'yes' }, 'tick it'],
    [{ nothing: 1 }, 'no such setting'],
  ])('%j are refused, naming what is wrong', (options, named) => {
    expect(() => readVivotekOptions(options)).toThrow(expect.objectContaining({ code: 'E_DEVICE_OPTIONS' }));
    expect(() => readVivotekOptions(options)).toThrow(named);
  });
});

async function* bytewise(bytes: Buffer): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}
