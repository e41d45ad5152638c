import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineAt, linesOf } from '../../engine/simulation/json-lines';

describe('lines of a JSON text', () => {
  it('tells where each value begins', () => {
    const text =
      '{\n  "tests": [\n    { "name": "a \\" [b",\n      "then": [\n        1,\n        { "x": null }\n      ]\n    }\n  ]\n}';
    const lines = linesOf(text);
    expect(lineAt(lines, [])).toBe(1);
    expect(lineAt(lines, ['tests', 0])).toBe(3);
    expect(lineAt(lines, ['tests', 0, 'then', 1, 'x'])).toBe(6);
    // What is not there stands where the value around it stands.
    expect(lineAt(lines, ['tests', 0, 'when', 7])).toBe(3);
  });

  it('finds every value of any JSON, and ends with any text', () => {
    const paths = (value: unknown, path: string): string[] => [
      path,
      ...(typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => paths(inner, path === '' ? key : `${path}.${key}`))
        : []),
    ];
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const lines = linesOf(JSON.stringify(value, null, 1));
        for (const path of paths(JSON.parse(JSON.stringify(value)), '')) expect(lines.has(path)).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => linesOf(text).size > 0));
  });
});
