import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorize,
  type Challenge,
  chooseChallenge,
  createDigestSession,
  parseChallenges,
} from '../../../engine/drivers/wire/digest';
import { cpuTime } from './cpu-time';

const one = (header: string | string[]): Challenge => chooseChallenge(parseChallenges(header))!;
const field = (header: string, name: string): string | undefined =>
  new RegExp(`[ ,]${name}=("(?:[^"\\\\]|\\\\.)*"|[^,]*)`).exec(header)?.[1];

describe('examples of the standards', () => {
  it('answers as RFC 2617 §3.5 shows', () => {
    const challenge = one(
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    const header = authorize(
      'GET',
      '/dir/index.html',
      challenge,
      { user: 'Mufasa', password: 'Circle Of Life' },
      { nc: 1, cnonce: '0a4f113b' },
    );
    expect(field(header, 'response')).toBe('"6629fae49393a05397450978507c4ef1"');
    expect(field(header, 'opaque')).toBe('"5ccc069c403ebaf9f0171e9517f40e41"');
    expect(header).not.toContain('algorithm');
  });

  it('answers as RFC 2069 §2.4 (with the erratum) shows when no qop is offered', () => {
    const challenge = one(
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    const header = authorize('GET', '/dir/index.html', challenge, { user: 'Mufasa', password: 'CircleOfLife' });
    expect(field(header, 'response')).toBe('"1949323746fe6a43ef61f9606e7febea"');
    expect(header).not.toMatch(/qop|nc=|cnonce/);
  });

  const rfc7616 = (algorithm: string): string =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
  const use = { nc: 1, cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' };
  const mufasa = { user: 'Mufasa', password: 'Circle of Life' };

  it('answers as RFC 7616 §3.9.1 shows for MD5', () => {
    const header = authorize('GET', '/dir/index.html', one(rfc7616('MD5')), mufasa, use);
    expect(field(header, 'response')).toBe('"8ca523f5e9506fed4657c9700eebdbec"');
  });

  it('answers as RFC 7616 §3.9.1 shows for SHA-256, which it prefers', () => {
    const challenge = one([rfc7616('MD5'), rfc7616('SHA-256')]);
    const header = authorize('GET', '/dir/index.html', challenge, mufasa, use);
    expect(field(header, 'response')).toBe('"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"');
    expect(field(header, 'algorithm')).toBe('SHA-256');
    expect([field(header, 'qop'), field(header, 'nc'), field(header, 'uri')]).toEqual([
      'auth',
      '00000001',
      '"/dir/index.html"',
    ]);
  });

  it('answers Basic as RFC 7617 §2 shows', () => {
    expect(authorize('GET', '/', one('Basic realm="WallyWorld"'), { user: 'Aladdin', password: 'open sesame' })).toBe(
      'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
    );
  });
});

describe('challenges', () => {
  const algorithms: [string, Challenge['hash'], boolean][] = [
    ['MD5', 'md5', false],
    ['md5', 'md5', false],
    ['"MD5"', 'md5', false],
    ['MD5-sess', 'md5', true],
    ['SHA-256', 'sha256', false],
    ['SHA-256-sess', 'sha256', true],
    ['SHA', 'sha256', false],
    ['SHA256', 'sha256', false],
    ['sha256-SESS', 'sha256', true],
  ];
  for (const [algorithm, hash, session] of algorithms) {
    it(`knows the algorithm ${algorithm} and echoes its spelling`, () => {
      const challenge = one(`Digest realm="r", nonce="n", algorithm=${algorithm}, qop="auth"`);
      expect(challenge).toMatchObject({ hash, session });
      expect(field(authorize('GET', '/', challenge, { user: 'u', password: 'p' }), 'algorithm')).toBe(
        algorithm.replaceAll('"', ''),
      );
    });
  }

  it('reads the form of older Hikvision firmware', () => {
    expect(one('Digest qop="auth", realm="IP Camera(C1234)", nonce="4e6a", stale="FALSE"')).toMatchObject({
      realm: 'IP Camera(C1234)',
      nonce: '4e6a',
      qop: 'auth',
      algorithm: null,
      hash: 'md5',
      stale: false,
    });
  });

  for (const stale of ['stale=true', 'stale="TRUE"', 'stale=True', 'STALE = "true"'])
    it(`reads ${stale}`, () => expect(one(`Digest realm="r", nonce="n", ${stale}`).stale).toBe(true));

  it('reads several challenges in one comma-joined header, Basic among them', () => {
    const header =
      'Negotiate, Basic realm="a, b", charset="UTF-8", Digest realm="r \\"x\\"", nonce="1", qop="auth,auth-int", algorithm=MD5, Digest realm="r", nonce="2", algorithm=SHA-256, qop=auth';
    expect(parseChallenges(header).map((c) => [c.scheme, c.realm, c.nonce])).toEqual([
      ['basic', 'a, b', ''],
      ['digest', 'r "x"', '1'],
      ['digest', 'r', '2'],
    ]);
    expect(one(header).nonce).toBe('2');
  });

  it('prefers Digest to Basic in either order', () => {
    const digest = 'Digest realm="r", nonce="n"';
    expect(one(['Basic realm="r"', digest]).scheme).toBe('digest');
    expect(one([digest, 'Basic realm="r"']).scheme).toBe('digest');
  });

  it('leaves out what it cannot answer', () => {
    expect(
      parseChallenges([
        'Bearer realm="r"',
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r"',
      ]),
    ).toEqual([]);
    expect(parseChallenges(undefined)).toEqual([]);
  });

  it('never throws and stays fast whatever comes', () => {
    const piece = fc.constantFrom('Digest', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'nonce=', 'qop="', 'a');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        (pieces) => void chooseChallenge(parseChallenges(pieces.join(''))),
      ),
    );
    const time = cpuTime(() => {
      for (const unit of ['a="', '"', '\\', 'a=', ',', ' ', 'a="\\', 'a ', '='])
        parseChallenges(Array(20).fill(`Digest ${unit.repeat(100_000)}`));
    });
    expect(time).toBeLessThan(1_500);
  });
});

describe('answers', () => {
  const challenge = one('Digest realm="a\\"b\\\\c", nonce="n", qop="auth"');

  it('quote user and realm', () => {
    const header = authorize('GET', '/', challenge, { user: 'o"neil\\x', password: 'p' });
    expect(field(header, 'username')).toBe('"o\\"neil\\\\x"');
    expect(field(header, 'realm')).toBe('"a\\"b\\\\c"');
  });

  it('carry UTF-8 bytes', () => {
    const header = authorize('GET', '/', challenge, { user: 'Jürgen門', password: 'пароль' });
    expect(Buffer.from(header, 'latin1').toString('utf8')).toContain('username="Jürgen門"');
    const basic = authorize('GET', '/', one('Basic realm="x"'), { user: 'ü', password: 'ß:@/%#' });
    expect(Buffer.from(basic.slice(6), 'base64').toString('utf8')).toBe('ü:ß:@/%#');
  });

  it('count a nonce in 8 hex digits from 1 and keep its cnonce', () => {
    const session = createDigestSession({ user: 'u', password: 'p' });
    expect(session.reuse('GET', '/')).toBeNull();
    const first = session.answer('GET', '/', challenge);
    expect(field(first.header, 'nc')).toBe('00000001');
    session.accepted(challenge, first.cnonce);
    for (let i = 2; i <= 16; i++) {
      const { header } = session.reuse('PUT', `/x?${i}`)!;
      expect(field(header, 'nc')).toBe(i.toString(16).padStart(8, '0'));
      expect(field(header, 'cnonce')).toBe(field(first.header, 'cnonce'));
    }
    session.forget(one('Digest realm="r", nonce="other"'));
    expect(session.reuse('GET', '/')).not.toBeNull();
    session.forget(challenge);
    expect(session.reuse('GET', '/')).toBeNull();
  });

  it('hash the user name when the device asks for it', () => {
    const hashed = one('Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, userhash=true');
    const header = authorize('GET', '/', hashed, { user: 'secret-name', password: 'p' });
    expect(header).not.toContain('secret-name');
    expect(header).toContain('userhash=true');
  });
});
