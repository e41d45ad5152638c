/** Runs the worked examples of docs/arming.md and checks its table of precedence: what is wrong there fails here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AreaDefinition, ArmingSubject } from '../../engine/domain/arming';
import { AlarmflowError } from '../../engine/domain/errors';
import type { EventPhase } from '../../engine/domain/events';
import { type ArmingSchedule, weekdays } from '../../engine/domain/schedules';
import { armingPrecedence } from '../../engine/gates';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, memoryRecord, startAlarms } from '../support/alarm-record';
import { hallArea } from '../support/areas';

const text = readFileSync(join(__dirname, '../../docs/arming.md'), 'utf8');
const cells = (row: string): string[] =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
const tableIn = (section: string): string[][] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map(cells);

describe('the table of precedence', () => {
  const section = /## The order of precedence\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
  it('is that of the code, in the same order', () => {
    const rows = tableIn(section).map(([rank, scope, , , always]) => ({
      rank,
      scope,
      always: always === 'counts',
    }));
    expect(rows).toEqual(armingPrecedence.map((row, at) => ({ rank: String(at + 1), ...row })));
  });
});

/** Monday 2026-06-01 00:00 UTC. */
const MIDNIGHT = 1_780_272_000_000;
const DAY = 86_400_000;
const names = ['Motion', 'Door', 'Fire'] as const;

function timeOf(words: string): number {
  const [, day, hours, minutes, seconds] = /^(?:\+(\d) )?(\d\d):(\d\d):(\d\d)$/.exec(words) ?? [];
  if (seconds === undefined) throw new Error(`no time: ${words}`);
  return MIDNIGHT + Number(day ?? 0) * DAY + (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
}

function minutes(words: string): number {
  const [, hours, minute] = /^(\d\d):(\d\d)$/.exec(words) ?? [];
  return Number(hours) * 60 + Number(minute);
}

const msOf = (count: string, unit: string): number => Number(count) * { s: 1e3, min: 6e4, h: 36e5 }[unit as 's'];

/** What `Hall: …` says of it. */
function settingsOf(words: string): { area: AreaDefinition; schedule: ArmingSchedule | null } {
  let schedule: ArmingSchedule | null = null;
  let area = hallArea();
  for (const part of words.replace(/\.$/, '').split(/, (?!active|each)/)) {
    const delay = /^(exit|entry) delay (\d+) (s|min)$/.exec(part);
    const periods = /^schedule armed (\d\d:\d\d)–(\d\d:\d\d)$/.exec(part);
    const input = /^input (\d+) normally (open|closed), (active disarms|active arms|each press toggles)$/.exec(part);
    if (delay) area = { ...area, [`${delay[1]}DelayMs`]: msOf(delay[2] ?? '', delay[3] ?? '') };
    else if (part === 'at disarming let run') area = { ...area, atDisarm: 'let-run' };
    else if (periods) {
      const period = { from: minutes(periods[1] ?? ''), to: minutes(periods[2] ?? '') };
      const week = Object.fromEntries(weekdays.map((day) => [day, [period]])) as ArmingSchedule['week'];
      schedule = { id: 'periods', name: 'Periods', timeZone: 'UTC', week };
      area = { ...area, scheduleId: 'periods' };
    } else if (input) {
      const meaning = {
        'active disarms': 'active-disarms',
        'active arms': 'active-arms',
        'each press toggles': 'pulse-toggles',
      }[input[3] as 'active disarms'] as AreaDefinition['inputs'][number]['meaning'];
      const contact = input[2] as 'open' | 'closed';
      area = { ...area, inputs: [{ deviceId: 'gate', input: input[1] ?? '', contact, meaning }] };
    } else if (part !== 'no delays') throw new Error(`no setting: ${part}`);
  }
  return { area, schedule };
}

/** One example as it goes: processes come and go on one record. */
class Example {
  readonly clock = new VirtualClock(timeOf('12:00:00'));
  readonly record = memoryRecord();
  run: AlarmRun | null = null;
  #read = 0;

  constructor(readonly settings: ReturnType<typeof settingsOf>) {}

  async start(): Promise<void> {
    const run = startAlarms(this.clock, this.record);
    this.run = run;
    if (this.settings.schedule) await run.alarms.defineSchedule(this.settings.schedule);
    await run.alarms.defineArea(this.settings.area);
    const policy = { areaId: 'hall' };
    const trigger = (id: (typeof names)[number], own: Parameters<typeof alarmTrigger>[0]) =>
      alarmTrigger({ ...policy, ...own }, { id, name: id, filter: { types: ['motion'], deviceIds: [id] } });
    await run.define(
      trigger('Motion', {}),
      trigger('Door', { entry: 'starts' }),
      trigger('Fire', { arming: 'always' }),
    );
    await run.alarms.flowsStarted();
  }

  stop(): void {
    this.run?.crash();
    this.run = null;
  }

  get alarms(): AlarmRun['alarms'] {
    if (this.run === null) throw new Error('alarmflow is stopped');
    return this.run.alarms;
  }

  event(deviceId: string, phase: EventPhase, fields: object = {}): Promise<void> {
    return this.alarms.accept(alarmEvent({ deviceId, phase, receivedAt: this.clock.now(), ...fields }));
  }

  async act(words: string): Promise<void> {
    const condition = /^(Motion|Door|Fire) (begins|ends)$/.exec(words);
    const order =
      /^(\w+) (arms|disarms) (Hall|the site|trigger \w+)(?: by (force|bypass))?(?: for (\d+) (s|min|h))?$/.exec(words);
    const input = /^input (\d+) (closes|opens|is told closed again)$/.exec(words);
    if (words === 'time goes on') return;
    if (words === 'alarmflow stops') return this.stop();
    if (words === 'alarmflow starts') return this.start();
    if (words === 'alarmflow restarts') {
      this.stop();
      return this.start();
    }
    if (condition) return this.event(condition[1] ?? '', condition[2] === 'begins' ? 'start' : 'stop');
    if (input) {
      const phase = input[2] === 'closes' ? 'start' : input[2] === 'opens' ? 'stop' : 'refresh';
      return this.event('gate', phase, { type: 'digital-input', channel: undefined, input: input[1] });
    }
    if (!order) throw new Error(`nothing that can happen: ${words}`);
    const [, who, verb, what, how, count, unit] = order;
    const subject: ArmingSubject =
      what === 'Hall'
        ? { scope: 'area', id: 'hall' }
        : what === 'the site'
          ? { scope: 'site', id: 'site' }
          : { scope: 'trigger', id: what?.split(' ')[1] ?? '' };
    const forMs = count === undefined ? null : msOf(count, unit ?? '');
    await this.alarms.orderArming({
      subject,
      armed: verb === 'arms',
      how: how === 'force' || how === 'bypass' ? how : 'normal',
      source: 'user',
      who: who ?? '',
      forMs,
    });
  }

  /** What the record tells since the last look, in the words of the last column. */
  news(expected: string): string {
    const fresh = this.record.decisions.slice(this.#read);
    this.#read = this.record.decisions.length;
    const scope = /\((.+)\)/.exec(expected)?.[1];
    const told = fresh.flatMap(({ outcome, reason, detail, triggerId }) => {
      if (outcome === 'refused' && reason === 'disarmed' && scope !== undefined && detail.startsWith(scope))
        return [`${triggerId} refused (${scope})`];
      if (outcome === 'refused' && reason === 'entry-delay') return [];
      return ['raised', 'refused', 'ended', 'cleared'].includes(outcome) && triggerId !== null
        ? [`${triggerId} ${outcome}`]
        : [];
    });
    return told.length === 0 ? 'nothing' : told.join(', ');
  }

  phase(): string {
    if (this.run === null) return '–';
    return this.alarms.armingRows([]).find(({ subject }) => subject.id === 'hall')?.phase ?? 'missing';
  }
}

const examples = [...text.matchAll(/### (.+)\n\nHall: (.+)\n\n((?:\|.*\n)+)/g)].map(([, title, settings, rows]) => ({
  title: title ?? '',
  settings: settings ?? '',
  rows: tableIn(rows ?? ''),
}));

describe('the worked examples', () => {
  it('are all found', () => {
    expect(examples.length).toBe(text.split('\n### ').length - 1);
  });

  it.each(examples)('$title', async ({ settings, rows }) => {
    const example = new Example(settingsOf(settings));
    await example.start();
    example.news('');
    const story: string[][] = [];
    for (const [time = '', happens = '', , follows = ''] of rows) {
      await example.clock.advanceTo(timeOf(time));
      let refusal: string | null = null;
      try {
        await example.act(happens);
      } catch (thrown) {
        if (!(thrown instanceof AlarmflowError)) throw thrown;
        refusal = thrown.code;
      }
      await example.clock.advance(0);
      const news = example.run === null ? '–' : example.news(follows);
      story.push([time, happens, example.phase(), refusal ?? news]);
    }
    example.stop();
    expect(story).toEqual(rows);
  });
});
