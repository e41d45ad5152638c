/** Runs the worked examples of docs/thermal.md: a table that is wrong there fails here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeviceEvent, EventRegion, TemperatureUnit } from '../../engine/domain/events';
import type { ThermalCondition, ThermalMeasure, ThermalRule } from '../../engine/domain/thermal';
import { levels, reading, ruleOf } from '../thermal/readings-of';

const text = readFileSync(join(__dirname, '../../docs/thermal.md'), 'utf8');

const numberAfter = (words: string, name: string): number | null => {
  const [, number] = new RegExp(`(?:^|; )${name} (-?[\\d.]+) (?:°C|s)(?:;|$)`).exec(words) ?? [];
  return number === undefined ? null : Number(number);
};

/** The rule that a line like `above (average); pre-alarm 50 °C; …` describes. */
function ruleIn(words: string): ThermalRule {
  const [, what, measure] = /^(.+?) \((maximum|minimum|average)\)/.exec(words) ?? [];
  if (what === undefined) throw new Error(`no rule: ${words}`);
  const alarm = numberAfter(words, 'alarm');
  if (alarm === null) throw new Error(`no alarm: ${words}`);
  const levelsIn = {
    measure: measure as ThermalMeasure,
    preAlarm: numberAfter(words, 'pre-alarm'),
    alarm,
    tolerance: numberAfter(words, 'tolerance') ?? 0,
  };
  const places = { place: 'any' as const, names: [] };
  const direction = / (above|below);/.exec(words)?.[1] as 'above' | 'below';
  const seconds = (name: string): number => (numberAfter(words, name) ?? Number.NaN) * 1_000;
  const condition = (): ThermalCondition => {
    const pair = /^difference (?:of )?(\w+) (and|−) (\w+)$/.exec(what);
    if (pair) {
      const comparison = pair[2] === 'and' ? 'amount' : 'first-second';
      return { kind: 'difference', ...levelsIn, first: pair[1] ?? '', second: pair[3] ?? '', comparison, direction };
    }
    const group = /^group of (.+)$/.exec(what);
    if (group) return { kind: 'group', ...levelsIn, group: '1', names: (group[1] ?? '').split(', ') };
    switch (what) {
      case 'above':
      case 'below':
        return { kind: 'threshold', ...places, ...levelsIn, direction: what };
      case 'sudden increase':
        return { kind: 'sudden-change', ...places, ...levelsIn, change: 'increase', cycleMs: seconds('cycle') };
      case 'sudden change':
        return { kind: 'sudden-change', ...places, ...levelsIn, change: 'either', cycleMs: seconds('cycle') };
      case 'rise':
        return { kind: 'rise', ...places, ...levelsIn, withinMs: seconds('within') };
      case 'section':
        return { kind: 'section', ...places, ...levelsIn, maximum: numberAfter(words, 'maximum alarm') ?? Number.NaN };
      default:
        throw new Error(`no kind of rule: ${what}`);
    }
  };
  return ruleOf([condition()], { filteringMs: (numberAfter(words, 'filtering') ?? 0) * 1_000 });
}

const units: Record<string, TemperatureUnit> = { '°C': 'celsius', '°F': 'fahrenheit', K: 'kelvin' };

function regionIn(id: string, words: string): EventRegion[] {
  if (words === '') return [];
  const [, number, sign] = /^(-?[\d.]+) (°C|°F|K)$/.exec(words) ?? [];
  const unit = units[sign ?? ''];
  if (unit === undefined) throw new Error(`no temperature: ${words}`);
  return [{ id, temperature: { unit, value: Number(number) } }];
}

const cells = (row: string): string[] =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

interface Example {
  title: string;
  rule: ThermalRule;
  events: DeviceEvent[];
  expected: string[];
}

const examples: Example[] = text
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const lines = section.split('\n');
    const rows = lines.filter((line) => line.startsWith('|')).map(cells);
    const [head = [], , ...body] = rows;
    const level = head.indexOf('Level');
    const names = head.slice(1, level);
    return {
      title: lines[0] ?? '',
      rule: ruleIn(lines.slice(1).find((line) => line !== '') ?? ''),
      events: body.map((row) => {
        const regions = names.flatMap((name, at) => regionIn(name, row[at + 1] ?? ''));
        return reading(Number(row[0]), 0, { rule: undefined, temperature: undefined, regions });
      }),
      expected: body.map((row) => row[level] ?? ''),
    };
  });

describe('docs/thermal.md', () => {
  it('has worked examples of every kind of rule', () => {
    const kinds = new Set(examples.flatMap(({ rule }) => rule.conditions.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(['difference', 'group', 'rise', 'section', 'sudden-change', 'threshold']);
    for (const { expected } of examples) expect(expected.length).toBeGreaterThan(1);
  });

  it.each(examples)('$title', ({ rule, events, expected }) => {
    expect(levels(rule, events)).toEqual(expected);
  });
});
