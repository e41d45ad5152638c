/**
 * Tests of a flow's rules: given a time and an arming, when these events and orders come, then this happens and that
 * does not. The language is documented in docs/simulation.md; it is strict, so that a word that is not understood is
 * never a test that passes.
 */
import { z } from 'zod';
import { refusalReasons } from '../domain/alarms';
import { userError } from '../domain/errors';
import { lineAt, linesOf } from './json-lines';
import { type EventStep, eventSchema, type Order, orderFields, orderOf } from './steps';
import { readMoment } from './times';

/** Monday noon: where a test stands that names no time. */
export const DEFAULT_TEST_TIME = '2026-01-05T12:00:00Z';
const MOST_TESTS = 1_000;
const MOST_LINES = 1_000;

const name = z.string().trim().min(1, 'is empty: write a name').max(200, 'is longer than 200 characters: shorten it');
const time = z
  .string()
  .trim()
  .min(1, 'is empty: write a time like "5 s" or "12:00"')
  .max(100, 'is longer than 100 characters: no time is');

const what = {
  /** A trigger: its alarm is raised, escalates …, at this time. */
  raise: name.optional(),
  escalate: name.optional(),
  remind: name.optional(),
  clear: name.optional(),
  end: name.optional(),
  /** A trigger refuses an event; with `because`. */
  refuse: name.optional(),
  because: z.enum(refusalReasons).optional(),
  /** Kind of an action (`email`), or the name of its node. */
  action: name.optional(),
  /** A text within the receivers or other parameters of the action. */
  to: name.optional(),
  phase: z.enum(['raise', 'escalate', 'remind', 'clear', 'end', 'message']).optional(),
  /** An output; with `is`. */
  output: name.optional(),
  is: z.enum(['on', 'off']).optional(),
  /** A node that the simulation leaves out gets a message. */
  reaches: name.optional(),
  /** Narrows `raise` and the like down to one device. */
  device: name.optional(),
};
const whatSchema = z.strictObject(what);
const expectationSchema = z.strictObject({
  ...what,
  never: z.union([name, whatSchema]).optional(),
  at: time.optional(),
  within: time.optional(),
  after: time.optional(),
  until: time.optional(),
  /** Exactly so often; absent: at least once. */
  times: z.number().int().min(1).max(100_000).optional(),
});

const testSchema = z.strictObject({
  name,
  given: z
    .strictObject({
      time: time.optional(),
      armed: z.union([z.boolean(), z.record(name, z.boolean())]).optional(),
    })
    .optional(),
  when: z
    .array(z.strictObject({ at: time.optional(), event: eventSchema.optional(), ...orderFields }))
    .max(MOST_LINES)
    .default([]),
  // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of the language; nobody awaits a test
  then: z.array(expectationSchema).min(1, 'is empty: write what is to happen').max(MOST_LINES),
  /** How long time goes on at most. */
  until: time.optional(),
});
const fileSchema = z.strictObject({
  tests: z.array(testSchema).min(1, 'is empty: write a test, or remove the file').max(MOST_TESTS),
});

/** What an expectation is about. Names are as the test has them. */
export type Subject =
  | { kind: 'phase'; phase: 'raise' | 'escalate' | 'remind' | 'clear' | 'end'; trigger: string; device: string | null }
  | { kind: 'refuse'; trigger: string; because: string | null; device: string | null }
  | { kind: 'action'; action: string; to: string | null; phase: string | null }
  | { kind: 'output'; output: string; on: boolean }
  | { kind: 'reaches'; node: string };

/** Wall milliseconds; both ends belong to it. */
export interface Period {
  from: number;
  /** null: to the end of the test. */
  to: number | null;
}

export interface Expectation {
  line: number;
  subject: Subject;
  never: boolean;
  /** null: at least once. */
  times: number | null;
  period: Period;
  /** The expectation names one moment: an output is asked for its state then. */
  isMoment: boolean;
  /** As a sentence. */
  text: string;
}

export interface RuleTest {
  name: string;
  line: number;
  start: number;
  armed: boolean | Record<string, boolean>;
  when: ({ line: number; at: number } & ({ kind: 'event'; step: EventStep } | { kind: 'order'; order: Order }))[];
  then: Expectation[];
  /** Time goes on to here at most; null: an hour after the last moment that the test names. */
  until: number | null;
}

/** "At" means: not before, and less than this long after. */
export const AT_TOLERANCE_MS = 100;

/** A fault of one place of the file. */
interface Fault {
  line: number;
  text: string;
}

/**
 * Reads a test file.
 *
 * @param source how it is called in messages
 * @throws E_RULE_TESTS (user) that names every fault with its test and line
 */
export function readRuleTests(text: string, source: string): RuleTest[] {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw userError('E_RULE_TESTS', `${source} is no valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  const lines = linesOf(text);
  const faults: Fault[] = [];
  const titleOf = (path: readonly PropertyKey[]): string => {
    const index = path[0] === 'tests' ? path[1] : undefined;
    if (typeof index !== 'number') return '';
    const called = (value as { tests?: { name?: unknown }[] }).tests?.[index]?.name;
    return `test ${index + 1}${typeof called === 'string' ? ` "${called.slice(0, 80)}"` : ''}: `;
  };
  const fault = (path: readonly PropertyKey[], reason: string): void => {
    faults.push({ line: lineAt(lines, path), text: `${titleOf(path)}${reason}` });
  };
  const tell = (): never => {
    const shown = faults.slice(0, 10).map(({ line, text: reason }) => `line ${line}: ${reason}`);
    const more = faults.length > shown.length ? `; and ${faults.length - shown.length} more` : '';
    throw userError('E_RULE_TESTS', `${source} cannot be used: ${shown.join('; ')}${more}`);
  };

  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const inner = typeof path[1] === 'number' ? path.slice(2) : path;
      fault(path, `${inner.length > 0 ? `${inner.join('.')}: ` : ''}${message}`);
    }
    return tell();
  }
  const names = new Set<string>();
  const tests = parsed.data.tests.map((test, index): RuleTest => {
    const here = ['tests', index];
    if (names.has(test.name)) fault(here, 'another test has the same name');
    names.add(test.name);
    const moment = (given: string, start: number | null, before: number | null, path: PropertyKey[]): number => {
      try {
        return readMoment(given, { start, before });
      } catch (error) {
        fault(path, (error as Error).message);
        return start ?? 0;
      }
    };
    const start = moment(test.given?.time ?? DEFAULT_TEST_TIME, null, null, [...here, 'given', 'time']);
    let before: number | null = null;
    const when = test.when.flatMap((step, at): RuleTest['when'] => {
      const path = [...here, 'when', at];
      const { at: given, event, ...orders } = step;
      const time = given === undefined ? (before ?? start) : moment(given, start, before, [...path, 'at']);
      if (time < (before ?? start)) fault([...path, 'at'], 'it comes before the step above it');
      before = Math.max(time, before ?? start);
      const line = lineAt(lines, path);
      if (event !== undefined) {
        const given = Object.keys(orders).filter((key) => orders[key as keyof typeof orders] !== undefined);
        if (given.length > 0) fault(path, `it gives an event and "${given[0]}" at once: write a step for each`);
        return [{ line, at: time, kind: 'event', step: event }];
      }
      const order = orderOf(orders);
      if (typeof order === 'string') {
        fault(path, order);
        return [];
      }
      return [{ line, at: time, kind: 'order', order }];
    });
    const then = test.then.flatMap((expectation, at): Expectation[] => {
      const path = [...here, 'then', at];
      const read = readExpectation(
        expectation,
        lineAt(lines, path),
        (given) => moment(given, start, null, path),
        start,
      );
      if (typeof read !== 'string') return [read];
      fault(path, read);
      return [];
    });
    return {
      name: test.name,
      line: lineAt(lines, here),
      start,
      armed: test.given?.armed ?? true,
      when,
      then,
      until: test.until === undefined ? null : moment(test.until, start, null, [...here, 'until']),
    };
  });
  return faults.length > 0 ? tell() : tests;
}

type WhatInput = z.output<typeof whatSchema>;
type ExpectationInput = z.output<typeof expectationSchema>;

const subjects = ['raise', 'escalate', 'remind', 'clear', 'end', 'refuse', 'action', 'output', 'reaches'] as const;
/** Words that narrow one subject down, and to which they belong. */
const belongsTo: Record<'because' | 'to' | 'phase' | 'is' | 'device', readonly string[]> = {
  because: ['refuse'],
  to: ['action'],
  phase: ['action'],
  is: ['output'],
  device: ['raise', 'escalate', 'remind', 'clear', 'end', 'refuse'],
};

/** The one thing that an expectation is about, or what is wrong with it. */
function subjectOf(given: WhatInput): Subject | string {
  const named = subjects.filter((key) => given[key] !== undefined);
  if (named.length !== 1)
    return named.length === 0
      ? `it expects nothing: name one of ${subjects.join(', ')}, or never`
      : `it expects several things at once (${named.join(', ')}): write a line for each`;
  const key = named[0]!;
  for (const [word, owners] of Object.entries(belongsTo))
    if (given[word as keyof typeof belongsTo] !== undefined && !owners.includes(key))
      return `"${word}" belongs to ${owners.map((owner) => `"${owner}"`).join(', ')}, not to "${key}"`;
  const device = given.device ?? null;
  switch (key) {
    case 'refuse':
      return { kind: 'refuse', trigger: given.refuse!, because: given.because ?? null, device };
    case 'action':
      return { kind: 'action', action: given.action!, to: given.to ?? null, phase: given.phase ?? null };
    case 'output':
      return given.is === undefined
        ? '"output" needs "is": on or off'
        : { kind: 'output', output: given.output!, on: given.is === 'on' };
    case 'reaches':
      return { kind: 'reaches', node: given.reaches! };
    default:
      return { kind: 'phase', phase: key, trigger: given[key]!, device };
  }
}

function readExpectation(
  given: ExpectationInput,
  line: number,
  moment: (text: string) => number,
  start: number,
): Expectation | string {
  const { never, at, within, after, until, times, ...positive } = given;
  if (never !== undefined && Object.values(positive).some((value) => value !== undefined))
    return 'beside "never" only times may stand: put what must not happen into it, as {"never": {"raise": "…"}}';
  const subject = subjectOf(never === undefined ? positive : typeof never === 'string' ? { action: never } : never);
  if (typeof subject === 'string') return subject;
  if (at !== undefined && (within !== undefined || after !== undefined || until !== undefined))
    return '"at" stands alone: give "after" and "within" for a period';
  if (within !== undefined && until !== undefined) return '"within" and "until" mean the same: give one of them';
  if (times !== undefined && (never !== undefined || subject.kind === 'output'))
    return '"times" belongs to what happens, not to "never" or "output"';
  const isMoment = at !== undefined;
  const from = isMoment ? moment(at) : after === undefined ? start : moment(after);
  const end = within ?? until;
  const to = isMoment
    ? subject.kind === 'output'
      ? from
      : from + AT_TOLERANCE_MS - 1
    : end === undefined
      ? null
      : moment(end);
  if (to !== null && to < from) return 'its period ends before it begins';
  const period = isMoment
    ? ` at ${at}`
    : `${after === undefined ? '' : ` after ${after}`}${end === undefined ? '' : ` ${within === undefined ? 'until' : 'within'} ${end}`}`;
  const text = `${never === undefined ? '' : 'never '}${subjectText(subject)}${times === undefined ? '' : ` ${times} times`}${period}`;
  return { line, subject, never: never !== undefined, times: times ?? null, period: { from, to }, isMoment, text };
}

function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'phase':
      return `${subject.phase} "${subject.trigger}"${subject.device === null ? '' : ` of ${subject.device}`}`;
    case 'refuse':
      return `refuse "${subject.trigger}"${subject.because === null ? '' : ` because ${subject.because}`}`;
    case 'action':
      return `action ${subject.action}${subject.to === null ? '' : ` to ${subject.to}`}${subject.phase === null ? '' : ` at the ${subject.phase}`}`;
    case 'output':
      return `output "${subject.output}" is ${subject.on ? 'on' : 'off'}`;
    case 'reaches':
      return `a message reaches "${subject.node}"`;
  }
}
