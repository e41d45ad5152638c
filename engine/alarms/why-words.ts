/** Sentences for people about gates: what a filter wants, what opens a gate. No absolute times: readers have zones. */
import { eventTypeLabel } from '../domain/event-words';
import type { AlarmPolicy, EventFilter, TriggerDefinition } from '../domain/triggers';
import type { WhyGate } from '../domain/why';
import { duration } from '../gates';

const either = (values: readonly (string | number)[]): string => values.join(' or ');
/** A list that a person can still read. */
const few = (values: readonly string[]): string =>
  values.length > 6 ? `${values.slice(0, 6).join(', ')} and ${values.length - 6} more` : either(values);

/** What an event must be to pass the filter: "motion of Hall camera, channel 1 or 2, at least 60 °C". */
export function filterNeeds(filter: EventFilter, deviceName: (id: string) => string): string {
  const types = few(filter.types.map(eventTypeLabel));
  const parts = [filter.anyType ? 'any event' : types || 'no event type at all'];
  if (filter.deviceIds !== undefined) parts[0] += ` of ${few(filter.deviceIds.map(deviceName)) || 'no device'}`;
  const list = (what: string, values: readonly (string | number)[] | undefined): void => {
    if (values !== undefined) parts.push(`${what} ${either(values) || 'none'}`);
  };
  list('named by the device', filter.vendorTypes);
  list('channel', filter.channels);
  list('input', filter.inputs);
  list('rule', filter.rules);
  list('region', filter.regions);
  list('target', filter.targets);
  list('sender', filter.senders);
  list('direction', filter.directions);
  if (filter.minimumLevel === 'alarm') parts.push('level alarm');
  if (filter.minimumCelsius !== undefined) parts.push(`at least ${filter.minimumCelsius} °C`);
  return parts.join(', ');
}

function onDelayWords(policy: AlarmPolicy | undefined): string {
  if (policy === undefined) return 'when the condition holds for the filtering time';
  if (policy.repeat !== null) {
    return `when ${policy.repeat.count} starts come within ${duration(policy.repeat.withinMs)}`;
  }
  return `when the condition holds for ${duration(policy.onDelayMs)}`;
}

/** What opens a gate that is shut. */
export function opensWords(
  gate: WhyGate,
  opensAt: number | null,
  definition: TriggerDefinition | undefined,
  deviceName: (id: string) => string,
): string {
  switch (gate) {
    case 'disabled':
      return 'when the trigger is switched on and the flow is deployed';
    case 'filter':
      return definition === undefined
        ? 'with an event that suits the filter'
        : `with ${filterNeeds(definition.filter, deviceName)}`;
    case 'late':
      return 'with an event that comes in time, or when the trigger is told to act on late ones';
    case 'duplicate':
      return 'with the next event of the device';
    case 'shelved':
      return opensAt === null ? 'when somebody takes it off the shelf' : 'when the shelving runs out';
    case 'disarmed':
      return opensAt === null ? 'when somebody arms it' : 'when the disarming runs out';
    case 'not-armed':
      return opensAt === null ? 'not by itself: no armed period is to come' : 'when its arming schedule opens next';
    case 'on-delay':
      return onDelayWords(definition?.policy);
    case 'anti-dither':
      return 'when the anti-dither window is over; a condition that goes on has to begin again';
    case 'entry-delay':
      return 'when the entry delay is over and nobody has disarmed';
    case 'flood':
      return 'when the flood is over';
    default:
      return `when "${gate as string}" no longer stands in its way`;
  }
}

/** What the trigger sets for a gate, for those that let the event pass or were not asked; empty where it sets nothing. */
export function settingWords(gate: WhyGate, definition: TriggerDefinition | undefined): string {
  const policy = definition?.policy;
  if (policy === undefined) return '';
  switch (gate) {
    case 'on-delay':
      if (policy.repeat !== null) return `${policy.repeat.count} starts within ${duration(policy.repeat.withinMs)}`;
      return policy.onDelayMs > 0 ? `filtering time ${duration(policy.onDelayMs)}` : 'no filtering time';
    case 'anti-dither':
      if (policy.antiDitherMs === 0) return 'no anti-dither';
      return `anti-dither ${duration(policy.antiDitherMs)}${policy.antiDitherMode === 'sliding' ? ', sliding' : ''}`;
    case 'not-armed':
      return policy.scheduleId === null ? 'no schedule' : '';
    case 'late':
      return policy.late === 'act' ? 'late events act too' : '';
    default:
      return '';
  }
}
