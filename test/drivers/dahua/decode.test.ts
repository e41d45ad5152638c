import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReader } from '../../../engine/drivers/dahua/reader';
import { decodeAll } from '../../support/drain-decoder';

const part = (body: string, length: number | null = Buffer.byteLength(body)): string =>
  `--myboundary\r\nContent-Type: text/plain\r\n${length === null ? '' : `Content-Length:${length}\r\n`}\r\n${body}\r\n\r\n`;
const motion = 'Code=VideoMotion;action=Start;index=0;data={\n   "Id" : [ 0 ],\n   "RegionName" : [ "a;b=c" ]\n}\n';
const session = [
  part('Heartbeat'),
  part(motion),
  part('Code=VideoMotionInfo;action=State;index=0'),
  part('Code=Reboot;action=Pulse;index=0'),
  part('Code=VideoMotion;action=Stop;index=0'),
  part('Code=AlarmLocal;action=Start;index=1'),
].join('');
const head = 'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=myboundary\r\n\r\n';
const expected = ['heartbeat', 'motion start', 'notice', 'motion stop', 'digital-input start'];

const shortForm = (lines: Awaited<ReturnType<typeof decodeAll>>): string[] =>
  lines.map((line) => (line.kind === 'event' ? `${line.event.type} ${line.event.phase}` : line.kind));
const decode = (bytes: string | Buffer, options: { size?: number; contentType?: string } = {}) =>
  decodeAll(bytes, { kind: 'dahua', ...options });

describe('decode', () => {
  it.each([
    ['a stream', session],
    ['a stream with the response head in front', head + session],
    ['a stream with LF line ends', session.replaceAll('\r\n', '\n')],
    ['a stream without blank lines', session.replaceAll('\r\n\r\nC', '\r\nC').replaceAll('\r\n\r\nH', '\r\nH')],
    ['a stream with the constant length 37', session.replace(/Content-Length:\d+/g, 'Content-Length:37')],
  ])('reads %s in order, in chunks of any size', async (_name, text) => {
    for (const size of [1, 7, 1000, text.length]) expect(shortForm(await decode(text, { size }))).toEqual(expected);
  });

  it('reads a chunked response', async () => {
    const chunked = [...session.matchAll(/[\s\S]{1,50}/g)]
      .map(([c]) => `${c.length.toString(16)}\r\n${c}\r\n`)
      .join('');
    const chunkedHead = head.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect(shortForm(await decode(chunkedHead + chunked, { size: 13 }))).toEqual(expected);
  });

  it('reads captured parts one after another, whatever type each was sent as', async () => {
    const bodies = ['Heartbeat', motion, 'Code=VideoMotion;action=Stop;index=0'].map((b) => `${b}\r\n\r\n`).join('');
    expect(shortForm(await decode(bodies, { contentType: 'text/plain' }))).toEqual([
      'heartbeat',
      'motion start',
      'motion stop',
    ]);
  });

  it('tells what it cannot read', async () => {
    expect(shortForm(await decode(part('Code=X;action=Y;index=0') + part('Heartbeat')))).toEqual([
      'fault',
      'heartbeat',
    ]);
  });

  it('never throws, whatever the bytes are', async () => {
    const pieces = fc.constantFrom(
      ...[
        '--myboundary\r\n',
        'Content-Length:37\r\n',
        '\r\n',
        '\n',
        'Code=',
        'VideoMotion',
        ';action=',
        'Start',
        'Stop',
      ],
      ...[
        ';index=',
        '0',
        ';data={',
        '"UTC":',
        '1e999',
        '[',
        ']',
        '}',
        '"',
        '\\',
        'null',
        'Heartbeat',
        '\0',
        'Object',
        ':',
        ',',
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(pieces, fc.string({ maxLength: 8 })), { maxLength: 60 }), async (texts) => {
        const lines = await decode(texts.join(''), { size: 11 });
        for (const line of lines) expect(['event', 'heartbeat', 'notice', 'fault']).toContain(line.kind);
      }),
      { numRuns: 300 },
    );
  });

  it('understands any JSON as data, and lets none of it be an error', () => {
    const names = ['Object', 'Objects', 'object', 'Name', 'RuleId', 'UTC', 'LocaleTime', 'DetectLine', 'Coordinate'];
    const codes = ['CrossRegionDetection', 'HeatImagingTemper', 'SmartMotionHuman', 'AlarmLocal', 'Odd'];
    const reader = createReader({
      setting: () => ({ timeZone: null, nears: [0], channels: null, inputs: null }),
      judge: () => ({ late: false, clockSuspect: false }),
      at: () => 0,
    });
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (code, data) => {
        const body = Buffer.from(`Code=${code};action=Start;index=0;data=${JSON.stringify(data)}`);
        const found = reader.read({ kind: 'part', headers: {}, contentType: '', form: 'dahua', body });
        expect(found.map((f) => f.kind)).toEqual(['event']);
        expect(() => JSON.stringify(found)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});
