import type { PushAnswer } from '../../domain/devices';
import { userError } from '../../domain/errors';
import {
  type EventPhase,
  type EventTarget,
  type EventType,
  knownEventTypes,
  type TemperatureUnit,
} from '../../domain/events';
import type { DriverDialog } from '../driver';
import { parseSelector, type Selector } from './selector';

/** What of an event can be looked up in a push. */
export const mappedFields = [
  'type',
  'phase',
  'level',
  'channel',
  'channelName',
  'input',
  'output',
  'rule',
  'object',
  'target',
  'direction',
  'temperature',
  'maximum',
  'minimum',
  'average',
  'threshold',
  'unit',
  'preset',
  'time',
  'description',
  'picture',
] as const;

export type MappedField = (typeof mappedFields)[number];

/** A device's mapping, ready to be applied. */
export interface Mapping {
  /** Places in the order in which they are tried. */
  selectors: ReadonlyMap<MappedField, readonly Selector[]>;
  /** The list whose items are one event each; null: the push is one event, or a JSON list of them. */
  each: Selector | null;
  types: ReadonlyMap<string, EventType>;
  phases: ReadonlyMap<string, EventPhase>;
  targets: ReadonlyMap<string, EventTarget>;
  defaultType: EventType | null;
  defaultPhase: 'pulse' | 'start';
  /** The unit of a temperature whose push names none. */
  unit: TemperatureUnit;
  /** Milliseconds without a repeat that count as the end; null: only a told end counts. */
  quietMs: number | null;
  methods: readonly string[];
  unmatched: 'refuse' | 'event' | 'ignore';
  answer: PushAnswer;
  /** Bodies kept for the "recent bodies" view. */
  recent: number;
}

/** Made by the engine itself; a push must not be able to play them. */
const ENGINE_TYPES: ReadonlySet<string> = new Set([
  'source-online',
  'source-offline',
  'credentials-refused',
  'message',
]);

const PHASES: Readonly<Record<EventPhase, string>> = {
  start: 'active, start, started, on, true, 1, begin, raise, raised, alarm, alarming, triggered, trigger',
  stop: 'inactive, stop, stopped, off, false, 0, end, ended, clear, cleared, normal, restore, restored',
  pulse: 'pulse',
  refresh: 'refresh, continue, duration',
  snapshot: 'snapshot, initialized',
};
const TARGETS: Readonly<Record<string, EventTarget>> = {
  human: 'human',
  person: 'human',
  people: 'human',
  pedestrian: 'human',
  vehicle: 'vehicle',
  car: 'vehicle',
  truck: 'vehicle',
  other: 'other',
};
const METHODS = ['POST', 'PUT', 'GET'];
const MOST_LINES = 200;
/** Each may cost a tenth of a second on a text made to be slow. */
const MOST_PATTERNS = 20;
const MOST_TEXT = 16_384;

/** The part of the device dialog that is this driver's own. */
export const httpPushDialog: DriverDialog = {
  host: false,
  login: false,
  tls: false,
  receives: ['push'],
  fields: [
    {
      name: 'mapping',
      label: 'Mapping',
      kind: 'lines',
      value:
        'type = $.type\ntype = form:type\ntype = query:type\nphase = $.phase\nphase = form:phase\nphase = query:phase',
      hint:
        'One line for each place: <field> = $.json.path, /xml/path, form:name, query:name, header:name, path:1, part:name, text:/pattern/ or "constant". Fields: ' +
        `${mappedFields.join(', ')}. The first place of a field that holds something counts.`,
    },
    {
      name: 'each',
      label: 'One event for each',
      kind: 'text',
      value: '',
      hint: 'Place of a list whose items are one event each, e.g. $.alarms[*] or /report/alarm; empty: the push is one event, or a JSON list of them',
    },
    {
      name: 'types',
      label: 'Types',
      kind: 'lines',
      value: '',
      hint: 'One line for each of the sender\'s words: <word> = <event type>, e.g. "MOTION_ALARM = motion". Other words that are no event type pass as vendor:<word>',
    },
    { name: 'starts', label: 'Words for a start', kind: 'text', value: PHASES.start, hint: 'Parted by commas' },
    { name: 'stops', label: 'Words for an end', kind: 'text', value: PHASES.stop, hint: 'Parted by commas' },
    { name: 'pulses', label: 'Words for a pulse', kind: 'text', value: PHASES.pulse, hint: 'Parted by commas' },
    {
      name: 'targets',
      label: 'Targets',
      kind: 'lines',
      value: '',
      hint: '<word> = human, vehicle or other; person, people, pedestrian, car and truck are known',
    },
    {
      name: 'defaultType',
      label: 'Type where none is found',
      kind: 'text',
      value: '',
      hint: 'An event type or vendor:<name>; empty: such a push is unmatched',
    },
    {
      name: 'defaultPhase',
      label: 'Phase where none is found',
      kind: 'choice',
      value: 'pulse',
      choices: [
        { value: 'pulse', label: 'pulse: it has no end of its own' },
        { value: 'start', label: 'start: an end will follow' },
      ],
    },
    {
      name: 'unit',
      label: 'Unit of temperatures',
      kind: 'choice',
      value: 'celsius',
      choices: [
        { value: 'celsius', label: '°C' },
        { value: 'fahrenheit', label: '°F' },
        { value: 'kelvin', label: 'K' },
      ],
    },
    {
      name: 'quietSeconds',
      label: 'Quiet time (s)',
      kind: 'number',
      value: 10,
      min: 0,
      max: 86_400,
      hint: 'Without a repeat for this long an event counts as over; 0: only a told end counts',
    },
    { name: 'methods', label: 'Methods', kind: 'text', value: 'POST, PUT', hint: 'POST, PUT, GET' },
    {
      name: 'unmatched',
      label: 'Where nothing matches',
      kind: 'choice',
      value: 'refuse',
      choices: [
        { value: 'refuse', label: 'refuse it with the reason' },
        { value: 'event', label: 'make an event vendor:push of it' },
        { value: 'ignore', label: 'take it as a sign of life' },
      ],
    },
    { name: 'answerStatus', label: 'Status of the answer', kind: 'number', value: 200, min: 200, max: 299 },
    { name: 'answerType', label: 'Type of the answer', kind: 'text', value: 'text/plain; charset=utf-8' },
    { name: 'answerBody', label: 'Body of the answer', kind: 'lines', value: '' },
    {
      name: 'recent',
      label: 'Recent bodies kept',
      kind: 'number',
      value: 10,
      min: 0,
      max: 50,
      hint: 'Shown to click fields from; only in memory, secrets removed',
    },
  ],
};

const bad = (field: string, given: unknown, remedy: string): Error =>
  userError(
    'E_DEVICE_OPTIONS',
    `"${field}": ${typeof given === 'string' ? `"${given.slice(0, 80)}"` : String(given)} – ${remedy}`,
  );

/**
 * Checks and completes the settings; what is absent is as in a new device. Throws `E_DEVICE_OPTIONS` (user) that names
 * field, line and remedy.
 */
export function readHttpPushOptions(options: Record<string, unknown>): Record<string, unknown> {
  const known = new Map(httpPushDialog.fields.map((field) => [field.name, field]));
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw userError('E_DEVICE_OPTIONS', `"${unknown.slice(0, 60)}" is no setting of this driver: remove it`);
  const checked: Record<string, unknown> = {};
  for (const [name, field] of known) {
    const given = options[name] ?? field.value;
    if (field.kind === 'number') {
      const value = typeof given === 'string' && /^\d{1,9}$/.test(given.trim()) ? Number(given) : given;
      if (
        typeof value !== 'number' ||
        !Number.isFinite(value) ||
        value < (field.min ?? 0) ||
        value > (field.max ?? 1e9)
      )
        throw bad(name, given, `give a number from ${field.min} to ${field.max}`);
      if (name !== 'quietSeconds' && !Number.isInteger(value)) throw bad(name, given, 'give a whole number');
      checked[name] = value;
    } else {
      const text = Array.isArray(given) ? given.join('\n') : given;
      if (typeof text !== 'string' || text.length > MOST_TEXT)
        throw bad(name, given, `give a text of at most ${MOST_TEXT} characters`);
      if (field.choices && !field.choices.some((choice) => choice.value === text))
        throw bad(name, text, `choose one of: ${field.choices.map((choice) => choice.value).join(', ')}`);
      checked[name] = text;
    }
  }
  compileMapping(checked);
  return checked;
}

/** The methods that checked settings allow. */
export const pushMethods = (options: Record<string, unknown>): readonly string[] =>
  compileMapping(readHttpPushOptions(options)).methods;

const linesOf = (field: string, text: string): string[] => {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length > MOST_LINES) throw bad(field, text, `use at most ${MOST_LINES} lines`);
  return lines;
};

const fold = (word: string): string => word.trim().toLowerCase();

/** Lines of `<word> = <meaning>`; the last `=` parts them, so that a word may hold one. */
function pairs(field: string, text: string): { word: string; meaning: string; line: string }[] {
  return linesOf(field, text).map((line) => {
    const cut = line.lastIndexOf('=');
    const word = line
      .slice(0, Math.max(0, cut))
      .trim()
      .replace(/^"(.*)"$/, '$1');
    const meaning = line.slice(cut + 1).trim();
    if (cut < 1 || word === '' || meaning === '') throw bad(field, line, 'write <word> = <meaning>');
    return { word, meaning, line };
  });
}

/** An event type as an operator may name it. */
function typeNamed(field: string, name: string, line: string): EventType {
  const known = canonicalType(name);
  if (known) return known;
  if (/^vendor:[^\s].{0,99}$/.test(name)) return name as EventType;
  throw bad(
    field,
    line,
    `"${name.slice(0, 40)}" is no event type: give one such as motion or temperature-alarm, or vendor:<name>`,
  );
}

/** The canonical type of exactly that name, any case; null for others and for those that the engine makes itself. */
export function canonicalType(name: string): EventType | null {
  const folded = fold(name);
  if (ENGINE_TYPES.has(folded)) return null;
  return knownEventTypes.find((type) => type === folded) ?? null;
}

/** The mapping that checked settings describe. Throws `E_DEVICE_OPTIONS` (user). */
export function compileMapping(checked: Record<string, unknown>): Mapping {
  const text = (name: string): string => String(checked[name] ?? '');
  const selectors = new Map<MappedField, Selector[]>();
  for (const line of linesOf('mapping', text('mapping'))) {
    const match = /^([A-Za-z]{1,20})\s{0,20}=\s{0,20}(\S.*)$/.exec(line);
    const field = mappedFields.find((name) => name.toLowerCase() === match?.[1]?.toLowerCase());
    if (!match || !field) throw bad('mapping', line, `write <field> = <place>; fields are: ${mappedFields.join(', ')}`);
    selectors.set(field, [...(selectors.get(field) ?? []), parseSelector(match[2] ?? '')]);
  }
  const patterns = [...selectors.values()].flat().filter((place) => place.from === 'text' && place.pattern !== null);
  if (patterns.length > MOST_PATTERNS)
    throw bad('mapping', `${patterns.length} patterns`, `use at most ${MOST_PATTERNS}`);
  const phases = new Map<string, EventPhase>();
  const words: [EventPhase, string][] = [
    ['snapshot', PHASES.snapshot],
    ['refresh', PHASES.refresh],
    ['pulse', text('pulses')],
    ['stop', text('stops')],
    ['start', text('starts')],
  ];
  for (const [phase, list] of words) {
    for (const word of list.split(/[,\n]/).map(fold)) {
      if (word === '') continue;
      const other = phases.get(word);
      if (other !== undefined && other !== phase && other !== 'snapshot' && other !== 'refresh')
        throw bad(`${phase}s`, word, `it stands for "${other}" too: keep it in one of the lists`);
      phases.set(word, phase);
    }
  }
  const targets = new Map<string, EventTarget>(Object.entries(TARGETS));
  for (const { word, meaning, line } of pairs('targets', text('targets'))) {
    const target = (['human', 'vehicle', 'other'] as const).find((name) => name === fold(meaning));
    if (!target) throw bad('targets', line, 'a target is human, vehicle or other');
    targets.set(fold(word), target);
  }
  const types = new Map<string, EventType>();
  for (const { word, meaning, line } of pairs('types', text('types')))
    types.set(fold(word), typeNamed('types', meaning, line));
  const methods = text('methods')
    .split(/[\s,]+/)
    .filter((method) => method !== '')
    .map((method) => method.toUpperCase());
  if (methods.length === 0 || methods.some((method) => !METHODS.includes(method)))
    throw bad('methods', text('methods'), `give one or more of ${METHODS.join(', ')}`);
  const each = text('each').trim();
  const eachSelector = each === '' ? null : parseSelector(each);
  if (eachSelector && eachSelector.from !== 'json' && eachSelector.from !== 'xml')
    throw bad('each', each, 'give a place in a document, such as $.alarms[*] or /report/alarm');
  const answerType = text('answerType').trim();
  if (!/^[\w.+-]{1,60}\/[\w.+-]{1,60}(?:;\s{0,4}[\w-]{1,20}=[\w-]{1,40})?$/.test(answerType))
    throw bad('answerType', answerType, 'give a media type such as text/plain or application/json');
  const defaultType = text('defaultType').trim();
  const quiet = Number(checked.quietSeconds);
  return {
    selectors,
    each: eachSelector,
    types,
    phases,
    targets,
    defaultType: defaultType === '' ? null : typeNamed('defaultType', defaultType, defaultType),
    defaultPhase: text('defaultPhase') === 'start' ? 'start' : 'pulse',
    unit: unitNamed(text('unit')) ?? 'celsius',
    quietMs: quiet > 0 ? Math.round(quiet * 1_000) : null,
    methods,
    unmatched: text('unmatched') === 'event' ? 'event' : text('unmatched') === 'ignore' ? 'ignore' : 'refuse',
    answer: { status: Number(checked.answerStatus), contentType: answerType, body: text('answerBody') },
    recent: Number(checked.recent),
  };
}

/** A unit in the words of senders; null for none of them. */
export function unitNamed(word: string): TemperatureUnit | null {
  const folded = fold(word).replace(/^(?:°|degrees?\s?)/, '');
  if (/^(?:c|celsius|centigrade|℃)$/.test(folded)) return 'celsius';
  if (/^(?:f|fahrenheit|℉)$/.test(folded)) return 'fahrenheit';
  if (/^(?:k|kelvin)$/.test(folded)) return 'kelvin';
  return null;
}
