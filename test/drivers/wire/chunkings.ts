import fc from 'fast-check';
import { expect } from 'vitest';
import { createFramer, type FramedPart, type FramerOptions } from '../../../engine/drivers/wire';

export function frame(chunks: Buffer[], options: FramerOptions = {}): FramedPart[] {
  const framer = createFramer(options);
  return [...chunks.flatMap((chunk) => framer.push(chunk)), ...framer.end()];
}

export const bytewise = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));

/** Cuts at the given fractions of the length. */
export function cutAt(bytes: Buffer, fractions: number[]): Buffer[] {
  const cuts = [0, ...fractions.map((f) => Math.floor(f * bytes.length)), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
}

const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { maxLength: 12 });

/** What the framer answers, after proving that whole, byte by byte and randomly cut input answer the same. */
export function framed(bytes: Buffer, options: FramerOptions = {}): FramedPart[] {
  const whole = frame([bytes], options);
  expect(frame(bytewise(bytes), options)).toEqual(whole);
  fc.assert(
    fc.property(fractions, (cuts) => {
      expect(frame(cutAt(bytes, cuts), options)).toEqual(whole);
    }),
    { numRuns: 25 },
  );
  return whole;
}

/** One short line a part, for tables. */
export const brief = (parts: FramedPart[]): string[] =>
  parts.map((p) =>
    p.kind === 'fault'
      ? `fault ${p.reason} ${p.bytes}`
      : `${p.form}${p.truncated ? '!' : ''} ${p.body.toString('latin1')}`,
  );

export const framedBriefly = (bytes: Buffer, options: FramerOptions = {}): string[] => brief(framed(bytes, options));
