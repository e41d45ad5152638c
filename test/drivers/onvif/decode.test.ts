import { describe, expect, it } from 'vitest';
import type { Decoded } from '../../../engine/drivers/driver';
import { createOnvifDriver, defaultTiming } from '../../../engine/drivers/onvif';

const driver = createOnvifDriver(defaultTiming);

async function decoded(bytes: Buffer, size: number): Promise<Decoded[]> {
  async function* chunks(): AsyncIterable<Buffer> {
    for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
  }
  const found: Decoded[] = [];
  for await (const line of driver.decode(chunks(), null)) found.push(line);
  return found;
}

const one = (value: string): string =>
  '<?xml version="1.0"?><s:Envelope xmlns:s="urn:s"><s:Body><PullMessagesResponse><CurrentTime>2026-11-21T10:00:00Z</CurrentTime>' +
  `<NotificationMessage><Topic>tns1:VideoSource/SignalLoss</Topic><Message><Message UtcTime="2026-11-21T10:00:00Z" PropertyOperation="Changed"><Source><SimpleItem Name="Source" Value="Hôf"/></Source><Data><SimpleItem Name="State" Value="${value}"/></Data></Message></Message></NotificationMessage></PullMessagesResponse></s:Body></s:Envelope>`;
const idle =
  '<s:Envelope><s:Body><PullMessagesResponse><CurrentTime>2026-11-21T10:00:20Z</CurrentTime></PullMessagesResponse></s:Body></s:Envelope>';
const capture = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n\r\n${one('true')}\r\n--x\r\nContent-Length: 3\r\n\r\n${idle}${one('false')}`,
);

describe('decode', () => {
  it.each([1, 7, 64, 100_000])('understands a capture in chunks of %d bytes', async (size) => {
    const found = await decoded(capture, size);
    expect(found.map((f) => (f.kind === 'event' ? `${f.event.type} ${f.event.phase}` : f.kind))).toEqual([
      'video-loss start',
      'heartbeat',
      'video-loss stop',
    ]);
    expect(found[0]).toMatchObject({ event: { channelName: 'Hôf' } });
  });

  it.each(['', 'nothing', '<a>', '{"a":1}', '<s:Envelope><s:Body/></s:Envelope>'])('never throws: %j', async (text) => {
    const found = await decoded(Buffer.from(text), 3);
    expect(found.every((f) => f.kind === 'fault' || f.kind === 'notice')).toBe(true);
  });
});

describe('the settings', () => {
  const read = (options: Record<string, unknown>) => driver.readOptions?.(options);
  it('are completed', () => {
    expect(read({})).toEqual({
      path: '/onvif/device_service',
      login: 'auto',
      ports: 'given',
      events: 'auto',
      consumerUrl: '',
      informational: false,
      quietSeconds: 0,
      invertedInputs: '',
      contactRelays: '',
    });
  });
  it('stay what they are when they are checked again', () => {
    const once = read({ quietSeconds: 5, login: 'token', invertedInputs: '000,,  001 ', contactRelays: '7' });
    expect(read(once ?? {})).toEqual(once);
  });
  it.each([
    [{ path: 'onvif' }, /"path"/],
    [{ path: 7 }, /"path"/],
    [{ login: 'x' }, /"login".*auto, digest, token/],
    [{ consumerUrl: 'ftp://x' }, /"consumerUrl"/],
    [{ events: 'sometimes' }, /"events".*auto, pull, notify/],
    [{ quietSeconds: -1 }, /"quietSeconds"/],
    [{ informational: 'yes' }, /"informational"/],
    [{ invertedInputs: 7 }, /"invertedInputs"/],
    [{ contactRelays: 'x'.repeat(65) }, /"contactRelays"/],
  ])('are refused with field and remedy: %j', (options, message) => {
    expect(() => read(options)).toThrow(
      expect.objectContaining({ code: 'E_DEVICE_OPTIONS', message: expect.stringMatching(message) }),
    );
  });
  it('are all in the dialog', () => {
    expect(driver.dialog?.fields.map((f) => f.name)).toEqual([
      'path',
      'login',
      'ports',
      'events',
      'consumerUrl',
      'quietSeconds',
      'invertedInputs',
      'contactRelays',
      'informational',
    ]);
  });
});
