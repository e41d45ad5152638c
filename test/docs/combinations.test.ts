/** Runs the worked examples of docs/combinations.md: a table that is wrong there fails here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import { type CombinationRule, combinationModes } from '../../engine/domain/combinations';
import type { TriggerDefinition } from '../../engine/domain/triggers';
import { messageEvent } from '../../engine/host/offered-message';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';
import { operandEvent } from '../support/combination-drive';
import { type DocTable, tablesIn } from '../support/doc-tables';

const noon = 1_780_315_200_000;
const NOTHING = '–';

const tables = tablesIn(readFileSync(join(__dirname, '../../docs/combinations.md'), 'utf8'));
const seconds = (words: string | undefined): number => Math.round(Number.parseFloat(words ?? '0') * 1_000) || 0;

interface Example {
  name: string;
  rule: CombinationRule;
  steps: DocTable;
}

const examples: Example[] = tables.flatMap((settings, at) => {
  const [mode, operands = '', within, starts] = settings.rows[0] ?? [];
  const steps = tables[at + 1];
  if (settings.heading[0] !== 'Raise when' || steps?.heading[0] !== 'At') return [];
  const known = combinationModes.find((one) => one === mode);
  if (known === undefined) throw new Error(`no mode: ${mode}`);
  const rule = { mode: known, operands: operands.split(', '), withinMs: seconds(within), count: Number(starts) || 2 };
  return [{ name: `${settings.section} (${steps.line})`, rule, steps }];
});

const combined = (rule: CombinationRule): TriggerDefinition =>
  alarmTrigger(
    { keyParts: ['device'] },
    {
      id: 'node',
      name: 'Combined',
      filter: { types: ['message'], deviceIds: ['node'] },
      source: { kind: 'combination', rule },
    },
  );

/** What a trigger has sent since the last look: phases, the end left out, or the start that was counted. */
function lookAt(run: AlarmRun, seen: Set<string>, triggerId: string, countBefore: number): string {
  const fresh = run.delivered.filter(({ messageId, alarm }) => alarm.triggerId === triggerId && !seen.has(messageId));
  for (const { messageId } of fresh) seen.add(messageId);
  const phases = fresh.map(({ alarm }) => alarm.phase).filter((phase) => phase !== 'end');
  if (phases.length > 0) return phases.join(', ');
  const count = countOf(run, triggerId);
  return count > countBefore && countBefore > 0 ? `start ${count} is counted` : NOTHING;
}

const countOf = (run: AlarmRun, triggerId: string): number =>
  run.alarms.live().find((alarm) => alarm.triggerId === triggerId)?.count ?? 0;

async function play({ rule, steps }: Example): Promise<string[]> {
  const run = startAlarms(new VirtualClock(noon));
  await run.define(combined(rule));
  await run.alarms.flowsStarted();
  const running = new Map<string, number[]>();
  const seen = new Set<string>();
  let serial = 0;
  const told: string[] = [];
  for (const [at, words = ''] of steps.rows) {
    await run.clock.advance(noon + seconds(at) - run.clock.now());
    const [, operand = '', what] = /^(.+) (begins|ends)$/.exec(words) ?? [];
    const alarms = running.get(operand) ?? [];
    running.set(operand, alarms);
    const before = countOf(run, 'node');
    const alarm = what === 'begins' ? ++serial : alarms.shift();
    if (what === 'begins') alarms.push(serial);
    await run.alarms.accept(operandEvent(operand, what === 'begins' ? 'start' : 'stop', run.clock.now(), { alarm }));
    told.push(lookAt(run, seen, 'node', before));
  }
  return told;
}

/** Two triggers of one camera, wired into the combination. */
async function playLines({ rule, steps }: Example): Promise<string[][]> {
  const run = startAlarms(new VirtualClock(noon));
  const [first = '', second = ''] = rule.operands;
  const wire = (message: AlarmMessage): void => {
    run.delivered.push(message);
    const { triggerId, triggerName, phase, id } = message.alarm;
    const offered = {
      messageId: message.messageId,
      condition: phase !== 'clear' && phase !== 'end',
      topic: message.topic,
      operand: { id: triggerId, name: triggerName, alarmId: id },
    };
    void run.alarms.accept(messageEvent('node', offered, run.alarms.alarm(id), run.clock.now()));
  };
  for (const [at, id] of [first, second].entries()) {
    const filter: TriggerDefinition['filter'] = {
      types: ['line-crossing'],
      deviceIds: ['yard'],
      rules: [String(at + 1)],
    };
    await run.alarms.defineTrigger(alarmTrigger({}, { id, name: id, filter }), wire);
  }
  await run.define(combined(rule));
  await run.alarms.flowsStarted();
  const seen = new Set<string>();
  const told: string[][] = [];
  for (const [at, words = ''] of steps.rows) {
    await run.clock.advance(noon + seconds(at) - run.clock.now());
    const crossed = /^rule (\d) crossed$/.exec(words)?.[1];
    if (crossed !== undefined) {
      const event = { type: 'line-crossing', deviceId: 'yard', phase: 'pulse', rule: crossed, quietMs: 5_000 } as const;
      await run.alarms.accept(alarmEvent({ ...event, receivedAt: run.clock.now() }));
    }
    await run.clock.advance(0);
    told.push([first, second, 'node'].map((id) => lookAt(run, seen, id, 0)));
  }
  return told;
}

describe('docs/combinations.md', () => {
  it('has an example of every mode', () => {
    expect(new Set(examples.map(({ rule }) => rule.mode))).toEqual(new Set(combinationModes));
    expect(examples.length).toBeGreaterThanOrEqual(8);
  });

  it.each(examples.filter(({ steps }) => steps.heading.length === 3))('$name', async (example) => {
    expect(await play(example)).toEqual(example.steps.rows.map((row) => row[2]));
  });

  it.each(examples.filter(({ steps }) => steps.heading.length === 5))('$name', async (example) => {
    expect(await playLines(example)).toEqual(example.steps.rows.map((row) => row.slice(2)));
  });
});
