import type { EventDraft } from '../../domain/events';
import type { OpenConditions } from '../open-conditions';
import type { TrapTable } from './table';
import type { Trap } from './trap';

/** What a notification tells, by the operator's table; one that it does not name is `vendor:` and its OID. */
export function draftOf(
  trap: Trap,
  table: TrapTable,
  conditions: OpenConditions,
  source: string,
  at: number,
): EventDraft {
  const entry = table.find(trap.oid, trap.values);
  const rule = entry ? table.ruleOf(entry, trap.values) : undefined;
  const type = entry?.type ?? (`vendor:${trap.oid}` as const);
  const quietMs = entry?.quietMs ?? null;
  const phase = conditions.decide({ type, rule, quietMs: quietMs ?? undefined }, entry?.phase ?? 'pulse', at);
  const said = trap.values
    .slice(0, 3)
    .map((v) => v.text)
    .join(', ')
    .slice(0, 200);
  return {
    type,
    vendorType: trap.oid,
    phase,
    ...(entry?.level ? { level: entry.level } : {}),
    ...(rule === undefined ? {} : { rule }),
    ...(quietMs === null || entry?.phase !== 'start' ? {} : { quietMs }),
    description: entry?.text
      ? `${entry.text}${rule === undefined || entry.rule !== null ? '' : ` (${rule})`}`
      : said || trap.oid,
    deviceTime: null,
    deviceAt: null,
    raw: JSON.stringify({
      source,
      ...(trap.agent === null ? {} : { agent: trap.agent }),
      version: trap.version,
      inform: trap.inform,
      oid: trap.oid,
      values: Object.fromEntries(trap.values.map((v) => [v.oid, v.text])),
    }).slice(0, 64 * 1024),
  };
}
