import { isAmongSenders } from '../domain/addresses';
import {
  conditionType,
  type DeviceEvent,
  type EventLevel,
  type EventTemperature,
  type EventType,
  quietTypes,
} from '../domain/events';
import { toCelsius } from '../domain/temperature';
import type { EventFilter } from '../domain/triggers';

/** What a filter looks at. */
export type FilteredEvent = Pick<
  DeviceEvent,
  | 'deviceId'
  | 'type'
  | 'vendorType'
  | 'phase'
  | 'level'
  | 'channel'
  | 'input'
  | 'sender'
  | 'rule'
  | 'target'
  | 'direction'
  | 'temperature'
  | 'regions'
>;

const isPreAlarmType = (type: EventType): boolean => conditionType(type) !== type;

/** The level of an event: what it says, else what its type says, else alarm. */
export const levelOf = (event: Pick<DeviceEvent, 'type' | 'level'>): EventLevel =>
  event.level ?? (isPreAlarmType(event.type) ? 'pre-alarm' : 'alarm');

/** Hottest temperature that the event tells, in °C, or null. */
export function hottestCelsius(event: Pick<DeviceEvent, 'temperature' | 'regions'>): number | null {
  let hottest: number | null = null;
  const take = (temperature: EventTemperature | undefined): void => {
    if (temperature?.value === undefined || temperature.difference || !Number.isFinite(temperature.value)) return;
    const value = toCelsius(temperature.value, temperature.unit);
    if (hottest === null || value > hottest) hottest = value;
  };
  take(event.temperature);
  for (const region of event.regions ?? []) take(region.temperature);
  return hottest;
}

/** Whether a filter is about a type at all. */
export const takesType = (filter: Pick<EventFilter, 'types' | 'anyType'>, type: EventType): boolean =>
  filter.types.includes(type) || (filter.anyType === true && !quietTypes.has(type));

/** Whether the filter is about this device and this type at all; what it is not about is no business of its trigger. */
export const listensTo = (filter: EventFilter, event: Pick<DeviceEvent, 'deviceId' | 'type'>): boolean =>
  takesType(filter, event.type) && (filter.deviceIds === undefined || filter.deviceIds.includes(event.deviceId));

const listed = (values: readonly (string | number)[]): string => values.join(', ');

function refusedField<T extends string | number>(
  what: string,
  wanted: readonly T[] | undefined,
  told: T | undefined,
  ends: boolean,
): string | null {
  if (wanted === undefined) return null;
  if (told === undefined) return ends ? null : `the event names no ${what}; wanted ${listed(wanted)}`;
  return wanted.includes(told) ? null : `${what} ${told} is not among ${listed(wanted)}`;
}

/** Whether a device's own name of an event is one that is wanted; letters of any case. */
function namedBy(wanted: string, name: string): boolean {
  const [a, b] = [wanted.toLowerCase(), name.toLowerCase()];
  return a.endsWith('*') ? b.startsWith(a.slice(0, -1)) : a === b;
}

function refusedSender(wanted: readonly string[], { sender, input }: FilteredEvent, ends: boolean): string | null {
  if (isAmongSenders(wanted, sender, input)) return null;
  const told = sender ?? input;
  if (told === undefined) return ends ? null : `the event names no sender; wanted ${listed(wanted)}`;
  return `sender ${told} is not among ${listed(wanted)}`;
}

function refusedRegion(wanted: readonly string[], event: FilteredEvent, ends: boolean): string | null {
  const told = (event.regions ?? []).flatMap((region) => (region.id === undefined ? [] : [region.id]));
  if (told.length === 0) return ends ? null : `the event names no region; wanted ${listed(wanted)}`;
  return told.some((id) => wanted.includes(id)) ? null : `region ${listed(told)} is not among ${listed(wanted)}`;
}

/**
 * Why the filter refuses the event, as a sentence with the values that decided; null when it lets it pass.
 *
 * A stop is judged only by what it says: devices leave out the rule, the target and the temperature when a condition
 * ends (PROTOCOLS §1.5, §1.6), and an end that is refused would leave its alarm on.
 */
export function filterRefusal(filter: EventFilter, event: FilteredEvent): string | null {
  const ends = event.phase === 'stop';
  if (!takesType(filter, event.type)) {
    return filter.anyType
      ? `type ${event.type} tells of nothing that happens: name it to take it`
      : `type ${event.type} is not among ${listed(filter.types)}`;
  }
  if (filter.deviceIds !== undefined && !filter.deviceIds.includes(event.deviceId)) {
    return `device ${event.deviceId} is not among those chosen`;
  }
  // The end of a trap is often a trap of another name.
  if (
    filter.vendorTypes !== undefined &&
    !ends &&
    !filter.vendorTypes.some((name) => namedBy(name, event.vendorType))
  ) {
    return `the device's name "${event.vendorType}" is not among ${listed(filter.vendorTypes)}`;
  }
  const sender = filter.senders === undefined ? null : refusedSender(filter.senders, event, ends);
  if (sender !== null) return sender;
  const field =
    refusedField('channel', filter.channels, event.channel, ends) ??
    refusedField('input', filter.inputs, event.input, ends) ??
    refusedField('rule', filter.rules, event.rule, ends);
  if (field !== null) return field;
  const regions = filter.regions === undefined ? null : refusedRegion(filter.regions, event, ends);
  if (regions !== null) return regions;
  const wanted = filter.targets;
  if (wanted !== undefined && !(event.regions ?? []).some((r) => r.target !== undefined && wanted.includes(r.target))) {
    const target = refusedField('target', wanted, event.target, ends);
    if (target !== null) return target;
  }
  if (filter.directions !== undefined && event.direction !== 'both') {
    const direction = refusedField<string>('direction', filter.directions, event.direction, ends);
    if (direction !== null) return direction;
  }
  if (filter.minimumLevel === 'alarm') {
    // A source with one name for both levels ends both with one stop, so only the type speaks for a stop.
    const level = ends ? (isPreAlarmType(event.type) ? 'pre-alarm' : 'alarm') : levelOf(event);
    if (level === 'pre-alarm') return 'level pre-alarm is below alarm';
  }
  if (filter.minimumCelsius !== undefined && !ends) {
    const hottest = hottestCelsius(event);
    if (hottest === null) return `the event tells no temperature; wanted at least ${filter.minimumCelsius} °C`;
    if (hottest < filter.minimumCelsius) {
      return `${Math.round(hottest * 10) / 10} °C is below ${filter.minimumCelsius} °C`;
    }
  }
  return null;
}

/** Whether the filter lets the event pass. */
export const matchesFilter = (filter: EventFilter, event: FilteredEvent): boolean =>
  filterRefusal(filter, event) === null;
