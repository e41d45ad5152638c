import type { ReceivedEvent } from '../../domain/devices';
import { userError } from '../../domain/errors';
import type { EventDraft, EventLevel, EventPhase, EventTemperature, EventType } from '../../domain/events';
import { parseDeviceTime } from '../device-time';
import { type NamedPicture, pictureType } from './body';
import { canonicalType, type MappedField, type Mapping, unitNamed } from './options';
import { withoutSecrets } from './redaction';
import { dependsOnItem, type Place, placesOf, type Scope, type Selector, valuesOf } from './selector';

export interface MappingContext {
  /** IANA zone of the sender's clock; null: the zone of this machine. */
  timeZone: string | null;
  /** Our wall time. */
  now: number;
  /** The push as it came, for the record. */
  payload: string;
  /** Told where some items of a push make no event though others do. */
  leftOut?(count: number, reason: string): void;
}

/** A draft whose phase nobody has compared with what is open yet. */
export type Understood = Pick<ReceivedEvent, 'draft' | 'pictures' | 'late' | 'clockSuspect'>;

/** What is the same for every item of a push is looked up once: a list of many must not cost many searches. */
type FixedValues = Map<Selector, string[]>;

const MOST_EVENTS = 500;
const MOST_PICTURES = 16;
const MOST_TEXT = 500;
/** A sender's time further from ours than this is not to be trusted (PROTOCOLS §0.4). */
const SUSPECT_MS = 60_000;
const NUMBER = /^\s*([+-]?)(\d{1,9})?(?:[.,](\d{0,9}))?(?:e([+-]?\d{1,2}))?\s{0,4}(.{0,12})$/i;

/**
 * The events of a push by the operator's mapping. Throws `E_BAD_PUSH` (user) with the reason where nothing matches and
 * the mapping says to refuse; an empty list where it says to ignore. One item of a list that doesn't match is left out
 * as long as another one does.
 */
export function mapPush(mapping: Mapping, scope: Scope, context: MappingContext): Understood[] {
  const items = itemsOf(mapping, scope);
  const found: Understood[] = [];
  const reasons: string[] = [];
  const fixed: FixedValues = new Map();
  if (mapping.each !== null && items.length === 0)
    reasons.push('it holds no item of the list given as "One event for each"');
  for (const item of items.slice(0, MOST_EVENTS)) {
    const understood = eventOf(mapping, { ...scope, item }, context, fixed);
    if (typeof understood === 'string') reasons.push(understood);
    else found.push(understood);
  }
  if (items.length > MOST_EVENTS) reasons.push(`only ${MOST_EVENTS} of ${items.length} items are taken`);
  const first = found[0];
  if (first) {
    const [why] = reasons;
    if (why !== undefined) context.leftOut?.(items.length - found.length, why);
    // What came beside a list belongs to its first event, unless that brought its own.
    if (!mapping.selectors.has('picture')) first.pictures = scope.body.pictures.slice(0, MOST_PICTURES).map(plain);
    return found;
  }
  const reason = reasons[0] ?? scope.body.faults[0] ?? 'it holds nothing';
  if (mapping.unmatched === 'ignore') return [];
  if (mapping.unmatched === 'event') return [unmatchedEvent(mapping, scope, context, reason)];
  const faults = scope.body.faults.length > 0 ? ` (${scope.body.faults[0]?.slice(0, 200)})` : '';
  throw userError(
    'E_BAD_PUSH',
    `The push makes no event: ${reason}${faults}. See the recent bodies and mend the mapping in the device's dialog`,
  );
}

function itemsOf(mapping: Mapping, scope: Scope): (Place | null)[] {
  if (mapping.each) return placesOf(mapping.each, { ...scope, item: null });
  const { json } = scope.body;
  const [only] = json;
  // A bare list, or several documents one after another: each is an event.
  const list = json.length > 1 ? json : Array.isArray(only) ? only : null;
  return list && list.length > 0 ? list.map((item) => ({ json: item })) : [null];
}

const plain = ({ contentType, bytes, name }: NamedPicture): ReceivedEvent['pictures'][number] => ({
  contentType,
  bytes,
  ...(name === undefined ? {} : { name }),
});

/** One event, or the reason why there is none. */
function eventOf(mapping: Mapping, scope: Scope, context: MappingContext, fixed: FixedValues): Understood | string {
  const all = (field: MappedField): string[] =>
    (mapping.selectors.get(field) ?? [])
      .map((selector) => look(selector, scope, fixed))
      .find((values) => values.length > 0) ?? [];
  const one = (field: MappedField): string | undefined => all(field)[0];
  const words = (field: MappedField): string | undefined => one(field)?.slice(0, MOST_TEXT);

  const name = one('type')?.slice(0, 200);
  const type = name === undefined ? mapping.defaultType : typeOf(mapping, name);
  if (type === null) return 'no place of "type" holds anything, and there is no default type';
  const phaseWord = one('phase')?.slice(0, 200);
  const phase = phaseWord === undefined ? mapping.defaultPhase : mapping.phases.get(phaseWord.toLowerCase());
  // Neither a raise nor an end may be guessed.
  if (phase === undefined) return `"${phaseWord?.slice(0, 60)}" is in no list of words for start, end and pulse`;
  const channel = wholeNumber(one('channel'));
  if (channel === null) return `the channel "${one('channel')?.slice(0, 60)}" is no number from 0 to 65535`;

  const draft: EventDraft = {
    type,
    vendorType: name ?? type,
    phase,
    deviceTime: null,
    deviceAt: null,
    raw: context.payload,
  };
  const level = levelOf(type, one('level'));
  if (level) draft.level = level;
  if (channel !== undefined) draft.channel = channel;
  const texts: [MappedField, 'channelName' | 'input' | 'output' | 'rule' | 'description'][] = [
    ['channelName', 'channelName'],
    ['input', 'input'],
    ['output', 'output'],
    ['rule', 'rule'],
    ['description', 'description'],
  ];
  for (const [field, key] of texts) {
    const value = words(field);
    if (value !== undefined) draft[key] = field === 'description' ? withoutSecrets(value) : value.slice(0, 200);
  }
  const objectId = words('object');
  if (objectId !== undefined) draft.objectId = objectId.slice(0, 200);
  const target = one('target')?.toLowerCase();
  if (target !== undefined) draft.target = mapping.targets.get(target) ?? 'other';
  const direction = directionOf(one('direction'));
  if (direction) draft.direction = direction;
  const temperature = temperatureOf(mapping, one);
  if (temperature) draft.temperature = temperature;
  if (phase !== 'stop' && mapping.quietMs !== null) draft.quietMs = mapping.quietMs;
  const time = one('time')?.slice(0, 64);
  if (time !== undefined) {
    draft.deviceTime = time;
    draft.deviceAt = parseDeviceTime(time, context.timeZone, context.now);
  }
  const clockSuspect =
    draft.deviceTime !== null && (draft.deviceAt === null || Math.abs(draft.deviceAt - context.now) > SUSPECT_MS);
  return { draft, pictures: picturesOf(mapping, scope, fixed), late: false, clockSuspect };
}

function look(selector: Selector, scope: Scope, fixed: FixedValues): string[] {
  if (dependsOnItem(selector)) return valuesOf(selector, scope);
  const known = fixed.get(selector);
  if (known) return known;
  const values = valuesOf(selector, scope);
  fixed.set(selector, values);
  return values;
}

/** The canonical type, the operator's word for it, or the sender's own name: an unknown event never vanishes. */
function typeOf(mapping: Mapping, name: string): EventType {
  const mapped = mapping.types.get(name.toLowerCase());
  return mapped ?? canonicalType(name) ?? `vendor:${name.replace(/^vendor:/i, '').slice(0, 100)}`;
}

function levelOf(type: EventType, word: string | undefined): EventLevel | undefined {
  if (word !== undefined) return /^(?:pre-?_?\s?alarm|warn(?:ing)?|minor|low)$/i.test(word) ? 'pre-alarm' : 'alarm';
  if (type === 'temperature-prealarm' || type === 'temperature-difference-prealarm') return 'pre-alarm';
  return type === 'temperature-alarm' || type === 'temperature-difference' ? 'alarm' : undefined;
}

function directionOf(word: string | undefined): EventDraft['direction'] {
  const folded = word?.toLowerCase().replace(/[^a-z]/g, '');
  if (folded === 'atob' || folded === 'ab' || folded === 'lefttoright' || folded === 'forward') return 'a-to-b';
  if (folded === 'btoa' || folded === 'ba' || folded === 'righttoleft' || folded === 'reverse') return 'b-to-a';
  return folded === 'both' ? 'both' : undefined;
}

/** A whole number from 0 to 65535; undefined where none is given, null for something else. */
function wholeNumber(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined;
  const digits = /^\s*(?:ch(?:annel)?[ _-]?)?0*(\d{1,5})(?:\.0+)?\s*$/i.exec(text)?.[1];
  return digits !== undefined && Number(digits) <= 65_535 ? Number(digits) : null;
}

/** A measured value with an optional unit behind it; `21,5 °C`. */
function measured(text: string | undefined): { value: number; unit: string } | null {
  const match = text === undefined ? null : NUMBER.exec(text);
  if (!match || (match[2] === undefined && (match[3] ?? '') === '')) return null;
  const value = Number(`${match[1]}${match[2] ?? '0'}.${match[3] || '0'}e${match[4] ?? '0'}`);
  // Nothing that a thermal camera measures lies beyond; such a number is a code for "no reading".
  return Number.isFinite(value) && Math.abs(value) < 10_000 ? { value, unit: (match[5] ?? '').trim() } : null;
}

function temperatureOf(
  mapping: Mapping,
  one: (field: MappedField) => string | undefined,
): EventTemperature | undefined {
  const value = measured(one('temperature'));
  const maximum = measured(one('maximum'));
  const minimum = measured(one('minimum'));
  const average = measured(one('average'));
  const threshold = measured(one('threshold'));
  const any = value ?? maximum ?? minimum ?? average ?? threshold;
  if (!any) return undefined;
  const temperature: EventTemperature = {
    unit: unitNamed(one('unit') ?? '') ?? unitNamed(any.unit) ?? mapping.unit,
  };
  if (value) temperature.value = value.value;
  if (maximum) temperature.maximum = maximum.value;
  if (minimum) temperature.minimum = minimum.value;
  if (average) temperature.average = average.value;
  if (threshold) temperature.threshold = threshold.value;
  const preset = wholeNumber(one('preset'));
  if (typeof preset === 'number') temperature.preset = preset;
  return temperature;
}

function picturesOf(mapping: Mapping, scope: Scope, fixed: FixedValues): ReceivedEvent['pictures'] {
  const found: ReceivedEvent['pictures'] = [];
  for (const selector of mapping.selectors.get('picture') ?? []) {
    if (selector.from === 'part')
      found.push(
        ...scope.body.pictures
          .filter((p) => selector.name === '*' || p.part === selector.name || p.name === selector.name)
          .map(plain),
      );
    else for (const text of look(selector, scope, fixed)) found.push(...pictureIn(text));
  }
  return found.slice(0, MOST_PICTURES);
}

/** A picture written in base64, a data URL as well; none for a text that is no picture. */
function pictureIn(text: string): ReceivedEvent['pictures'] {
  const start = text.startsWith('data:') ? text.indexOf(',') + 1 : 0;
  const bytes = Buffer.from(text.slice(start), 'base64');
  const contentType = pictureType(bytes);
  return contentType ? [{ contentType, bytes }] : [];
}

function unmatchedEvent(mapping: Mapping, scope: Scope, context: MappingContext, reason: string): Understood {
  const draft: EventDraft = {
    type: mapping.defaultType ?? 'vendor:push',
    vendorType: 'push',
    phase: 'pulse' satisfies EventPhase,
    description: `A push that the mapping doesn't understand: ${reason}`,
    deviceTime: null,
    deviceAt: null,
    raw: context.payload,
    ...(mapping.quietMs === null ? {} : { quietMs: mapping.quietMs }),
  };
  return { draft, pictures: scope.body.pictures.slice(0, MOST_PICTURES).map(plain), late: false, clockSuspect: false };
}
