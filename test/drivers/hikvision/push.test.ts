import { afterEach, describe, expect, it } from 'vitest';
import type { PushRequest } from '../../../engine/domain/devices';
import { silentLog } from '../../../engine/domain/log';
import type { DriverConnection } from '../../../engine/drivers/driver';
import { hikvisionDriver } from '../../../engine/drivers/hikvision';
import { deviceAt, type RecordingSink, recordingSink } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

let open: DriverConnection | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

function pushed(): { connection: DriverConnection; sink: RecordingSink } {
  const sink = recordingSink();
  const definition = deviceAt(9, { receive: 'push', credentials: null });
  open = hikvisionDriver.connect({ definition, sink, clock: steadyClock, log: silentLog });
  open.start();
  return { connection: open, sink };
}

const request = (body: string | Buffer, type?: string, method = 'POST'): PushRequest => ({
  method,
  path: '/',
  headers: type === undefined ? {} : { 'content-type': type },
  body: Buffer.from(body),
  remoteAddress: '127.0.0.1',
});

const xml = (type: string, state = 'active'): string =>
  `<EventNotificationAlert><channelID>2</channelID><eventType>${type}</eventType><eventState>${state}</eventState></EventNotificationAlert>`;
const jpeg = (seed: number): Buffer =>
  Buffer.from([0xff, 0xd8, 0xff, 0xe0, seed, 13, 10, 45, 45, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff, 0xd9]);

function form(alertHead: string, alert: string, options: { blank?: boolean; short?: number } = {}): Buffer {
  const blank = options.blank ? '\r\n' : '';
  const pictures = [1, 2].flatMap((seed) => [
    Buffer.from(
      `--boundary\r\n${blank}Content-Disposition: form-data; name="detectionPicture_${seed}"; filename="p${seed}.jpg"\r\n` +
        `Content-Type: image/pjpeg\r\nContent-Length: ${jpeg(seed).length - (options.short ?? 0)}\r\n\r\n`,
    ),
    jpeg(seed),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([
    Buffer.from(
      `--boundary\r\n${blank}${alertHead}\r\nContent-Length: ${Buffer.byteLength(alert)}\r\n\r\n${alert}\r\n`,
    ),
    ...pictures,
    Buffer.from('--boundary--\r\n'),
  ]);
}

describe('a push', () => {
  it.each([
    ['application/xml', 'application/xml; charset="UTF-8"'],
    ['text/xml', 'text/xml'],
    ['no content type', undefined],
    ['a wrong content type', 'application/x-www-form-urlencoded'],
  ])('is read as bare XML with %s', async (_name, type) => {
    const { connection } = pushed();
    const events = await connection.push(request(xml('TMA'), type));
    expect(events).toMatchObject([{ draft: { type: 'temperature-alarm', phase: 'start', channel: 2 }, pictures: [] }]);
  });

  it.each(['application/json', undefined])('is read as bare JSON with %s', async (type) => {
    const { connection } = pushed();
    const events = await connection.push(request('{"eventType":"VMD","eventState":"active","channelID":1}', type));
    expect(events.map((e) => e.draft.type)).toEqual(['motion']);
  });

  it.each([
    ['in order', {}],
    ['with a blank line before each head', { blank: true }],
    ['with picture lengths that are too small', { short: 6 }],
  ])('is read as a form with file parts and pictures, %s', async (_name, options) => {
    const { connection } = pushed();
    const head =
      'Content-Disposition: form-data; name="MoveDetection.xml"; filename="MoveDetection.xml"\r\nContent-Type: application/xml';
    for (const type of [
      'multipart/form-data; boundary=boundary',
      'multipart/form-data; boundary="--boundary"',
      undefined,
    ]) {
      const events = await connection.push(request(form(head, xml('VMD'), options), type));
      expect(events).toHaveLength(1);
      expect(events[0]?.pictures.map((p) => p.bytes.toString('hex'))).toEqual(
        [jpeg(1), jpeg(2)].map((b) => b.toString('hex')),
      );
      expect(events[0]?.pictures[0]).toMatchObject({ contentType: 'image/jpeg', name: 'p1.jpg' });
    }
  });

  it('that is a heart-beat holds no event and proves the device alive', async () => {
    const { connection, sink } = pushed();
    expect(await connection.push(request(xml('videoloss', 'inactive')))).toEqual([]);
    expect(await connection.push(request(xml('heartBeat')))).toEqual([]);
    expect(sink.links.at(-1)?.link).toBe('online');
  });

  it('keeps its conditions between requests', async () => {
    const { connection } = pushed();
    const phases: string[] = [];
    for (const state of ['active', 'active', 'inactive'])
      phases.push(...(await connection.push(request(xml('fielddetection', state)))).map((e) => e.draft.phase));
    expect(phases).toEqual(['start', 'refresh', 'stop']);
  });

  it.each([
    ['an empty body', '', 'POST'],
    ['broken XML', '<EventNotificationAlert><eventType>VMD</eventTyp></EventNotificationAlert>', 'POST'],
    ['another document', '<Hello/>', 'POST'],
    ['text', 'hello there', 'POST'],
    ['broken JSON', '{"eventType":', 'POST'],
    ['a form without alert', '--boundary\r\nContent-Type: text/plain\r\n\r\nhello\r\n--boundary--\r\n', 'POST'],
    ['a picture alone', jpeg(1).toString('latin1'), 'POST'],
    ['another method', xml('VMD'), 'GET'],
  ])('is refused as the sender’s mistake when it is %s', async (_name, body, method) => {
    const { connection } = pushed();
    await expect(connection.push(request(Buffer.from(body, 'latin1'), undefined, method))).rejects.toMatchObject({
      code: 'E_BAD_PUSH',
      family: 'user',
    });
  });

  it('of many megabytes is refused and harms nothing', async () => {
    const { connection } = pushed();
    const huge = Buffer.concat([Buffer.from('<EventNotificationAlert><x>'), Buffer.alloc(32 * 1024 * 1024, 0x41)]);
    await expect(connection.push(request(huge))).rejects.toMatchObject({ code: 'E_BAD_PUSH' });
    expect(await connection.push(request(xml('VMD')))).toHaveLength(1);
  });
});
