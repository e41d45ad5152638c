/** Runs the worked examples of docs/schedules.md: a table that is wrong there fails here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isoTime, parseIsoTime } from '../../engine/clock/clock';
import {
  type ArmingSchedule,
  type PeriodTime,
  type SchedulePeriod,
  sunEvents,
  weekdays,
} from '../../engine/domain/schedules';
import { checkSchedule, previewSchedule } from '../../engine/gates';

const text = readFileSync(join(__dirname, '../../docs/schedules.md'), 'utf8');

interface Example {
  title: string;
  schedule: ArmingSchedule;
  from: string;
  sentence: string;
  edges: string[][];
}

function readTime(words: string): PeriodTime {
  const clock = /^(\d\d):(\d\d)$/.exec(words);
  if (clock) return Number(clock[1]) * 60 + Number(clock[2]);
  const [, event, sign, minutes] = /^([a-z]+)(?: ([−+]) (\d+) min)?$/.exec(words) ?? [];
  const sun = sunEvents.find((known) => known === event);
  if (sun === undefined) throw new Error(`no time of day: ${words}`);
  return { sun, offsetMinutes: Number(minutes ?? 0) * (sign === '−' ? -1 : 1) };
}

function readPeriods(words: string): SchedulePeriod[] {
  if (words === 'not armed') return [];
  return words.split(', ').map((period) => {
    const [, from, to, day] = /^(.+?)–(.+?)(?: on the (same|next) day)?$/.exec(period) ?? [];
    if (from === undefined || to === undefined) throw new Error(`no period: ${period}`);
    const ends = { from: readTime(from), to: readTime(to) };
    return day === undefined ? ends : { ...ends, nextDay: day === 'next' };
  });
}

const cells = (row: string): string[] =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

/** The rows of the table that follows a heading row. */
function table(section: string, heading: string): string[][] {
  const lines = section.split('\n');
  const at = lines.indexOf(heading);
  if (at < 0) throw new Error(`no table ${heading}`);
  const rest = lines.slice(at + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? rest.length : end).map(cells);
}

function readSchedule(rows: string[][]): ArmingSchedule {
  const schedule: ArmingSchedule = {
    id: 'example',
    name: 'Example',
    timeZone: '',
    week: { monday: [], tuesday: [], wednesday: [], thursday: [], friday: [], saturday: [], sunday: [] },
    holidays: [],
    exceptions: [],
  };
  for (const [name = '', value = ''] of rows) {
    const special = /^(Holiday|Exception) (.+), ([\d-]+)(?: to ([\d-]+))?$/.exec(name);
    if (name === 'Time zone') schedule.timeZone = value;
    else if (name === 'Place') {
      const [latitude = Number.NaN, longitude = Number.NaN] = value.split(', ').map(Number);
      schedule.place = { latitude, longitude };
    } else if (special) {
      const [, kind, title = '', from = '', to] = special;
      const list = kind === 'Holiday' ? schedule.holidays : schedule.exceptions;
      list?.push({ name: title, from, ...(to === undefined ? {} : { to }), periods: readPeriods(value) });
    } else {
      const [first = '', last = first] = name.toLowerCase().split(' to ');
      const names: readonly string[] = weekdays;
      const days = weekdays.slice(names.indexOf(first), names.indexOf(last) + 1);
      if (days.length === 0) throw new Error(`no day: ${name}`);
      for (const day of days) schedule.week[day] = readPeriods(value);
    }
  }
  return schedule;
}

const examples: Example[] = text
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const [, from = '', sentence = ''] = /^From (\S+), when (.+):$/m.exec(section) ?? [];
    return {
      title: section.slice(0, section.indexOf('\n')),
      schedule: readSchedule(table(section, '| Schedule | |')),
      from,
      sentence,
      edges: table(section, '| On the clocks | UTC | | Why |'),
    };
  });

describe('docs/schedules.md', () => {
  it('shows both nights of the three zones, a holiday, an exception and the sun', () => {
    expect(text.match(/^## .+$/gm)).toEqual([
      '## Rules',
      '## Week',
      '## The nights on which clocks change',
      '## Holidays',
      '## Exceptions',
      '## The sun',
    ]);
    expect(examples.length).toBeGreaterThanOrEqual(16);
  });

  it.each(examples)('is right: $title', ({ schedule, from, sentence, edges }) => {
    checkSchedule(schedule);
    const start = parseIsoTime(from.replace('Z', ':00Z')) ?? Number.NaN;
    const preview = previewSchedule(schedule, start, edges.length);
    expect(preview.detail.replace('schedule "Example"', 'it')).toBe(sentence);
    expect(
      preview.edges.map(({ at, armed, local, reason }) => [
        local,
        `${isoTime(at).slice(0, 16)}Z`,
        armed ? 'armed' : 'not armed',
        reason,
      ]),
    ).toEqual(edges);
  });
});
