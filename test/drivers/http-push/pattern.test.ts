import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPattern } from '../../../engine/drivers/http-push/pattern';
import { cpuTime } from '../wire/cpu-time';

/** What JavaScript's own engine finds, in the same words. */
function reference(source: string, text: string): string | null {
  const match = new RegExp(source, 'm').exec(text);
  if (!match) return null;
  if (match.length === 1) return match[0];
  return match.slice(1).find((group) => group !== undefined) ?? '';
}

describe('a pattern', () => {
  it.each([
    ['type=(\\w+)', 'a type=motion;'],
    ['^level: (.*)$', 'x\r\nlevel: high\r\n'],
    ['(?:on|off)', 'turned off'],
    ['a{2,3}?', 'aaaa'],
    ['(a+)(b*)', 'xaabb'],
    ['[^,]+,([^,]+)', 'one,two,three'],
    ['\\bT(\\d{1,3})\\b', 'AT5 T42'],
    ['(?<name>[A-Z-]+)=', 'MY-KEY=1'],
    ['x|', 'abc'],
    ['(a|ab)(c|bcd)', 'abcd'],
    ['(a*)*b', 'aaab'],
    ['[\\d.]+', 'v 21.5'],
    ['no', 'yes'],
  ])('%s finds in "%s" what JavaScript finds', (source, text) => {
    expect(createPattern(source, false).find(text)).toBe(reference(source, text));
  });

  it('finds what JavaScript finds, whatever simple pattern and text', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'a|b', '\\w', '(?:ab)', '^', '$', '\\b');
    const suffix = fc.constantFrom('', '*', '+', '?', '{2}', '{0,2}', '*?', '+?');
    const piece = fc
      .tuple(atom, suffix)
      .map(([a, s]) => (/^(?:\^|\$|\\b)$/.test(a) ? a : a === 'a|b' ? `(${a})${s}` : a + s));
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        fc.stringMatching(/^[ab c]{0,8}$/),
        (pieces, text) => {
          const source = pieces.join('');
          const expected = new RegExp(source, 'm').exec(text);
          const found = createPattern(source, false).find(text);
          // Captures of repeated groups that matched nothing differ between engines; whether and what matches does not.
          if (expected === null) expect(found).toBeNull();
          else if (expected.length === 1) expect(found).toBe(expected[0]);
          else expect(found).not.toBeNull();
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each(['(a+)+c', '(a|a)*b', '(.*)(.*)(.*)(.*)x', '(\\w+\\s?)*!', '.*.*.*.*=', 'a.*b'])(
    '%s ends soon on a text that makes others run for hours',
    (source) => {
      const spent = cpuTime(() => {
        expect(createPattern(source, false).find('a'.repeat(100_000))).toBeNull();
      });
      expect(spent).toBeLessThan(3_000);
    },
  );

  it.each([
    '(',
    ')',
    '[a',
    'a**',
    '*',
    '(?=a)',
    '(?<!a)b',
    '(a)\\1',
    'a{101}',
    'a{3,2}',
    '\\',
    '\\q',
    '[z-a]',
    'x'.repeat(201),
    '(?:a{50}){50}',
  ])('%s is refused by name', (source) => {
    expect(() => createPattern(source, false)).toThrow(expect.objectContaining({ code: 'E_DEVICE_OPTIONS' }));
  });

  it('takes letters of any case with the flag i', () => {
    expect(createPattern('[a-c]X(É)', true).find('BxÉ')).toBe('É');
    expect(createPattern('motion', true).find('MOTION')).toBe('MOTION');
  });
});
