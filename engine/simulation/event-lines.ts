/**
 * Event files: JSON, one event or order a line. A line is one of
 * - `{"at": …, "device": …, "type": …, …}` or `{"at": …, "event": {…}}`: an event as a person writes it;
 * - `{"at": …, "disarm": "site"}` and the other orders of `steps.ts`;
 * - `{"event": {…}, "decisions": […]}`: what `alarmflow events --json` prints;
 * - `{"kind": "event", "event": {…}}`: what `alarmflow decode` prints; its other lines are passed over.
 */
import { z } from 'zod';
import { userError } from '../domain/errors';
import type { DeviceEvent, EventDraft } from '../domain/events';
import { eventSchema, issuesText, orderFields, orderOf, type SimulationInput } from './steps';
import { readMoment } from './times';

export interface EventLineOptions {
  /** What spans count from; null: the first line names a date. */
  start: number | null;
  /** Device of events that name none: those of `alarmflow decode`. */
  device: string | null;
  /** How the file is called in messages. */
  source: string;
}

const LONGEST_LINE = 1_000_000;
/** What a site records in order may have been received a little out of order. */
const DISORDER_MS = 60_000;

const atType = z.union([z.string().min(1).max(100), z.number().int()]);
const orderLine = z.strictObject({ at: atType, ...orderFields });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isRecorded(value: unknown): value is DeviceEvent {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.deviceId === 'string' &&
    typeof value.type === 'string' &&
    typeof value.phase === 'string' &&
    typeof value.receivedAt === 'number' &&
    Number.isFinite(value.receivedAt)
  );
}

const isDraft = (value: unknown): value is EventDraft =>
  isObject(value) && typeof value.type === 'string' && typeof value.phase === 'string' && 'vendorType' in value;

/**
 * An event of a record. Parts that an older record leaves out are filled in; the payload is dropped, for nobody looks at
 * it. The event is taken over: it must be nobody else's.
 */
export function recordedInput(event: DeviceEvent, line: number | null): SimulationInput {
  event.vendorType ??= event.type;
  event.deviceTime ??= null;
  event.deviceAt ??= null;
  event.clockSuspect ??= false;
  event.late ??= false;
  event.pictures ??= [];
  event.raw = '';
  return { kind: 'recorded', at: event.receivedAt, line, event };
}

/**
 * Reads the lines in their order.
 *
 * @throws E_EVENT_LINE (user) that names the line
 */
export async function* readEventLines(
  lines: AsyncIterable<string> | Iterable<string>,
  options: EventLineOptions,
): AsyncGenerator<SimulationInput> {
  const { source } = options;
  let start = options.start;
  let before: number | null = null;
  let number = 0;
  const refuse = (why: string): never => {
    throw userError('E_EVENT_LINE', `${source}, line ${number}: ${why}`);
  };

  const read = (value: Record<string, unknown>): SimulationInput | null => {
    const moment = (at: string | number): number => readMoment(at, { start, before });
    if (isRecorded(value.event)) return recordedInput(value.event, number);
    if (isRecorded(value)) return recordedInput(value, number);
    if (typeof value.kind === 'string' && !('at' in value && 'device' in value)) {
      if (value.kind !== 'event' || !isDraft(value.event)) return null;
      return draft(value.event, value.at);
    }
    const { event: nested, ...rest } = value;
    const flat = nested === undefined && ('type' in value || 'device' in value);
    if (nested !== undefined || flat) {
      const { at, ...fields } = flat ? rest : { ...rest, ...(isObject(nested) ? nested : { event: nested }) };
      const when = atType.safeParse(at);
      if (!when.success) return refuse('it needs "at": a date, milliseconds, or a span like "+5 s"');
      const parsed = eventSchema.safeParse(fields);
      if (!parsed.success) return refuse(issuesText(parsed.error));
      return { kind: 'event', at: moment(when.data), line: number, step: parsed.data };
    }
    const parsed = orderLine.safeParse(value);
    if (!parsed.success) return refuse(issuesText(parsed.error));
    const order = orderOf(parsed.data);
    if (typeof order === 'string') return refuse(order);
    return { kind: 'order', at: moment(parsed.data.at), line: number, order };
  };

  const draft = (event: EventDraft, at: unknown): SimulationInput => {
    if (options.device === null)
      return refuse('it comes from "alarmflow decode", which knows no device: name the one that sent it with --device');
    const { picturesAnnounced: _announced, ...rest } = event;
    const when =
      typeof at === 'string' || typeof at === 'number'
        ? readMoment(at, { start, before })
        : (event.deviceAt ?? before ?? start);
    if (when === null) return refuse('it has no time: give a start with --start');
    // A capture tells nothing of delays on the way.
    const receivedAt = Math.max(when, before ?? when);
    const recorded: DeviceEvent = {
      ...rest,
      id: '',
      deviceId: options.device,
      receivedAt,
      late: false,
      clockSuspect: false,
      pictures: [],
      raw: '',
    };
    return { kind: 'recorded', at: receivedAt, line: number, event: recorded };
  };

  for await (const text of lines) {
    number++;
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    if (trimmed.length > LONGEST_LINE) refuse(`it is longer than ${LONGEST_LINE} characters`);
    let value: unknown;
    try {
      value = JSON.parse(number === 1 ? trimmed.replace(/^\uFEFF/, '') : trimmed);
    } catch (error) {
      refuse(`it is no valid JSON (${(error as Error).message.slice(0, 120)}): write one object a line`);
    }
    if (!isObject(value)) refuse('it is no JSON object');
    let input: SimulationInput | null = null;
    try {
      input = read(value as Record<string, unknown>);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code !== 'E_EVENT_LINE') refuse(error.message);
      throw error;
    }
    if (input === null) continue;
    if (!Number.isFinite(input.at) || Math.abs(input.at) > 8.64e15) refuse('its time is out of range');
    const early = before === null ? 0 : before - input.at;
    if (early > (input.kind === 'recorded' ? DISORDER_MS : 0))
      refuse(`it happens before the line above it: write the lines in the order of their times`);
    start ??= input.at;
    before = Math.max(before ?? input.at, input.at);
    yield input;
  }
}
