import { type EventLevel, type EventType, knownEventTypes } from '../../domain/events';
import { linesOf, optionError } from '../driver-options';
import type { TrapValue } from './trap';

/** What one line of the operator's table says. */
export interface TableEntry {
  oid: string;
  prefix: boolean;
  type: EventType;
  phase: 'start' | 'stop' | 'pulse';
  level: EventLevel | null;
  keys: { oid: string; index: boolean }[];
  rule: string | null;
  when: { oid: string; value: string; prefix: boolean }[];
  quietMs: number | null;
  text: string;
}

export interface TrapTable {
  /** The entry for a notification with these values, or null: exact before prefix, long prefix before short. */
  find(oid: string, values: readonly TrapValue[]): TableEntry | null;
  /** Names what tells this condition from others of its type; undefined: nothing does. */
  ruleOf(entry: TableEntry, values: readonly TrapValue[]): string | undefined;
  types: EventType[];
}

const MOST_LINES = 2_000;
const OID = /^\d+(\.\d+){1,127}$/;

/**
 * Cards that derive their notifications from version 1 put a 0 before the last number (RFC 3584 §3.1); others leave it
 * out, or have two: all are the same notification.
 */
export const sameForm = (oid: string): string => oid.replace(/(?:\.0){1,2}(\.\d+)$/, '$1');

/** Reads the operator's table. Throws `E_DEVICE_OPTIONS` (user) that names the line. */
export function readTable(text: string): TrapTable {
  const lines = linesOf(text);
  if (lines.length > MOST_LINES) throw optionError('SNMP traps', 'Table', `give at most ${MOST_LINES} lines`);
  const exact = new Map<string, TableEntry[]>();
  const prefixes: TableEntry[] = [];
  const types = new Set<EventType>();
  for (const { line, number } of lines) {
    const entry = readEntry(line, number);
    types.add(entry.type);
    if (entry.prefix) prefixes.push(entry);
    else exact.set(sameForm(entry.oid), [...(exact.get(sameForm(entry.oid)) ?? []), entry]);
  }
  prefixes.sort((a, b) => b.oid.length - a.oid.length);
  return {
    types: [...types],
    find(oid, values) {
      const fits = (entry: TableEntry): boolean => entry.when.every((condition) => holds(condition, values));
      const candidates = [
        ...(exact.get(sameForm(oid)) ?? []),
        ...prefixes.filter((entry) => isUnder(oid, entry.oid) || isUnder(sameForm(oid), entry.oid)),
      ];
      return candidates.find(fits) ?? null;
    },
    ruleOf(entry, values) {
      if (entry.rule !== null) return entry.rule;
      for (const { oid, index } of entry.keys) {
        const value = values.find((v) => isUnder(v.oid, oid));
        if (value) return (index ? value.oid.slice(oid.length + 1) : value.text).slice(0, 200);
      }
      return undefined;
    },
  };
}

const isUnder = (oid: string, prefix: string): boolean => oid === prefix || oid.startsWith(`${prefix}.`);

const holds = ({ oid, value, prefix }: TableEntry['when'][number], values: readonly TrapValue[]): boolean =>
  values.some((v) => isUnder(v.oid, oid) && (prefix ? isUnder(v.text, value) : v.text === value));

function readEntry(line: string, number: number): TableEntry {
  const wrong = (reason: string): Error => optionError('SNMP traps', 'Table', `line ${number}: ${reason}`);
  const quote = line.indexOf('"');
  const text =
    quote < 0
      ? ''
      : line
          .slice(quote + 1)
          .replace(/"\s*$/, '')
          .trim();
  const words = (quote < 0 ? line : line.slice(0, quote)).trim().split(/\s+/);
  const [pattern = '', typeName = '', phase = '', ...settings] = words;
  const prefix = pattern.endsWith('.*');
  const oid = pattern.replace(/\.\*$/, '').replace(/^\./, '');
  if (!OID.test(oid)) throw wrong(`"${pattern}" is no OID in numbers, e.g. 1.3.6.1.4.1.318.0.5 or 1.3.6.1.4.1.318.*`);
  const known = knownEventTypes.find((t) => t === typeName);
  const type = known ?? (/^vendor:[\w.-]{1,60}$/.test(typeName) ? (typeName as `vendor:${string}`) : null);
  if (!type) throw wrong(`"${typeName}" is no type of event: give one of the list, or vendor: and a name`);
  if (phase !== 'start' && phase !== 'stop' && phase !== 'pulse')
    throw wrong(`"${phase}": give start, stop or pulse behind the type`);
  const entry: TableEntry = {
    oid,
    prefix,
    type,
    phase,
    level: null,
    keys: [],
    rule: null,
    when: [],
    quietMs: null,
    text: text.slice(0, 200),
  };
  for (const setting of settings) {
    const cut = setting.indexOf('=');
    const value = setting.slice(cut + 1);
    switch (cut < 0 ? '' : setting.slice(0, cut)) {
      case 'key':
        entry.keys = value.split(',').map((key) => {
          const bare = key.replace(/^#/, '').replace(/^\./, '');
          if (!OID.test(bare)) throw wrong(`key=${key}: "${bare}" is no OID`);
          return { oid: bare, index: key.startsWith('#') };
        });
        break;
      case 'rule':
        entry.rule = value.slice(0, 100);
        break;
      case 'when': {
        const [place = '', ...rest] = value.split('=');
        const wanted = rest.join('=');
        const bare = place.replace(/^\./, '');
        if (!OID.test(bare) || wanted === '') throw wrong(`when=${value}: give when=OID=value`);
        entry.when.push({ oid: bare, value: wanted.replace(/\.\*$/, ''), prefix: wanted.endsWith('.*') });
        break;
      }
      case 'quiet': {
        const seconds = /^\d{1,5}$/.test(value) ? Number(value) : 0;
        if (seconds < 1) throw wrong(`quiet=${value}: give whole seconds from 1 to 99999`);
        entry.quietMs = seconds * 1_000;
        break;
      }
      case 'level':
        if (value !== 'alarm' && value !== 'pre-alarm') throw wrong(`level=${value}: give alarm or pre-alarm`);
        entry.level = value;
        break;
      default:
        throw wrong(`"${setting}" is no setting; there are: key= rule= when= quiet= level=, and a text in quotes`);
    }
  }
  if (entry.rule !== null && entry.keys.length > 0) throw wrong('give key= or rule=, not both');
  return entry;
}
