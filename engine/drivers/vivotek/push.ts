import type { PushRequest, ReceivedEvent } from '../../domain/devices';
import { userError } from '../../domain/errors';
import type { EventDraft, EventPhase, EventTemperature } from '../../domain/events';
import { parseDeviceTime } from '../device-time';
import { type PushBody, queryFields, readableBody, readBody, splitPath, unitNamed, withoutSecrets } from '../http-push';
import { natureOf } from './names';

export interface PushSetting {
  timeZone: string | null;
  now: number;
  /** Device clock minus ours in milliseconds, or null while unknown. */
  offset: number | null;
  quietMs: number;
}

/** What a push of the camera says. */
export type PushMeaning =
  | { kind: 'event'; draft: EventDraft; pictures: ReceivedEvent['pictures']; late: boolean; clockSuspect: boolean }
  /** The camera's own test of its server settings. */
  | { kind: 'test' };

/** An event further behind the camera's own clock than this tells of the past (PROTOCOLS §0.4). */
const LATE_MS = 60_000;
const MOST_PICTURES = 16;

const PHASES: Readonly<Record<string, EventPhase>> = {
  start: 'start',
  started: 'start',
  begin: 'start',
  on: 'start',
  active: 'start',
  trigger: 'start',
  triggered: 'start',
  high: 'start',
  true: 'start',
  '1': 'start',
  stop: 'stop',
  stopped: 'stop',
  end: 'stop',
  ended: 'stop',
  off: 'stop',
  inactive: 'stop',
  normal: 'stop',
  low: 'stop',
  false: 'stop',
  '0': 'stop',
  pulse: 'pulse',
};

/** Names under which an operator may write a value into query or message text. */
const KEYS = {
  name: ['event', 'type', 'eventtype', 'trigger', 'name'],
  phase: ['phase', 'state', 'status', 'action', 'active'],
  channel: ['channel', 'ch', 'camera'],
  input: ['input', 'di', 'port'],
  rule: ['rule', 'area', 'region', 'line', 'eventname'],
  target: ['target', 'object'],
  temperature: ['temperature', 'temp'],
  unit: ['unit'],
  time: ['time', 'date', 'datetime', 'timestamp'],
  description: ['description', 'message', 'text', 'desc'],
  preset: ['preset'],
} as const;

type Lookup = (key: keyof typeof KEYS) => string | undefined;

/**
 * Understands a push of any medium (PROTOCOLS §3.2): picture, system log, clip, or the operator's own text as JSON,
 * XML, form or lines. The event's name comes from the query, the message, or the path
 * (`<ingest path>/<event>[/<start|stop>]`). Throws `E_BAD_PUSH` (user) where there is neither name nor content, or
 * where the phase is a word that says nothing.
 */
export function understandCameraPush(
  request: Pick<PushRequest, 'method' | 'path' | 'headers' | 'body'>,
  setting: PushSetting,
): PushMeaning {
  if (!/^(?:POST|PUT|GET)$/i.test(request.method))
    throw userError('E_BAD_PUSH', `A camera pushes with POST; ${request.method.slice(0, 20)} is not taken here`);
  const target = splitPath(request.path);
  const body = readBody(request.headers, request.body);
  const lookup = createLookup(queryFields(target.query), body);
  const path = pathWords(target.path);
  const name = (lookup('name') ?? path.name ?? '').trim();
  if (/^test(?:ing)?(?:\s+server)?$/i.test(name)) return { kind: 'test' };
  const isEmpty = body.text.trim() === '' && body.pictures.length === 0 && body.others.length === 0;
  if (name === '' && isEmpty) {
    const fault = body.faults[0] ? `: ${body.faults[0].slice(0, 200)}` : '';
    throw userError(
      'E_BAD_PUSH',
      `The push names no event and holds nothing${fault}. Add the event's name to the path in the camera's server settings, e.g. …/motion`,
    );
  }
  const nature = name === '' ? { type: 'vendor:push' as const } : natureOf(name);
  const word = (lookup('phase') ?? path.phase)?.trim().toLowerCase();
  const phase =
    nature.phase ??
    (word === undefined || word === '' ? 'pulse' : Object.hasOwn(PHASES, word) ? PHASES[word] : undefined);
  // Neither a raise nor an end may be guessed.
  if (phase === undefined)
    throw userError(
      'E_BAD_PUSH',
      `"${word?.slice(0, 40)}" is neither start nor stop: correct the phase in the camera's server settings or message`,
    );
  const draft: EventDraft = {
    type: nature.type,
    vendorType: name === '' ? 'push' : name.slice(0, 200),
    phase,
    deviceTime: null,
    deviceAt: null,
    raw: `${request.method} ${withoutSecrets(request.path.slice(0, 500))}\n${readableBody(request.body)}`.slice(
      0,
      65_536,
    ),
  };
  if (nature.level) draft.level = nature.level;
  const input =
    nature.input ?? (nature.type === 'digital-input' ? /^\d{1,3}$/.exec(lookup('input') ?? '')?.[0] : undefined);
  if (input !== undefined) draft.input = input;
  const channel = wholeNumber(lookup('channel') ?? path.channel);
  if (channel !== undefined) draft.channel = channel;
  const rule = lookup('rule')?.slice(0, 200);
  if (rule) draft.rule = rule;
  const seen = lookup('target')?.toLowerCase();
  if (seen)
    draft.target = /^(?:human|person|people)/.test(seen)
      ? 'human'
      : /^(?:vehicle|car)/.test(seen)
        ? 'vehicle'
        : 'other';
  const temperature = temperatureOf(lookup);
  if (temperature) draft.temperature = temperature;
  if (phase !== 'stop') draft.quietMs = setting.quietMs;
  const description = lookup('description') ?? plainText(body);
  if (description) draft.description = description.slice(0, 500);
  const time = lookup('time')?.slice(0, 64);
  if (time) {
    draft.deviceTime = time;
    draft.deviceAt = parseDeviceTime(time, setting.timeZone, setting.now + (setting.offset ?? 0));
  }
  const pictures = body.pictures.slice(0, MOST_PICTURES).map(({ contentType, bytes, name: file }) => ({
    contentType,
    bytes,
    ...(file === undefined ? {} : { name: file }),
  }));
  return { kind: 'event', draft, pictures, ...judge(draft, setting) };
}

function judge(draft: EventDraft, { now, offset }: PushSetting): { late: boolean; clockSuspect: boolean } {
  if (draft.deviceAt === null) return { late: false, clockSuspect: draft.deviceTime !== null };
  const behind = now + (offset ?? 0) - draft.deviceAt;
  // A time without a zone proves nothing against a Date header: the zone may be set wrong.
  const zoned = /(?:[zZ]|[+-]\d{1,2}:?\d{2})$/.test(draft.deviceTime?.trim() ?? '');
  const late = offset !== null && zoned && behind > LATE_MS;
  return { late, clockSuspect: !late && Math.abs(behind) > LATE_MS };
}

/** `motion`, `2/motion/start`, `motion/stop`: words of the path by what they can be. */
function pathWords(parts: readonly string[]): { name?: string; phase?: string; channel?: string } {
  const rest = [...parts];
  const found: { name?: string; phase?: string; channel?: string } = {};
  const last = rest.at(-1)?.toLowerCase();
  // A lone number is a channel, not a phase.
  if (rest.length > 1 && last !== undefined && !/^\d+$/.test(last) && Object.hasOwn(PHASES, last))
    found.phase = rest.pop();
  const number = rest.findIndex((part) => /^(?:ch(?:annel)?)?\d{1,5}$/i.test(part));
  if (number >= 0) found.channel = rest.splice(number, 1)[0];
  const name = rest.at(-1);
  // Some firmware adds a file name of its own to the path.
  found.name = name !== undefined && /\.(?:jpe?g|txt|mp4|3gp|log)$/i.test(name) ? rest.at(-2) : name;
  return found;
}

function createLookup(query: PushBody['form'], body: PushBody): Lookup {
  const found = new Map<string, string>();
  const add = (name: string, value: string): void => {
    const key = name.toLowerCase().replace(/[^a-z]/g, '');
    if (value.trim() !== '' && !found.has(key)) found.set(key, value.trim());
  };
  for (const { name, value } of query) add(name, value);
  for (const document of body.json) flatten(document, add, 0);
  for (const root of body.xml) for (const element of [root, ...root.children]) add(element.name, element.text);
  for (const { name, value } of body.form) add(name, value);
  return (key) => {
    for (const name of KEYS[key]) {
      const value = found.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

function flatten(tree: PushBody['json'][number], add: (name: string, value: string) => void, depth: number): void {
  if (tree === null || typeof tree === 'string' || depth > 4) return;
  if (Array.isArray(tree)) {
    for (const item of tree.slice(0, 100)) flatten(item, add, depth + 1);
    return;
  }
  if (!(tree instanceof Map)) return;
  for (const [name, value] of tree) {
    if (typeof value === 'string') add(name, value);
    else flatten(value, add, depth + 1);
  }
}

const plainText = (body: PushBody): string =>
  body.json.length > 0 || body.xml.length > 0
    ? ''
    : body.text
        .replace(/[^\S ]+/g, ' ')
        .trim()
        .slice(0, 500);

function wholeNumber(text: string | undefined): number | undefined {
  const digits = /^\s*(?:ch(?:annel)?\s?)?0*(\d{1,5})\s*$/i.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function temperatureOf(lookup: Lookup): EventTemperature | undefined {
  const match = /^\s*([+-]?\d{1,5}(?:[.,]\d{1,6})?)\s{0,4}(.{0,12})$/.exec(lookup('temperature') ?? '');
  if (!match) return undefined;
  const temperature: EventTemperature = {
    unit: unitNamed(lookup('unit') ?? '') ?? unitNamed((match[2] ?? '').trim()) ?? 'celsius',
    value: Number((match[1] ?? '').replace(',', '.')),
  };
  const preset = wholeNumber(lookup('preset'));
  if (preset !== undefined) temperature.preset = preset;
  return temperature;
}
