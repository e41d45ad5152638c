import { type EventFilter, type EventType, knownEventTypes } from '../../engine/index';
import type { Fields } from './fields';

const MOST = 256;
const LONGEST = 200;

/** A type as a flow may name it: a known one, or a device's own name behind `vendor:`. */
const typeNamed = (name: string): EventType | null => {
  if (/^vendor:\S/.test(name)) return name as EventType;
  const known = knownEventTypes.find((type) => type === name.toLowerCase());
  return known === undefined || known === 'message' ? null : known;
};

/** The event types that a field lists; any type where it lists none. */
export function readEventTypes(fields: Fields, field: string, label: string): Pick<EventFilter, 'types' | 'anyType'> {
  const types = fields
    .list(field, label, { max: MOST, entryLength: LONGEST })
    .map(
      (name) =>
        typeNamed(name) ??
        fields.refuse(label, name, 'an event type such as motion, or vendor: and the name that the device gives it'),
    );
  return types.length > 0 ? { types } : { types: [], anyType: true };
}

/** Where and what of an event: the fields that triggers share, each empty for any. */
export function readPlaces(
  fields: Fields,
  names: readonly ('names' | 'channel' | 'input' | 'rule' | 'region')[],
): Omit<EventFilter, 'types'> {
  const has = (name: (typeof names)[number]) => names.includes(name);
  const texts = { max: MOST, entryLength: 128 };
  const vendorTypes = has('names') ? fields.list('names', "Device's names", { max: MOST, entryLength: LONGEST }) : [];
  const channels = has('channel') ? fields.channels('channel', 'Channel') : [];
  const inputs = has('input') ? fields.list('input', 'Input', { max: MOST, entryLength: 64 }) : [];
  const rules = has('rule') ? fields.list('rule', 'Rule', texts) : [];
  const regions = has('region') ? fields.list('region', 'Region', texts) : [];
  return {
    ...(vendorTypes.length > 0 ? { vendorTypes } : {}),
    ...(channels.length > 0 ? { channels } : {}),
    ...(inputs.length > 0 ? { inputs } : {}),
    ...(rules.length > 0 ? { rules } : {}),
    ...(regions.length > 0 ? { regions } : {}),
  };
}
