/** Runs the worked examples of docs/escalation.md: a table that is wrong there fails here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import type { EscalationDefinition } from '../../engine/domain/escalations';
import type { DeviceEvent } from '../../engine/domain/events';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';
import { type DocTable, tablesIn } from '../support/doc-tables';

const noon = 1_780_315_200_000;

const tables = tablesIn(readFileSync(join(__dirname, '../../docs/escalation.md'), 'utf8'));
const seconds = (words: string | undefined): number => Math.round(Number.parseFloat(words ?? '0') * 1_000) || 0;

function readDefinition([steps = '', repeat = '', pause, level, stops = '']: string[]): EscalationDefinition {
  return {
    id: 'esc',
    name: 'Guards',
    steps: steps.split(', ').map((delay) => ({ delayMs: seconds(delay) })),
    repeats: repeat === 'no' ? 0 : repeat === 'until stopped' ? null : Number.parseInt(repeat, 10),
    repeatAfterMs: seconds(pause),
    minimumLevel: level === 'pre-alarm' ? 'pre-alarm' : 'alarm',
    stopAtAcknowledge: stops.includes('acknowledgement'),
    stopAtClear: stops.includes('clear'),
  };
}

const examples = tables.flatMap((settings, at) => {
  const steps = tables[at + 1];
  if (settings.heading[0] !== 'Steps' || steps?.heading[0] !== 'At') return [];
  const name = `${settings.section} (${steps.line})`;
  return [{ name, definition: readDefinition(settings.rows[0] ?? []), steps }];
});

/** What the escalation node was given since the last look: `→ 1; clear → 1, 2`. */
function lookAt(messages: AlarmMessage[]): string {
  const told = messages.splice(0).map(({ alarm }) => {
    const outputs = `→ ${alarm.escalation?.outputs.join(', ')}`;
    return alarm.phase === 'escalate' ? outputs : `${alarm.phase} ${outputs}`;
  });
  return told.length === 0 ? '–' : told.join('; ');
}

async function play(definition: EscalationDefinition, steps: DocTable): Promise<string[]> {
  const clock = new VirtualClock(noon);
  const messages: AlarmMessage[] = [];
  const latched = steps.rows.some((row) => row[1]?.includes('latched'));
  let run: AlarmRun | null = null;
  const start = async (): Promise<AlarmRun> => {
    const next = startAlarms(clock, run?.record);
    await next.alarms.defineTrigger(alarmTrigger({ latched }), ({ payload, alarm }) => {
      if (payload) void next.alarms.escalate('esc', alarm.id);
    });
    await next.alarms.defineEscalation(definition, (message) => messages.push(message));
    await next.alarms.flowsStarted();
    return next;
  };
  run = await start();
  const told: string[] = [];
  for (const [at, words = ''] of steps.rows) {
    await clock.advance(noon + seconds(at) - clock.now());
    const event = (fields: Partial<DeviceEvent>) =>
      run?.alarms.accept(alarmEvent({ receivedAt: clock.now(), ...fields }));
    const id = run.alarms.live()[0]?.id ?? '';
    if (words === 'the process dies') run.crash();
    else if (words === 'the process starts') run = await start();
    else if (words === 'it is acknowledged') await run.alarms.acknowledge(id, 'guard');
    else if (words === 'it is reset') await run.alarms.reset(id, 'guard');
    else if (words === 'the condition ends') await event({ phase: 'stop' });
    else if (words === 'a pre-alarm is raised') await event({ level: 'pre-alarm' });
    else if (/raised$|begins$|becomes an alarm$/.test(words)) await event({ level: 'alarm' });
    else if (words !== 'time passes') throw new Error(`unknown: ${words}`);
    await clock.advance(0);
    told.push(lookAt(messages));
  }
  return told;
}

describe('docs/escalation.md', () => {
  it('has its examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(8);
  });

  it.each(examples)('$name', async ({ definition, steps }) => {
    expect(await play(definition, steps)).toEqual(steps.rows.map((row) => row[2]));
  });
});
