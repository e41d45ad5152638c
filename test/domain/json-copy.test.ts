import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonCopy } from '../../engine/domain/json-copy';

/** What flows and device messages are made of, with what JSON leaves out or cannot say. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.string(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.double(), fc.integer()),
    fc.array(tie('value')),
    fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__'), fc.constant('constructor')), tie('value')),
  ),
})).value;

describe('a copy of plain data', () => {
  it('is what writing it as JSON and reading it again gives', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(jsonCopy(value))).toBe(text);
        if (text !== undefined) expect(jsonCopy(JSON.parse(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('shares nothing with what it was made of', () => {
    const whole = { alarm: { id: 'a', areas: ['yard'] } };
    const copy = jsonCopy(whole);
    copy.alarm.areas.push('hall');
    copy.alarm.id = 'b';
    expect(whole).toEqual({ alarm: { id: 'a', areas: ['yard'] } });
  });

  it('keeps a member that is named like the prototype a member', () => {
    const copy = jsonCopy(JSON.parse('{"__proto__": {"admin": true}}') as Record<string, unknown>);
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect('admin' in copy).toBe(false);
  });
});
