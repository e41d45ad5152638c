import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AlarmflowError } from '../../../engine/domain/errors';
import { errorIn } from '../../../engine/drivers/vivotek/cgi';
import { parseParams } from '../../../engine/drivers/vivotek/params';
import { portStates } from '../../../engine/drivers/vivotek/ports';
import { understandCameraPush } from '../../../engine/drivers/vivotek/push';

const setting = { timeZone: null, now: 0, offset: null, quietMs: 10_000 };
const words = fc.constantFrom(
  ...[
    'event=',
    'motion',
    '&',
    'phase=',
    'start',
    'stop',
    '\r\n',
    '\n',
    '--b',
    '--',
    '{',
    '}',
    '"',
    ':',
    '[',
    ']',
    '<a>',
    '</a>',
  ],
  ...[
    '<!DOCTYPE a [',
    '<!ENTITY',
    '&#x0;',
    '%00',
    '%',
    'Content-Disposition: form-data; name="x"',
    'Content-Type: image/jpeg',
  ],
  ...[
    '\xff\xd8\xff',
    '\xff\xd9',
    '\xff\xfe',
    '\xfe\xff',
    '\xef\xbb\xbf',
    'Caf\xe9',
    '\0',
    '__proto__',
    'constructor',
    "di0='1'",
    '1e999',
  ],
);
const bodies = fc.oneof(
  fc.array(words, { maxLength: 40 }).map((list) => Buffer.from(list.join(''), 'latin1')),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(words, { maxLength: 20 }).map((list) => Buffer.from(list.join(''), 'utf16le')),
  fc.array(words, { maxLength: 20 }).map((list) => gzipSync(Buffer.from(list.join(''), 'latin1'))),
);
const types = fc.constantFrom(
  ...['', 'text/plain', 'application/json', 'application/xml', 'application/x-www-form-urlencoded', 'image/jpeg'],
  ...[
    'multipart/form-data; boundary=b',
    'multipart/form-data',
    'text/plain; charset=windows-1252',
    'multipart/mixed; boundary="--b"',
  ],
);

it('a push of any bytes under any type is understood or refused, never a fault of ours', () => {
  fc.assert(
    fc.property(
      bodies,
      types,
      fc.constantFrom('', '/motion', '/motion/start', '/2/di0/stop?x=%', '?event=%ff'),
      (body, type, path) => {
        try {
          const found = understandCameraPush(
            { method: 'POST', path, headers: { 'content-type': type }, body },
            setting,
          );
          if (found.kind === 'event') {
            expect(found.draft.raw.length).toBeLessThanOrEqual(65_536);
            // What names no phase raises nothing that would have to be ended.
            expect(['start', 'stop', 'pulse']).toContain(found.draft.phase);
          }
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AlarmflowError);
          expect((thrown as AlarmflowError).code).toBe('E_BAD_PUSH');
        }
      },
    ),
    { numRuns: 600 },
  );
});

it('an answer of any bytes tells a state only where it says 0 or 1', () => {
  fc.assert(
    fc.property(bodies, fc.constantFrom(200, 204, 401, 403, 404, 503), (body, status) => {
      const text = body.toString('utf8');
      for (const state of portStates('di', text).values()) expect(typeof state).toBe('boolean');
      if (!/di\d+\s*=\s*['"]?[01]/.test(text)) expect(portStates('di', text).size).toBe(0);
      for (const [name, value] of parseParams(text)) expect([typeof name, typeof value]).toEqual(['string', 'string']);
      const error = errorIn({ status, headers: {}, body }, 'Inputs');
      expect(error === null || error instanceof AlarmflowError).toBe(true);
    }),
    { numRuns: 600 },
  );
});
