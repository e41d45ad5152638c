import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { decodeDahua } from '../../../engine/drivers/dahua/decode';
import type { Decoded } from '../../../engine/drivers/driver';
import { decodeHikvision } from '../../../engine/drivers/hikvision/decode';
import { bytewise, cutAt } from './chunkings';

// They compute for seconds, and for minutes where others want to compute, too.
vi.setConfig({ testTimeout: 120_000 });

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

async function* of(chunks: Buffer[]): AsyncIterable<Buffer> {
  yield* chunks;
}

/** How a part is framed; everything that §0.1 of real devices knows. */
interface Framing {
  eol: string;
  blank: boolean;
  before: string;
  length: 'right' | 'none' | 'zero' | 'larger' | 'smaller' | 'constant';
  behind: string;
}

const framings: fc.Arbitrary<Framing> = fc.record({
  eol: fc.constantFrom('\r\n', '\n'),
  blank: fc.boolean(),
  before: fc.constantFrom('', '--boundary\r\n', '\r\n'),
  length: fc.constantFrom('right', 'none', 'zero', 'larger', 'smaller', 'constant'),
  behind: fc.constantFrom('\r\n', '\n', '\r\n\r\n', ''),
});

function part(type: string, body: Buffer, { eol, blank, before, length, behind }: Framing): Buffer {
  const told = {
    right: body.length,
    none: null,
    zero: 0,
    larger: body.length + 57,
    smaller: Math.max(1, body.length - 20),
    constant: 37,
  }[length];
  const head = [`Content-Type: ${type}`, ...(told === null ? [] : [`Content-Length:${told}`])].join(eol);
  return Buffer.concat([
    bytes(`${before}--boundary${eol}${head}${eol}${blank ? eol : ''}`),
    body,
    bytes(behind || '\n'),
  ]);
}
const plain: Framing = { eol: '\r\n', blank: true, before: '', length: 'right', behind: '\r\n' };

interface Item {
  bytes: Buffer;
  /** Channel of the start that it must bring; null: it must bring no event. */
  starts: number | null;
  name: string;
}

type Decode = (chunks: AsyncIterable<Buffer>, contentType: string | null) => AsyncIterable<Decoded>;

async function startsIn(decode: Decode, chunks: Buffer[]): Promise<string[]> {
  const told: string[] = [];
  for await (const line of decode(of(chunks), 'multipart/mixed; boundary=boundary'))
    if (line.kind === 'event') told.push(`${line.event.phase} ${line.event.channel ?? ''}`);
  return told;
}

const xml = (channel: number | string, name = 'Gate'): string =>
  `<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\r\n<channelID>${channel}</channelID>\r\n<channelName>${name}</channelName>\r\n<eventType>fielddetection</eventType>\r\n<eventState>active</eventState>\r\n</EventNotificationAlert>\r\n`;
const json = (channel: number): string =>
  JSON.stringify({
    channelID: channel,
    dateTime: '2026-01-01T00:00:00Z',
    eventType: 'fielddetection',
    eventState: 'active',
  });
const beat =
  '<EventNotificationAlert><channelID>1</channelID><eventType>videoloss</eventType><eventState>inactive</eventState><activePostCount>0</activePostCount></EventNotificationAlert>\r\n';
const BAIT = 900;
const jpeg = (inside: string): Buffer =>
  Buffer.concat([bytes('\xff\xd8\xff\xe0\0\x10JFIF'), bytes(inside), bytes('\xff\xd9')]);

const HIK_GOOD: Readonly<Record<string, (n: number) => [string, Buffer]>> = {
  xml: (n) => ['application/xml; charset="UTF-8"', bytes(xml(n))],
  'xml with mark': (n) => ['application/xml', bytes(`\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n${xml(n)}`)],
  'xml behind line ends': (n) => ['application/xml', bytes(`\r\n\r\n<?xml version="1.0"?>${xml(n)}`)],
  'xml with CP1252 name': (n) => ['application/xml', bytes(xml(n, 'Caf\xe9 \x80\x93'))],
  'xml with bare ampersand': (n) => ['application/xml', bytes(xml(n, 'A & B < C'))],
  'xml with prefixes': (n) => [
    'application/xml',
    bytes(xml(n).replaceAll('<', '<ns:').replaceAll('<ns:/', '</ns:').replace('xmlns=', 'xmlns:ns=')),
  ],
  json: (n) => ['application/json; charset="UTF-8"', bytes(json(n))],
  'json in a wrapper': (n) => ['application/json', bytes(`{"EventNotificationAlert":${json(n)}}`)],
  'json with NUL': (n) => ['application/json', bytes(`${json(n)}\0`)],
};
const HIK_NOISE: Readonly<Record<string, [string, Buffer]>> = {
  beat: ['application/xml', bytes(beat)],
  'beat in json': ['application/json', bytes('{"eventType":"heartBeat","eventState":"active"}')],
  'picture with bait': ['image/jpeg', jpeg(`\r\n--boundary\r\nContent-Type: application/xml\r\n\r\n${xml(BAIT)}\r\n`)],
  'alert cut short': ['application/xml', bytes(xml(BAIT).slice(0, -40))],
  'alert cut short in json': ['application/json', bytes(json(BAIT).slice(0, -9))],
  'packed alert': ['application/xml', gzipSync(bytes(xml(BAIT)))],
  'alert in a comment': ['application/xml', bytes(`<a><!-- ${xml(BAIT)} --></a>`)],
  'alert in a declaration': [
    'application/xml',
    bytes(`<!DOCTYPE a [<!ENTITY b "${xml(BAIT).replaceAll('"', "'")}">]><a>&b;</a>`),
  ],
  'alert in a text': [
    'application/json',
    bytes(JSON.stringify({ eventType: 'heartBeat', eventState: 'active', note: xml(BAIT) })),
  ],
  'alert in CDATA': [
    'application/xml',
    bytes(beat.replace('</channelID>', `</channelID><eventDescription><![CDATA[${xml(BAIT)}]]></eventDescription>`)),
  ],
  status: [
    'application/xml',
    bytes('<ResponseStatus><statusCode>2</statusCode><statusString>Device Busy</statusString></ResponseStatus>'),
  ],
  garbage: ['text/plain', bytes('\x01\x02 no words \xff\xfe')],
  nested: [
    'multipart/mixed; boundary=inner',
    bytes(`--inner\r\nContent-Type: application/xml\r\n\r\n${beat}\r\n--inner--\r\n`),
  ],
  'nested bait': [
    'multipart/mixed; boundary=inner',
    bytes(
      `--inner\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg(xml(BAIT)).length}\r\n\r\n${jpeg(xml(BAIT)).toString('latin1')}\r\n--inner--\r\n`,
    ),
  ],
  'utf-16': ['application/xml', Buffer.concat([bytes('\xff\xfe'), Buffer.from(beat, 'utf16le')])],
  'utf-16 be': ['application/xml', Buffer.concat([bytes('\xfe\xff'), Buffer.from(beat, 'utf16le').swap16()])],
  'boundary in a text': [
    'application/xml',
    bytes(beat.replace('</channelID>', '</channelID><eventDescription>a\r\n--boundary\r\nb: no</eventDescription>')),
  ],
  'boundary in json': [
    'application/json',
    bytes('{"eventType":"heartBeat","eventState":"active","note":"\\r\\n--boundary\\r\\n<EventNotificationAlert>"}'),
  ],
  'no type': ['', bytes('')],
  nothing: ['application/xml', bytes('')],
  deep: ['application/xml', bytes(`${'<a>'.repeat(500)}${'</a>'.repeat(500)}`)],
  'deep json': ['application/json', bytes(`${'['.repeat(5000)}${']'.repeat(5000)}`)],
};

const code = (n: number, rest = ''): string => `Code=CrossLineDetection;action=Start;index=${n - 1}${rest}`;
const DAHUA_GOOD: Readonly<Record<string, (n: number) => [string, Buffer]>> = {
  bare: (n) => ['text/plain', bytes(code(n))],
  data: (n) => ['text/plain', bytes(code(n, `;data={\n   "Name" : "a;b=c",\n   "RuleId" : 1\n}\n`))],
  'data of CP1252': (n) => ['text/plain', bytes(code(n, ';data={"Name":"Caf\xe9 \x93"}\n'))],
  'data with nan': (n) => ['text/plain', bytes(code(n, ';data={"Speed":nan}\n'))],
  'data null': (n) => ['text/plain', bytes(code(n, ';data=null\n'))],
  mark: (n) => ['text/plain', bytes(`\xef\xbb\xbf${code(n)}`)],
};
const DAHUA_NOISE: Readonly<Record<string, [string, Buffer]>> = {
  beat: ['text/plain', bytes('Heartbeat')],
  'picture with bait': ['image/jpeg', jpeg(`\r\n--boundary\r\nContent-Type: text/plain\r\n\r\n${code(BAIT)}\r\n\r\n`)],
  'packed event': ['text/plain', gzipSync(bytes(code(BAIT)))],
  'event in a text': ['text/plain', bytes(`Code=VideoMotionInfo;action=State;index=0;data={"Note":"${code(BAIT)}"}\n`)],
  'word of an error': ['text/plain', bytes('Error\r\nBusy')],
  'unknown action': ['text/plain', bytes(`Code=CrossLineDetection;action=Begin;index=${BAIT}`)],
  garbage: ['text/plain', bytes('\x01\x02 no words \xff\xfe')],
  nothing: ['text/plain', bytes('')],
  'deep data': ['text/plain', bytes(`Code=NewFile;action=Pulse;index=0;data=${'['.repeat(5000)}${']'.repeat(5000)}`)],
};

const streams = (
  good: Readonly<Record<string, (n: number) => [string, Buffer]>>,
  noise: Readonly<Record<string, [string, Buffer]>>,
): fc.Arbitrary<Item[]> =>
  fc
    .array(
      fc.oneof(
        fc.tuple(fc.constantFrom(...Object.keys(good)), framings, fc.constant(true)),
        fc.tuple(fc.constantFrom(...Object.keys(noise)), framings, fc.constant(false)),
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((list) =>
      list.map(([name, framing, isGood], i) => {
        const [type, body] = isGood ? good[name]!(i + 1) : noise[name]!;
        const picture = type === 'image/jpeg';
        return {
          name: `${name} ${JSON.stringify(framing)}`,
          bytes: part(type, body, picture ? { ...plain, before: framing.before } : framing),
          starts: isGood ? i + 1 : null,
        };
      }),
    );

describe.each([
  ['Hikvision', decodeHikvision, HIK_GOOD, HIK_NOISE],
  ['Dahua', decodeDahua, DAHUA_GOOD, DAHUA_NOISE],
] as const)('a hostile stream of %s', (_maker, decode, good, noise) => {
  it('brings each true event once, and nothing else, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        streams(good, noise),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
        async (items, cuts) => {
          const body = Buffer.concat(items.map((item) => item.bytes));
          const whole = await startsIn(decode as Decode, [body]);
          const expected = items.filter((i) => i.starts !== null).map((i) => `start ${i.starts}`);
          expect(whole).toEqual(expected);
          expect(await startsIn(decode as Decode, bytewise(body))).toEqual(whole);
          expect(await startsIn(decode as Decode, cutAt(body, cuts))).toEqual(whole);
        },
      ),
      { numRuns: 100 },
    );
  });
});
