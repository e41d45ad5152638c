/** Runs rule tests, each in an engine of its own, and says what happened instead of what was expected. */
import type { ActionKind } from '../domain/actions';
import { asAlarmflowError, userError } from '../domain/errors';
import type { RuleTestFailure, RuleTestResult } from '../domain/rule-tests';
import { type Names, namesOf } from './names';
import type { ReportEntry } from './report';
import type { Expectation, RuleTest, Subject } from './rule-tests';
import { createPlayer, runOn } from './run';
import type { LoadedFlow, SimulationRuntime } from './runtime';
import type { SimulationInput } from './steps';
import { entryText } from './text';
import { spanText } from './times';

export interface RuleTestOptions {
  runtime: SimulationRuntime;
  /** A flow as the editor exports it. */
  flows: unknown;
  tests: readonly RuleTest[];
  siteName?: string;
  /** Types of nodes that run although nobody here knows them. */
  allow?: ReadonlySet<string>;
  /** Told after each test. */
  onResult?(result: RuleTestResult): void;
}

export interface RuleTestRun {
  results: RuleTestResult[];
  /** What a person has to know before trusting the results. */
  warnings: string[];
}

const RUN_ON_MS = 3_600_000;
/** So long after the last moment that a test names it goes on in any case. */
const AFTERMATH_MS = 1_000;
const MOST_TOLD = 8;
const actionKinds: Record<ActionKind, true> = {
  email: true,
  upload: true,
  'ptz-preset': true,
  snapshot: true,
  record: true,
  'record-clip': true,
  notify: true,
  'mqtt-publish': true,
  'modbus-write': true,
  'show-message': true,
  'web-push': true,
  'device-trigger': true,
  log: true,
  'sftp-upload': true,
  'snmp-trap': true,
};

/** @throws E_FLOW_FILE, E_UNKNOWN_NODE_TYPES (user) for a flow that cannot be loaded at all */
export async function runRuleTests(options: RuleTestOptions): Promise<RuleTestRun> {
  const results: RuleTestResult[] = [];
  const warnings = new Set<string>();
  for (const test of options.tests) {
    const entries: ReportEntry[] = [];
    const flow = await options.runtime.load(options.flows, {
      start: test.start,
      armed: typeof test.armed === 'boolean' ? test.armed : true,
      siteName: options.siteName,
      allow: options.allow,
      onEntry: (entry) => entries.push(entry),
    });
    let result: RuleTestResult;
    try {
      result = await runTest(flow, test, entries);
      for (const warning of flow.result().warnings) warnings.add(warning);
    } finally {
      await flow.unload();
    }
    results.push(result);
    options.onResult?.(result);
  }
  return { results, warnings: [...warnings] };
}

async function runTest(flow: LoadedFlow, test: RuleTest, entries: ReportEntry[]): Promise<RuleTestResult> {
  const failures: RuleTestFailure[] = [];
  const fail = (line: number, expected: string, happened: string[]): void => {
    failures.push({ line, expected, happened });
  };
  const names = namesOf(flow);
  const checks: ((end: number) => void)[] = [];
  for (const expectation of test.then) {
    try {
      const check = checkOf(expectation, names, flow, entries, test.start);
      checks.push((end) => {
        const happened = check(end);
        if (happened !== null) fail(expectation.line, expectation.text, happened);
      });
    } catch (error) {
      fail(expectation.line, expectation.text, [asAlarmflowError(error).message]);
    }
  }
  const player = createPlayer(flow);
  const inputs: SimulationInput[] = test.when;
  for (const input of armingSteps(test).concat(inputs)) {
    try {
      await player.put(input);
    } catch (error) {
      const problem = asAlarmflowError(error);
      if (problem.family !== 'user') throw problem;
      fail(input.line ?? test.line, 'a step that can be taken', [problem.message]);
      break;
    }
  }
  const named = [
    test.start,
    ...test.when.map(({ at }) => at),
    ...test.then.map(({ period }) => Math.max(period.from, period.to ?? 0)),
  ];
  const last = Math.max(...named) + AFTERMATH_MS;
  const isOpen = test.then.some(({ period }) => period.to === null);
  const limit = test.until ?? (isOpen ? last + RUN_ON_MS : last);
  if (isOpen || test.until !== null) await runOn(flow, limit);
  await flow.site.turnTo(Math.min(Math.max(flow.site.clock.now(), last), Math.max(limit, flow.site.clock.now())));
  flow.check();
  for (const check of checks) check(flow.site.clock.now());
  failures.sort((a, b) => a.line - b.line);
  return { name: test.name, line: test.line, ok: failures.length === 0, failures };
}

/** What `given` says of areas, as orders at the start. */
const armingSteps = ({ armed, start, line }: RuleTest): SimulationInput[] =>
  typeof armed === 'boolean'
    ? []
    : Object.entries(armed).map(([subject, wanted]) => ({
        kind: 'order',
        at: start,
        line,
        order: { kind: wanted ? 'arm' : 'disarm', subject, how: 'force' },
      }));

type Match = (entry: ReportEntry) => boolean;

/** What entries an expectation means, and which of all entries are about the same thing. */
function matchOf(subject: Subject, names: Names, flow: LoadedFlow): { match: Match; related: Match } {
  const deviceNamed = (device: string | null): string | null =>
    device === null ? null : flow.site.flow.deviceName(names.device(device));
  switch (subject.kind) {
    case 'phase': {
      const id = names.trigger(subject.trigger);
      const device = deviceNamed(subject.device);
      const outcome = { raise: 'raised', clear: 'cleared', end: 'ended', escalate: null, remind: null }[subject.phase];
      return {
        match: (entry) => {
          if (entry.kind !== 'decision' && entry.kind !== 'message') return false;
          if (entry.triggerId !== id || (device !== null && entry.device !== device)) return false;
          // Steps of an escalation and reminders are messages; the gates decide on all else.
          return entry.kind === 'message'
            ? outcome === null && entry.phase === subject.phase
            : outcome !== null && entry.outcome === outcome;
        },
        related: (entry) => (entry.kind === 'decision' || entry.kind === 'message') && entry.triggerId === id,
      };
    }
    case 'refuse': {
      const id = names.trigger(subject.trigger);
      const device = deviceNamed(subject.device);
      return {
        match: (entry) =>
          entry.kind === 'decision' &&
          entry.outcome === 'refused' &&
          entry.triggerId === id &&
          (subject.because === null || entry.reason === subject.because) &&
          (device === null || entry.device === device),
        related: (entry) => entry.kind === 'decision' && entry.triggerId === id,
      };
    }
    case 'action': {
      const node = Object.hasOwn(actionKinds, subject.action) ? null : names.node(subject.action);
      const wanted = subject.to?.toLowerCase() ?? null;
      return {
        match: (entry) =>
          entry.kind === 'action' &&
          entry.heldBack === null &&
          (node === null ? entry.action === subject.action : entry.nodeId === node) &&
          (subject.phase === null || entry.phase === subject.phase) &&
          (wanted === null || JSON.stringify(entry.params).toLowerCase().includes(wanted)),
        related: (entry) => entry.kind === 'action',
      };
    }
    case 'output': {
      const id = names.output(subject.output);
      const match: Match = (entry) => entry.kind === 'output' && entry.id === id;
      return { match, related: match };
    }
    case 'reaches': {
      const id = names.node(subject.node);
      if (!flow.census.leftOut.has(id))
        throw userError(
          'E_RULE_TESTS',
          `"${subject.node}" is no node that a simulation leaves out: "reaches" asks for messages to nodes beyond alarmflow`,
        );
      return {
        match: (entry) => entry.kind === 'left-out' && entry.nodeId === id,
        related: (entry) => entry.kind === 'left-out',
      };
    }
  }
}

/** Looks at what happened: null when it is as expected, else what happened instead. */
function checkOf(
  expectation: Expectation,
  names: Names,
  flow: LoadedFlow,
  entries: readonly ReportEntry[],
  start: number,
): (end: number) => string[] | null {
  const { subject, period, never, times } = expectation;
  const { match, related } = matchOf(subject, names, flow);
  const told = (some: readonly ReportEntry[]): string[] => {
    const lines = some.flatMap((entry) => {
      const text = entryText(entry);
      return text === null ? [] : [`${spanText(entry.at - start)}: ${text}`];
    });
    return lines.length > MOST_TOLD ? [...lines.slice(0, MOST_TOLD), `and ${lines.length - MOST_TOLD} more`] : lines;
  };
  const instead = (): string[] => {
    const close = told(entries.filter(related));
    if (close.length > 0) return close;
    const all = told(entries);
    return all.length > 0 ? all : ['nothing happened at all'];
  };

  if (subject.kind === 'output')
    return (end) => {
      let on = false;
      let wrong = false;
      const to = period.to ?? end;
      const switches = entries.filter((entry) => entry.kind === 'output' && match(entry));
      const isWrong = (): boolean => (on === subject.on) === never;
      for (const entry of switches) {
        if (entry.kind !== 'output') continue;
        // The state that held from `from` on until this switch.
        if (entry.at > period.from && entry.at <= to) wrong ||= isWrong();
        if (entry.at <= to) on = entry.on;
      }
      wrong ||= isWrong();
      return wrong ? (switches.length > 0 ? told(switches) : ['it was off all the time']) : null;
    };

  return () => {
    const found = entries.filter(
      (entry) => match(entry) && entry.at >= period.from && (period.to === null || entry.at <= period.to),
    );
    if (never) return found.length === 0 ? null : told(found);
    if (times === null ? found.length > 0 : found.length === times) return null;
    return times !== null && found.length > 0 ? [`${found.length} times`, ...told(found)] : instead();
  };
}
