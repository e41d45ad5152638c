import type { ActionRow, ActionStatus } from '../../engine/domain/actions';
import { finalActionStatuses } from '../../engine/domain/actions';
import type { ActionRecord } from '../../engine/domain/record';

/** An ActionRecord without a disk, which counts outcomes and can be made to fail. */
export interface MemoryRecord extends ActionRecord {
  rows: Map<string, ActionRow>;
  /** Outcomes written per key: more than one would be a broken promise. */
  outcomes: Map<string, ActionStatus[]>;
  /** Keys in the order in which they were claimed. */
  claims: string[];
  /** Thrown by the next settle calls, one each. */
  settleFailures: unknown[];
  keep(...rows: ActionRow[]): void;
}

export function createMemoryRecord(): MemoryRecord {
  const rows = new Map<string, ActionRow>();
  const outcomes = new Map<string, ActionStatus[]>();
  const claims: string[] = [];
  const settleFailures: unknown[] = [];
  const unclaimed = new Set<string>();
  const isFinal = (row: ActionRow): boolean => finalActionStatuses.includes(row.status);
  return {
    rows,
    outcomes,
    claims,
    settleFailures,
    keep(...added) {
      for (const row of added) {
        if (rows.has(row.key)) continue;
        rows.set(row.key, { ...row });
        unclaimed.add(row.key);
      }
    },
    takeNewAction: (key) => unclaimed.delete(key),
    async claimAction(key) {
      claims.push(key);
      unclaimed.delete(key);
      const row = rows.get(key);
      if (!row || isFinal(row)) return null;
      row.status = 'running';
      row.attempts++;
      return { ...row };
    },
    async settleAction(key, outcome) {
      if (settleFailures.length > 0) throw settleFailures.shift();
      const row = rows.get(key);
      if (!row || isFinal(row)) return;
      Object.assign(row, outcome, { attempts: Math.max(row.attempts, outcome.attempts ?? 0) });
      if (isFinal(row)) outcomes.set(key, [...(outcomes.get(key) ?? []), outcome.status]);
    },
    async openActions(limit) {
      const open: ActionRow[] = [];
      for (const row of rows.values()) {
        if (!isFinal(row)) open.push({ ...row });
        if (open.length === limit) break;
      }
      return open;
    },
    async requeueAction(key, deadlineAt) {
      const row = rows.get(key);
      if (!row || (row.status !== 'failed' && row.status !== 'expired')) return null;
      Object.assign(row, { status: 'queued', deadlineAt, finishedAt: null, errorCode: null });
      return { ...row };
    },
  };
}
