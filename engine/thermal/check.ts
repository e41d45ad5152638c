import { userError } from '../domain/errors';
import { COLDEST_CELSIUS, HOTTEST_CELSIUS, temperatureUnits } from '../domain/temperature';
import { type ThermalCondition, type ThermalRule, thermalMeasures, thermalPlaces } from '../domain/thermal';

/** Longest cycle of a sudden change, quiet of a place and filtering time: one day. */
const LONGEST_MS = 86_400_000;
const MOST_CONDITIONS = 64;
const MOST_SENSORS = 256;
const MOST_NAMES_LISTED = 256;

/**
 * Checks a rule that came from a flow.
 *
 * @throws E_BAD_TRIGGER (user) that names what is wrong
 */
export function checkThermalRule(rule: ThermalRule): void {
  if (typeof rule !== 'object' || rule === null) refuse('a temperature rule', 'is missing');
  if (!temperatureUnits.includes(rule.unit)) refuse('the unit', `must be one of ${temperatureUnits.join(', ')}`);
  time('the filtering time of an escalation', rule.filteringMs, 0);
  time('the time after which a place counts as silent', rule.staleMs, 1);
  if (!Array.isArray(rule.conditions) || rule.conditions.length > MOST_CONDITIONS) {
    refuse('the rules', `must be a list of at most ${MOST_CONDITIONS}`);
  }
  if (!Array.isArray(rule.sensors) || rule.sensors.length > MOST_SENSORS) {
    refuse('the sensors', `must be a list of at most ${MOST_SENSORS}`);
  }
  let conditions = rule.conditions.length;
  for (const [index, condition] of rule.conditions.entries()) checkCondition(`rule ${index + 1}`, condition);
  const ids = new Set<string>();
  for (const sensor of rule.sensors) {
    if (typeof sensor?.id !== 'string' || sensor.id.trim() === '') refuse('a sensor', 'has no id');
    const what = `sensor "${sensor.id}"`;
    if (ids.has(sensor.id.trim().toLowerCase())) refuse(what, 'is there twice; give each id once');
    ids.add(sensor.id.trim().toLowerCase());
    if (typeof sensor.name !== 'string') refuse(what, 'has a name that is no text');
    if (!Array.isArray(sensor.conditions) || sensor.conditions.length > MOST_CONDITIONS) {
      refuse(what, `must have a list of at most ${MOST_CONDITIONS} rules`);
    }
    for (const [index, condition] of sensor.conditions.entries()) {
      const named = `rule ${index + 1} of ${what}`;
      if (!['threshold', 'sudden-change', 'rise', 'section'].includes(condition?.kind)) {
        refuse(named, 'must be a threshold, a sudden change, a rise or a section; compare sensors in the common rules');
      }
      checkCondition(named, condition);
    }
    conditions += sensor.conditions.length;
  }
  if (conditions === 0) refuse('the rules', 'are empty; add at least one, for all or for a sensor');
}

function refuse(what: string, why: string): never {
  throw userError('E_BAD_TRIGGER', `Temperature rule: ${what} ${why}`);
}

function time(what: string, ms: number, least: number): void {
  if (!Number.isFinite(ms) || ms < least || ms > LONGEST_MS) {
    refuse(what, `is ${ms}; give milliseconds from ${least} to ${LONGEST_MS}`);
  }
}

function within(what: string, value: number, least: number, most: number, unit: string): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most) {
    refuse(what, `is ${value}; give a number from ${least} to ${most} ${unit}`);
  }
}

function names(what: string, list: string[]): void {
  if (!Array.isArray(list) || list.length > MOST_NAMES_LISTED || list.some((name) => typeof name !== 'string')) {
    refuse(what, `must name its places in a list of at most ${MOST_NAMES_LISTED} texts`);
  }
}

function checkCondition(what: string, condition: ThermalCondition): void {
  if (typeof condition !== 'object' || condition === null) refuse(what, 'is missing');
  if (!thermalMeasures.includes(condition.measure)) {
    refuse(what, `must judge one of ${thermalMeasures.join(', ')}`);
  }
  if ('place' in condition && !thermalPlaces.includes(condition.place)) {
    refuse(what, `must be about one of ${thermalPlaces.join(', ')}`);
  }
  if ('direction' in condition && condition.direction !== 'above' && condition.direction !== 'below') {
    refuse(what, 'must be "above" or "below"');
  }
  const span = HOTTEST_CELSIUS - COLDEST_CELSIUS;
  const limits = condition.preAlarm === null ? [condition.alarm] : [condition.preAlarm, condition.alarm];
  within(`the tolerance of ${what}`, condition.tolerance, 0, span, 'K');
  switch (condition.kind) {
    case 'threshold':
    case 'section':
      names(what, condition.names);
      for (const limit of limits) within(`a limit of ${what}`, limit, COLDEST_CELSIUS, HOTTEST_CELSIUS, '°C');
      if (condition.kind === 'section') {
        within(`the maximum of ${what}`, condition.maximum, condition.alarm, HOTTEST_CELSIUS, '°C');
      }
      break;
    case 'sudden-change':
    case 'rise':
      names(what, condition.names);
      for (const limit of limits) within(`a limit of ${what}`, limit, 0, span, 'K');
      if (condition.kind === 'rise') time(`the duration of ${what}`, condition.withinMs, 1);
      else {
        time(`the cycle of ${what}`, condition.cycleMs, 1);
        if (!['increase', 'decrease', 'either'].includes(condition.change)) {
          refuse(what, 'must watch an increase, a decrease or either');
        }
      }
      // Without any change at all nothing has risen.
      if (condition.kind === 'rise' && limits.some((limit) => limit === 0)) refuse(what, 'must be more than 0 K');
      break;
    case 'difference':
      if (typeof condition.first !== 'string' || typeof condition.second !== 'string') {
        refuse(what, 'must name two places');
      }
      if (condition.first.trim() === '' || condition.second.trim() === '') refuse(what, 'must name two places');
      if (condition.first.trim().toLowerCase() === condition.second.trim().toLowerCase()) {
        refuse(what, 'compares a place with itself; name another');
      }
      if (condition.comparison !== 'amount' && condition.comparison !== 'first-second') {
        refuse(what, 'must compare the amount or first minus second');
      }
      for (const limit of limits) within(`a limit of ${what}`, limit, -span, span, 'K');
      break;
    case 'group':
      names(what, condition.names);
      if (typeof condition.group !== 'string' || condition.group.trim() === '') refuse(what, 'must name its group');
      for (const limit of limits) within(`a limit of ${what}`, limit, 0, span, 'K');
      break;
    default:
      refuse(what, 'is of no kind that this version knows');
  }
  checkOrder(what, condition);
}

/** The pre-alarm comes before the alarm on the way there. */
function checkOrder(what: string, condition: ThermalCondition): void {
  const { preAlarm, alarm } = condition;
  if (preAlarm === null) return;
  const below = 'direction' in condition && condition.direction === 'below';
  if (below ? preAlarm <= alarm : preAlarm >= alarm) {
    refuse(what, `must have its pre-alarm ${below ? 'above' : 'below'} its alarm`);
  }
}
