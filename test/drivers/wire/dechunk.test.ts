import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDechunker } from '../../../engine/drivers/wire/dechunk';

/** The empty line behind the last chunk passes: whoever frames the body passes over it. */
const END = '\r\n';

const dechunk = (bytes: Buffer, step = bytes.length): string => {
  const take = createDechunker();
  let text = '';
  for (let at = 0; at < bytes.length; at += Math.max(1, step))
    text += take(bytes.subarray(at, at + Math.max(1, step))).toString('latin1');
  return text;
};
const chunked = (...chunks: string[]): Buffer =>
  Buffer.from(`${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`, 'latin1');

describe('chunk sizes in captured bytes', () => {
  it.each([1, 2, 3, 7, 1_000])('are taken out in pieces of %i bytes', (step) => {
    expect(dechunk(chunked('--boundary\r\n', 'a', '<x>5\r\n</x>'.repeat(9)), step)).toBe(
      `--boundary\r\na${'<x>5\r\n</x>'.repeat(9)}${END}`,
    );
  });

  it('are looked for no further where there are none', () => {
    expect(dechunk(Buffer.from('--boundary\r\n5\r\nabcde\r\n'))).toBe('--boundary\r\n5\r\nabcde\r\n');
  });

  it('come out the same however the bytes were cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 50 }),
        (chunks, step) => {
          expect(dechunk(chunked(...chunks), step)).toBe(chunks.join('') + END);
        },
      ),
    );
  });
});
