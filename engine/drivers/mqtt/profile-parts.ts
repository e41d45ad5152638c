/** What the families of things have in common. */
import type { EventType } from '../../domain/events';
import { onOff, own, type Payload, spelled } from './payload';
import type { Sense, ThingOutput } from './thing';
import { lineError, type ThingLine } from './thing-lines';

/** On the line, or learned from a message of nobody's line. */
export const available = (payload: Payload, by: 'thing' | 'bridge' = 'thing'): Sense[] => {
  const told = own(payload.json(), 'state') ?? payload.text;
  const text = spelled(told);
  if (text === 'online' || text === 'true') return [{ kind: 'availability', by, online: true }];
  if (text === 'offline' || text === 'false') return [{ kind: 'availability', by, online: false }];
  return [];
};

type StateSense = Extract<Sense, { kind: 'state' }>;

export function state(
  of: 'input' | 'output',
  type: EventType,
  vendorType: string,
  value: unknown,
  edge = true,
): StateSense[] {
  const active = onOff(value);
  return active === null ? [] : [{ kind: 'state', of, type, vendorType, active, edge }];
}

export const inverted = (senses: Sense[], invert: boolean): Sense[] =>
  invert ? senses.map((s) => (s.kind === 'state' && s.of === 'input' ? { ...s, active: !s.active } : s)) : senses;

function pulseIn(line: ThingLine): number | null {
  const text = line.keys.pulse;
  if (text === undefined) return null;
  const seconds = /^\d{1,5}(\.\d)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 1 && seconds <= 60_000)) throw lineError(line.line, `pulse=${text}: give seconds from 1 to 60000`);
  return seconds * 1_000;
}

function switchKindIn(line: ThingLine): 'siren' | 'light' | null {
  const kind = line.keys.switch;
  if (kind === undefined || kind === 'siren' || kind === 'light') return kind ?? null;
  throw lineError(line.line, `switch=${kind}: give siren or light`);
}

/** What all outputs read of their line. */
export function outputOf(line: ThingLine, parts: Omit<ThingOutput, 'switchKind' | 'pulseMs'>): ThingOutput {
  const pulseMs = pulseIn(line);
  if (pulseMs !== null && (parts.longestTimerMs === null || pulseMs > parts.longestTimerMs))
    throw lineError(
      line.line,
      `pulse=: ${parts.longestTimerMs === null ? 'this thing has no timer' : `its timer takes at most ${parts.longestTimerMs / 1000} s`}`,
    );
  return { ...parts, pulseMs, switchKind: switchKindIn(line) };
}

export function noOutput(line: ThingLine): null {
  if (line.keys.pulse !== undefined || line.keys.switch !== undefined)
    throw lineError(line.line, 'pulse= and switch= are for things with an output');
  return null;
}

export const needsSomething = (line: ThingLine, keys: string): Error => lineError(line.line, `it needs ${keys}`);

export const refused = (reason: string): Sense[] => [{ kind: 'refusal', reason }];
