import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAll } from '../../support/drain-decoder';

const alert = (type: string, state: string, more = ''): string =>
  `<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\r\n<channelID>1</channelID>\r\n` +
  `<dateTime>2026-02-03T04:05:06+01:00</dateTime>\r\n<activePostCount>1</activePostCount>\r\n<eventType>${type}</eventType>\r\n` +
  `<eventState>${state}</eventState>\r\n${more}</EventNotificationAlert>\r\n`;

const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 13, 10, 45, 45, 98, 0xff, 0xd9]);
const part = (text: string, type = 'application/xml; charset="UTF-8"'): string =>
  `--boundary\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}\r\n`;
const picturePart = Buffer.concat([
  Buffer.from(
    `--boundary\r\nContent-Disposition: form-data; name="p"; filename="p1.jpg"\r\nContent-Type: image/pjpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`,
  ),
  jpeg,
  Buffer.from('\r\n'),
]);
const session = Buffer.concat([
  Buffer.from(part(alert('videoloss', 'inactive'))),
  Buffer.from(part(alert('fielddetection', 'active', '<detectionPicturesNumber>1</detectionPicturesNumber>'))),
  picturePart,
  Buffer.from(part(alert('fielddetection', 'inactive'))),
  Buffer.from(
    part('{"eventType":"heartBeat","eventState":"active","dateTime":"2026-02-03T04:05:16+01:00"}', 'application/json'),
  ),
]);

const shortForm = (lines: Awaited<ReturnType<typeof decodeAll>>): string[] =>
  lines.map((line) => {
    if (line.kind === 'event') return `${line.event.type} ${line.event.phase}`;
    return line.kind === 'picture' ? `picture ${line.size} ${line.contentType}` : line.kind;
  });

const expected = ['heartbeat', 'intrusion start', `picture ${jpeg.length} image/jpeg`, 'intrusion stop', 'heartbeat'];
const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: multipart/mixed; boundary=boundary\r\n\r\n';

describe('decode', () => {
  it.each([
    ['a stream', session],
    ['a stream with the response head in front', Buffer.concat([Buffer.from(head), session])],
  ])('reads %s in order, in chunks of any size', async (_name, bytes) => {
    for (const size of [1, 7, 1000, bytes.length])
      expect(shortForm(await decodeAll(bytes, { size }))).toEqual(expected);
  });

  it('reads a stream whose boundary is given', async () => {
    const lines = await decodeAll(session, { contentType: 'multipart/mixed; boundary=boundary' });
    expect(shortForm(lines)).toEqual(expected);
  });

  it('reads a stream that was captured with its chunk sizes', async () => {
    const chunks: Buffer[] = [Buffer.from(head.replace('Connection: close', 'Transfer-Encoding: chunked'))];
    for (let at = 0; at < session.length; at += 100) {
      const chunk = session.subarray(at, at + 100);
      chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
    }
    chunks.push(Buffer.from('0\r\n\r\n'));
    for (const size of [1, 33, 5000])
      expect(shortForm(await decodeAll(Buffer.concat(chunks), { size }))).toEqual(expected);
  });

  it('reads a captured push with its request head', async () => {
    const body = alert('IO', 'active', '<inputIOPortID>2</inputIOPortID>');
    const lines = await decodeAll(`POST /in/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\n\r\n${body}`);
    expect(shortForm(lines)).toEqual(['digital-input start']);
  });

  it('reads documents one after another, XML and JSON', async () => {
    const bytes = `${alert('VMD', 'active')}${alert('VMD', 'inactive')}\n${alert('linedetection', 'active')}`;
    for (const size of [1, 5000])
      expect(shortForm(await decodeAll(bytes, { size }))).toEqual([
        'motion start',
        'motion stop',
        'line-crossing pulse',
      ]);
  });

  it.each(['\uFEFF', '\r\n\r\n', '\0\0', '\r\n<?xml version="1.0" encoding="UTF-8"?>\r\n'])(
    'reads a document behind %j',
    async (front) => {
      expect(shortForm(await decodeAll(front + alert('VMD', 'active')))).toEqual(['motion start']);
    },
  );

  it('tells a real loss of picture from the heart-beat that looks like its end', async () => {
    const bytes = [
      alert('videoloss', 'inactive'),
      alert('videoloss', 'active'),
      alert('videoloss', 'inactive').replace('<channelID>1<', '<channelID>2<'),
      alert('videoloss', 'inactive'),
      alert('videoloss', 'inactive'),
    ].join('');
    expect(shortForm(await decodeAll(bytes))).toEqual([
      'heartbeat',
      'video-loss start',
      'heartbeat',
      'video-loss stop',
      'heartbeat',
    ]);
  });

  it('reads the time of a heart-beat as it was written', async () => {
    expect(await decodeAll(alert('videoloss', 'inactive'))).toEqual([
      { kind: 'heartbeat', at: '2026-02-03T04:05:06+01:00' },
    ]);
  });

  it('reports the answer to a subscription and a refusal as notices', async () => {
    const lines = await decodeAll('<SubscribeEventResponse><id>7</id></SubscribeEventResponse>');
    expect(lines).toEqual([{ kind: 'notice', text: 'subscription 7 accepted' }]);
    const refusal =
      '<ResponseStatus><statusCode>4</statusCode><statusString>Invalid Operation</statusString></ResponseStatus>';
    expect(await decodeAll(refusal)).toEqual([{ kind: 'notice', text: 'ResponseStatus 4 Invalid Operation' }]);
  });

  it('reports what it cannot read and goes on', async () => {
    const bytes =
      part('<EventNotificationAlert><eventType>VMD</eventTyp></EventNotificationAlert>') + part(alert('VMD', 'active'));
    const lines = shortForm(await decodeAll(bytes, { contentType: 'multipart/mixed; boundary=boundary' }));
    expect(lines[0]).toBe('fault');
    expect(lines.at(-1)).toBe('motion start');
  });

  it('ends without a finding on nothing at all', async () => {
    expect(await decodeAll('')).toEqual([]);
  });

  it('never throws, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
            fc.constant(session),
            fc.string().map((s) => Buffer.from(s)),
          ),
        ),
        fc.integer({ min: 1, max: 300 }),
        async (pieces, size) => {
          await decodeAll(Buffer.concat(pieces), { size });
        },
      ),
      { numRuns: 100 },
    );
  });
});
