import type { EventDraft } from '../../domain/events';
import type { OpenConditions } from '../open-conditions';
import type { TableEntry, TrapTable } from './table';
import type { Trap } from './trap';

/**
 * What a notification tells, by the operator's table; one that it does not name is `vendor:` and its OID. An end that
 * names no condition ends all of its type, one by one.
 *
 * @param address of whom it is
 * @param sender which of several it is of: each has conditions of its own; null: there is but one
 */
export function draftsOf(
  trap: Trap,
  table: TrapTable,
  conditions: OpenConditions,
  source: string,
  sender: string | null,
  at: number,
  address = source,
): EventDraft[] {
  const entry = table.find(trap.oid, trap.values);
  const type = entry?.type ?? (`vendor:${trap.oid}` as const);
  const input = sender ?? undefined;
  const told = entry ? table.ruleOf(entry, trap.values) : undefined;
  const all = entry?.phase === 'stop' && told === undefined ? conditions.rulesAt({ type, input }) : [];
  const quietMs = entry?.quietMs ?? null;
  return (all.length > 0 ? all : [told]).map((rule) => ({
    type,
    vendorType: trap.oid,
    phase: conditions.decide({ type, input, rule, quietMs: quietMs ?? undefined }, entry?.phase ?? 'pulse', at),
    ...(input === undefined ? {} : { input }),
    sender: address,
    ...(entry?.level ? { level: entry.level } : {}),
    // Each interface, port or battery begins and ends by itself: the end of one is not that of another (PROTOCOLS §5).
    ...(rule === undefined ? {} : { rule, condition: rule }),
    ...(quietMs === null || entry?.phase !== 'start' ? {} : { quietMs }),
    description: `${input === undefined ? '' : `${input}: `}${wordsOf(trap, entry, rule)}`,
    deviceTime: null,
    deviceAt: null,
    raw: rawOf(trap, source),
  }));
}

function wordsOf(trap: Trap, entry: TableEntry | null, rule: string | undefined): string {
  if (entry?.text) return `${entry.text}${rule === undefined || entry.rule !== null ? '' : ` (${rule})`}`;
  const said = trap.values
    .slice(0, 3)
    .map((v) => v.text)
    .join(', ')
    .slice(0, 200);
  return said || trap.oid;
}

const rawOf = (trap: Trap, source: string): string =>
  JSON.stringify({
    source,
    ...(trap.agent === null ? {} : { agent: trap.agent }),
    version: trap.version,
    inform: trap.inform,
    oid: trap.oid,
    values: Object.fromEntries(trap.values.map((v) => [v.oid, v.text])),
  }).slice(0, 64 * 1024);
