import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../engine/log';

const clean = (text: string, secrets: string[] = [], isText = true): string =>
  withoutSecrets(Buffer.from(text), secrets, isText).toString();

describe('captured bytes', () => {
  it.each([
    ['{"password":"abc","n":1}', '{"password":"***","n":1}'],
    ['{"auth_token" : "a,b"}', '{"auth_token" : "*,b"}'],
    [
      '<alarm><userPassword>xyz</userPassword><type>VMD</type></alarm>',
      '<alarm><userPassword>***</userPassword><type>VMD</type></alarm>',
    ],
    ['<w:Password Type="digest">abc=</w:Password>', '<w:Password Type="digest">****</w:Password>'],
    ['pwd=abc&kind=motion', 'pwd=***&kind=motion'],
    [
      'POST / HTTP/1.1\r\nAuthorization: Basic YTpi\r\nX-Kind: a',
      'POST / HTTP/1.1\r\nAuthorization: **********\r\nX-Kind: a',
    ],
    ['see http://admin:pass@192.0.2.1/x', 'see http://admin:****@192.0.2.1/x'],
    ['Code=VideoMotion;action=Start;index=0', 'Code=VideoMotion;action=Start;index=0'],
  ])('lose secrets by the name of their field: %j', (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  it('lose known values in the spellings in which they travel', () => {
    const secret = 'gehe&im/1';
    const basic = Buffer.from(secret).toString('base64');
    expect(clean(`a gehe&im/1 b gehe&amp;im/1 c gehe%26im%2F1 d ${basic}`, [secret])).toBe(
      `a ********* b ************* c ************* d ${'*'.repeat(basic.length)}`,
    );
  });

  it('lose only known values where they are no text', () => {
    expect(clean('password=abc topsecret', ['topsecret'], false)).toBe('password=abc *********');
  });

  it('keep their length and every byte that is no secret, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.string({ minLength: 3, maxLength: 20 }), (bytes, secret) => {
        const given = Buffer.from(bytes);
        expect(withoutSecrets(given, [secret], true)).toHaveLength(given.length);
        const framed = Buffer.concat([given, Buffer.from(secret), given]);
        expect(withoutSecrets(framed, [secret], false).includes(Buffer.from(secret)) && !given.includes(secret)).toBe(
          /^\*+$/.test(secret),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('take their time for no input', () => {
    for (const text of [
      '"password'.repeat(20_000),
      '<token '.repeat(20_000),
      'a.'.repeat(60_000),
      'token='.repeat(30_000),
    ]) {
      // Time of the processor: whatever else goes on here counts for nothing.
      const begun = process.cpuUsage();
      clean(text);
      const { user, system } = process.cpuUsage(begun);
      expect((user + system) / 1_000).toBeLessThan(2_000);
    }
  });
});
