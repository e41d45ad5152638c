import type { AlarmKeyPart } from '../domain/alarms';
import { conditionType, type DeviceEvent } from '../domain/events';

/** The fields of an event that a key may be made of. */
export type KeyedEvent = Pick<
  DeviceEvent,
  'deviceId' | 'type' | 'channel' | 'input' | 'rule' | 'target' | 'objectId' | 'condition'
>;

/** One order for all, so that the order in a dialog cannot split one alarm in two. */
const canonicalOrder: readonly AlarmKeyPart[] = ['device', 'channel', 'input', 'type', 'rule', 'target', 'object'];

function partOf(part: AlarmKeyPart, event: KeyedEvent): string | undefined {
  switch (part) {
    case 'device':
      return event.deviceId;
    case 'channel':
      return event.channel === undefined ? undefined : String(event.channel);
    case 'input':
      return event.input;
    case 'type':
      return conditionType(event.type);
    case 'rule':
      return event.rule;
    case 'target':
      return event.target;
    case 'object':
      return event.objectId;
  }
}

/** Only the two separators and the escape sign itself need to go; the rest stays readable. */
const escaped = (value: string): string => value.replace(/[%;=]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);

/**
 * What tells one alarm of a trigger from its others, as canonical text: `device=cam1;channel=2;type=temperature-alarm`.
 * Pre-alarm and alarm of one rule share a key, because they are one condition (REQUIREMENTS T1). A part that the
 * event does not have is left out.
 */
export function alarmKey(parts: readonly AlarmKeyPart[], event: KeyedEvent): string {
  let key = '';
  for (const part of canonicalOrder) {
    if (!isAsked(parts, part, event)) continue;
    const value = partOf(part, event);
    if (value === undefined) continue;
    if (key !== '') key += ';';
    key += `${part}=${escaped(value)}`;
    // A condition beside the usual one of its type ends by itself (PROTOCOLS §0.5): so does its alarm.
    if (part === 'type' && event.condition !== undefined) key += `;condition=${escaped(event.condition)}`;
  }
  return key;
}

/** Without an object's id (M9), its rule and target are the nearest thing to one. */
const isAsked = (parts: readonly AlarmKeyPart[], part: AlarmKeyPart, event: KeyedEvent): boolean =>
  parts.includes(part) ||
  ((part === 'rule' || part === 'target') && parts.includes('object') && event.objectId === undefined);

/** The parts of a key with their values, as the event had them. */
export const keyParts = (key: string): [part: string, value: string][] =>
  key.split(';').flatMap((piece) => {
    const cut = piece.indexOf('=');
    if (cut <= 0) return [];
    const value = piece
      .slice(cut + 1)
      .replace(/%([0-9a-f]{2})/g, (_all, sign: string) => String.fromCharCode(Number.parseInt(sign, 16)));
    return [[piece.slice(0, cut), value]];
  });

/** Whether the event has every part, so that its key names one alarm and no other. */
export const hasWholeKey = (parts: readonly AlarmKeyPart[], event: KeyedEvent): boolean =>
  parts.every((part) => partOf(part, event) !== undefined);

/**
 * Whether a key belongs to the event as far as the event says: a stop without a rule number closes the alarms of
 * every rule on that channel (PROTOCOLS §0.5).
 */
export function keyAgrees(key: string, parts: readonly AlarmKeyPart[], event: KeyedEvent): boolean {
  const present = new Map<string, string>();
  for (const piece of key.split(';')) {
    const cut = piece.indexOf('=');
    if (cut > 0) present.set(piece.slice(0, cut), piece.slice(cut + 1));
  }
  const condition = event.condition === undefined ? undefined : escaped(event.condition);
  if (parts.includes('type') && present.get('condition') !== condition) return false;
  return canonicalOrder.every((part) => {
    const value = isAsked(parts, part, event) ? partOf(part, event) : undefined;
    if (value === undefined) return true;
    const known = present.get(part);
    // A key made of an object has no rule and no target; one made without has no object.
    return known === undefined ? !parts.includes(part) || part === 'object' : known === escaped(value);
  });
}
