import { describe, expect, it } from 'vitest';
import { type ListeningAddress, urlTowards } from '../../engine/host/public-url';

const own: ListeningAddress = { publicUrl: null, host: '0.0.0.0', port: 1880, tls: false };

describe('our address as a device reaches it', () => {
  it('is what the operator says, whatever the device is', async () => {
    const said = { ...own, publicUrl: 'https://alarms.example.org/site/' };
    expect(await urlTowards('no such host', said)).toBe('https://alarms.example.org/site');
  });

  it.each([
    ['a device on this machine', '127.0.0.1', '0.0.0.0', 'http://127.0.0.1:1880'],
    ['a device known by name', 'localhost', '0.0.0.0', 'http://127.0.0.1:1880'],
    ['listening for this machine', '127.0.0.1', '127.0.0.1', 'http://127.0.0.1:1880'],
    ['listening by name', '127.0.0.1', 'localhost', 'http://127.0.0.1:1880'],
    ['one address', '192.0.2.9', '192.0.2.1', 'http://192.0.2.1:1880'],
    ['one address, for a device without one', '', '192.0.2.1', 'http://192.0.2.1:1880'],
    ['one of version 6', '192.0.2.9', '2001:db8::1', 'http://[2001:db8::1]:1880'],
  ])('is found out: %s', async (_name, device, host, url) => {
    expect(await urlTowards(device, { ...own, host })).toBe(url);
  });

  it('says so when it is encrypted', async () => {
    expect(await urlTowards('127.0.0.1', { ...own, tls: true })).toBe('https://127.0.0.1:1880');
  });

  it.each([
    ['another machine while we listen for this one only', '192.0.2.9', '127.0.0.1'],
    ['a device without an address', '', '0.0.0.0'],
    // Too long for the name service, which need not answer on the machine of a test.
    ['a name that nobody knows', `${'no-such-device-'.repeat(5)}.invalid`, '0.0.0.0'],
  ])('is not known for %s', async (_name, device, host) => {
    expect(await urlTowards(device, { ...own, host })).toBeNull();
  });

  it('is an address of this machine for a device elsewhere, or none where no way leads there', async () => {
    const url = await urlTowards('192.0.2.9', own);
    if (url !== null) expect(url).toMatch(/^http:\/\/(?!192\.0\.2\.9)\d+\.\d+\.\d+\.\d+:1880$/);
  });
});
