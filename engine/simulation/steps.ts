/**
 * What happens to a site from outside, as people write it in event files and rule tests: an event of a device, or an
 * order of a person. One strict form for both.
 */
import { z } from 'zod';
import { armingWays } from '../domain/arming';
import type { DeviceEvent, EventType } from '../domain/events';
import { knownEventTypes } from '../domain/events';
import type { AuditRow } from '../domain/record';
import { parseSpan } from './times';

const text = z.string().trim().min(1).max(200);
/** Numbers are what people write for rules and inputs; devices call them by text. */
const numeral = z.union([text, z.number().int()]).transform(String);
export const spanType = z.string().transform((value, context) => {
  const span = parseSpan(value);
  if (span === null)
    context.addIssue({ code: 'custom', message: `"${value}" is no span of time: write "40 s", "2 min" or "250 ms"` });
  return span ?? 0;
});
const eventType = z
  .string()
  .refine(
    (type): type is EventType => type.startsWith('vendor:') || (knownEventTypes as readonly string[]).includes(type),
    {
      error: ({ input }) =>
        `"${String(input)}" is no event type: it is one of ${knownEventTypes.join(', ')}, or vendor:…`,
    },
  );

export const eventSchema = z.strictObject({
  device: text,
  type: eventType,
  phase: z.enum(['start', 'refresh', 'stop', 'pulse', 'snapshot']).default('start'),
  level: z.enum(['pre-alarm', 'alarm']).optional(),
  channel: z.number().int().min(0).max(65_535).optional(),
  input: numeral.optional(),
  sender: z.string().min(1).max(253).optional(),
  output: numeral.optional(),
  rule: numeral.optional(),
  objectId: numeral.optional(),
  target: z.enum(['human', 'vehicle', 'other']).optional(),
  direction: z.enum(['a-to-b', 'b-to-a', 'both']).optional(),
  temperature: z
    .union([
      z.number().transform((value) => ({ unit: 'celsius' as const, value })),
      z.strictObject({
        unit: z.enum(['celsius', 'fahrenheit', 'kelvin']).default('celsius'),
        value: z.number().optional(),
        threshold: z.number().optional(),
        ruleType: z.string().max(200).optional(),
        calibration: z.enum(['point', 'line', 'region']).optional(),
        preset: z.number().int().optional(),
      }),
    ])
    .optional(),
  /** The source may never send an end: over after this quiet time. */
  quiet: spanType.optional(),
  late: z.boolean().default(false),
  description: z.string().max(1_000).optional(),
});
export type EventStep = z.output<typeof eventSchema>;

/** What people order. Exactly one of these a step. */
export const orderFields = {
  /** `site`, or the name of an area, a trigger or a device. */
  arm: text.optional(),
  disarm: text.optional(),
  /** With `arm`: what becomes of what is open. */
  how: z.enum(armingWays).optional(),
  /** Live alarms of a trigger, or `all`. */
  acknowledge: text.optional(),
  reset: text.optional(),
  /** An area, a trigger or a device; without `for`: until its alarm has ended once. */
  shelve: text.optional(),
  unshelve: text.optional(),
  for: spanType.optional(),
  /** An output; with `mode`. */
  output: text.optional(),
  mode: z.enum(['auto', 'on', 'off']).optional(),
  /** Drops all leases. */
  resetOutputs: z.literal(true).optional(),
  /** A message into any node of the flow. */
  send: z
    .strictObject({ node: text, payload: z.unknown().optional(), topic: z.string().max(512).optional() })
    .optional(),
};
const orderKinds = [
  'arm',
  'disarm',
  'acknowledge',
  'reset',
  'shelve',
  'unshelve',
  'output',
  'resetOutputs',
  'send',
] as const;

export type Order =
  | { kind: 'arm' | 'disarm'; subject: string; how: 'normal' | 'force' | 'bypass' }
  | { kind: 'acknowledge' | 'reset' | 'unshelve'; subject: string }
  | { kind: 'shelve'; subject: string; forMs: number | null }
  | { kind: 'output'; subject: string; mode: 'auto' | 'on' | 'off' }
  | { kind: 'reset-outputs' }
  | { kind: 'send'; node: string; payload: unknown; topic: string | undefined };

type OrderInput = z.output<z.ZodObject<typeof orderFields>>;

/** The one order of a step, or what is wrong with it as a sentence. */
export function orderOf(step: OrderInput): Order | string {
  const given = orderKinds.filter((kind) => step[kind] !== undefined);
  if (given.length !== 1)
    return given.length === 0
      ? `it says neither what happened (event) nor what somebody ordered (${orderKinds.join(', ')})`
      : `it gives several orders at once (${given.join(', ')}): write a step for each`;
  const kind = given[0]!;
  if (step.for !== undefined && kind !== 'shelve') return '"for" belongs to "shelve" only';
  if (step.how !== undefined && kind !== 'arm') return '"how" belongs to "arm" only';
  if (step.mode !== undefined && kind !== 'output') return '"mode" belongs to "output" only';
  switch (kind) {
    case 'arm':
    case 'disarm':
      return { kind, subject: step[kind]!, how: step.how ?? 'normal' };
    case 'shelve':
      return { kind, subject: step.shelve!, forMs: step.for ?? null };
    case 'output':
      return step.mode === undefined
        ? '"output" needs "mode": auto, on or off'
        : { kind, subject: step.output!, mode: step.mode };
    case 'resetOutputs':
      return { kind: 'reset-outputs' };
    case 'send':
      return { kind, node: step.send!.node, payload: step.send!.payload, topic: step.send!.topic };
    default:
      return { kind, subject: step[kind]! };
  }
}

/** One thing that happens, at one moment. */
export type SimulationInput = { at: number; line: number | null } & (
  | { kind: 'event'; step: EventStep }
  /** An event as the record or a driver had it: taken as it is; an empty id is filled in. */
  | { kind: 'recorded'; event: DeviceEvent }
  | { kind: 'order'; order: Order }
  /** An order as the audit trail has it. */
  | { kind: 'replayed'; row: AuditRow }
);

export function eventOf(step: EventStep, deviceId: string, id: string, at: number): DeviceEvent {
  const { device: _device, quiet, ...rest } = step;
  return {
    ...rest,
    ...(quiet === undefined ? {} : { quietMs: quiet }),
    id,
    deviceId,
    vendorType: step.type,
    deviceTime: null,
    deviceAt: null,
    receivedAt: at,
    clockSuspect: false,
    pictures: [],
    raw: '',
  };
}

/** All that zod found, in one sentence. */
export const issuesText = (error: z.ZodError, most = 5): string =>
  error.issues
    .slice(0, most)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
