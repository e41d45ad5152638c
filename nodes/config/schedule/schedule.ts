import { type ArmingSchedule, type SchedulePeriod, type Weekday, weekdays } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

const MINUTES = 1440;

const dayTitle = (day: Weekday): string => `${day[0]!.toUpperCase()}${day.slice(1)}`;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readPeriod(fields: Fields, day: Weekday, period: unknown): SchedulePeriod {
  const { from, to } = isRecord(period) ? period : {};
  const isMinute = (value: unknown): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MINUTES;
  if (!isMinute(from) || !isMinute(to) || from === to || from === MINUTES)
    fields.refuse(
      dayTitle(day),
      period,
      'periods of {"from", "to"} in whole minutes since midnight, from 0 to 1440 (24:00), that do not begin and end at once',
    );
  return { from, to };
}

function readWeek(fields: Fields): ArmingSchedule['week'] {
  const week = fields.raw('week');
  if (!isRecord(week)) fields.refuse('Week', week, 'an object with a list of periods for each day');
  const strange = Object.keys(week).find((day) => !weekdays.some((known) => known === day));
  if (strange !== undefined) fields.refuse('Week', strange, `a day out of ${weekdays.join(', ')}`);
  const read = (day: Weekday): SchedulePeriod[] => {
    const periods = Object.hasOwn(week, day) ? week[day] : [];
    // Periods that do not overlap cannot be more than the minutes of a day.
    if (!Array.isArray(periods) || periods.length > MINUTES) fields.refuse(dayTitle(day), periods, 'a list of periods');
    return periods.map((period) => readPeriod(fields, day, period)).sort((a, b) => a.from - b.from);
  };
  return Object.fromEntries(weekdays.map((day) => [day, read(day)])) as ArmingSchedule['week'];
}

const schedule: NodeKind<ArmingSchedule> = {
  type: 'alarmflow-schedule',
  title: 'Arming schedule',
  defaults,
  migrations,
  read: (fields) => ({
    id: fields.id,
    name: fields.name('Arming schedule'),
    timeZone: fields.timeZone('timeZone', 'Time zone') ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    week: readWeek(fields),
  }),
  start: (definition, site) => site.engine.defineSchedule(definition),
};

export default defineNode(schedule);
