/**
 * Health mails (REQUIREMENTS L4): a mail at regular times that says that the site lives, also when nothing happens.
 * Each mail server may have one. The mail's row, when the next is due and its timer reach the disk together, so that a
 * restart neither doubles nor loses one; what fell due while the process was away is sent once.
 */
import type { Clock } from '../clock/clock';
import { type ActionRow, untried } from '../domain/actions';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { HealthReport, MailServer } from '../domain/mail';
import {
  addWrites,
  type Change,
  emptyChange,
  type RecordWriter,
  type StandingRow,
  type TimerRow,
} from '../domain/record';
import type { DurableTimers } from '../domain/timers';

export const HEALTH_KIND = 'health-mail';

interface Kept {
  serverId: string;
  everyMs: number;
  /** Wall milliseconds. */
  nextAt: number;
  /** Beginning of the period that the next one tells of. */
  since: number;
  /** How often the wall clock was set back: a moment that comes again is another one. */
  turn: number;
}

export interface HealthMails {
  /**
   * Takes up what the last run has left.
   * @param setBackMs by how much the wall clock was set back while the process was away
   */
  resume(rows: readonly StandingRow[], setBackMs?: number): void;
  /** The mail servers are defined: sets, moves and removes the times of their health mails. */
  flowsStarted(): Promise<void>;
}

const idOf = (serverId: string): string => `${HEALTH_KIND}:${serverId}`;

export function createHealthMails(parts: {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  mailServers(): MailServer[];
  report(since: number, everyMs: number): Promise<HealthReport>;
  /** Has a row that is on disk carried out. */
  submit(row: ActionRow): Promise<void>;
}): HealthMails {
  const { clock, log, timers, writer } = parts;
  const all = new Map<string, Kept>();
  /** Those whose times are others than on disk, because the wall clock was set back while the process was away. */
  const moved = new Set<string>();

  const timerOf = (kept: Kept): TimerRow => ({
    id: idOf(kept.serverId),
    kind: HEALTH_KIND,
    at: kept.nextAt,
    payload: { serverId: kept.serverId },
  });

  function keep(kept: Kept, change: Change): void {
    all.set(kept.serverId, kept);
    addWrites(change, 'standing', {
      id: idOf(kept.serverId),
      kind: HEALTH_KIND,
      doc: { version: 1, ...kept },
    });
    const timer = timerOf(kept);
    addWrites(change, 'timers', timer);
    change.afterCommit.push(() => timers.arm(timer));
  }

  function forget(serverId: string, change: Change): void {
    const id = idOf(serverId);
    all.delete(serverId);
    addWrites(change, 'standingDeleted', id);
    addWrites(change, 'timersDeleted', id);
    change.afterCommit.push(() => timers.disarm(id));
  }

  async function commit(change: Change): Promise<void> {
    if (Object.keys(change.writes).length === 0) return;
    await writer.commit(change.writes);
    for (const follow of change.afterCommit) follow();
  }

  const healthOf = (serverId: string): { server: MailServer; health: NonNullable<MailServer['health']> } | null => {
    const server = parts.mailServers().find(({ id }) => id === serverId);
    return server?.health ? { server, health: server.health } : null;
  };

  function rowOf(kept: Kept, server: MailServer, to: string[], report: HealthReport): ActionRow {
    const now = clock.now();
    return {
      // The moment at which it was due: two tries for one moment are one mail.
      key: `health:${kept.serverId}:${kept.nextAt}${kept.turn === 0 ? '' : `:${kept.turn}`}`,
      alarmId: null,
      nodeId: kept.serverId,
      nodeName: `Health mail of ${server.name || server.host}`,
      kind: 'email',
      phase: 'message',
      deviceId: null,
      params: { serverId: kept.serverId, to, phases: [], subject: '', text: '', picture: 'none', health: report },
      alarm: null,
      requestedAt: now,
      // The next one says more than this one late.
      deadlineAt: now + kept.everyMs,
      ...untried,
    };
  }

  async function due(timer: TimerRow): Promise<void> {
    const serverId = String(timer.payload.serverId);
    const kept = all.get(serverId);
    const wanted = healthOf(serverId);
    if (!kept || !wanted) {
      const change = emptyChange();
      forget(serverId, change);
      return commit(change);
    }
    const { server, health } = wanted;
    const report = await parts.report(kept.since, health.everyMs);
    const now = clock.now();
    const row = rowOf(kept, server, health.to, report);
    // After a pause the rhythm begins anew; what was missed in it is told by one mail.
    const next = kept.nextAt + health.everyMs;
    const change = emptyChange();
    const { everyMs } = health;
    keep({ ...kept, everyMs, nextAt: next > now ? next : now + everyMs, since: now }, change);
    addWrites(change, 'actions', row);
    try {
      await commit(change);
    } catch (thrown) {
      all.set(serverId, kept);
      throw thrown;
    }
    await parts.submit(row);
  }
  timers.onDue(HEALTH_KIND, due);

  timers.onWallSet?.((byMs) => {
    const change = emptyChange();
    for (const kept of [...all.values()])
      keep(
        { ...kept, nextAt: kept.nextAt + byMs, since: kept.since + byMs, turn: kept.turn + (byMs < 0 ? 1 : 0) },
        change,
      );
    commit(change).catch((thrown: unknown) => {
      log.warn('mail.health-not-moved', { byMs, error: asAlarmflowError(thrown).message });
    });
  });

  return {
    resume(rows, setBackMs = 0) {
      for (const { id, kind, doc } of rows) {
        if (kind !== HEALTH_KIND) continue;
        const stored = doc as (Partial<Kept> & { version?: number }) | null;
        // What an earlier version kept has no turn.
        const { serverId, everyMs, nextAt, since, turn = 0 } = stored ?? {};
        if (stored?.version !== 1 || !serverId || !everyMs || nextAt === undefined || since === undefined) {
          log.warn('mail.health-unknown', { id });
          continue;
        }
        const at = Math.min(nextAt - setBackMs, clock.now() + everyMs);
        if (at !== nextAt) moved.add(serverId);
        all.set(serverId, {
          serverId,
          everyMs,
          nextAt: at,
          since: Math.min(since, clock.now()),
          turn: at === nextAt ? turn : turn + 1,
        });
      }
    },

    async flowsStarted() {
      const change = emptyChange();
      const now = clock.now();
      for (const { id, health } of parts.mailServers()) {
        if (!health) continue;
        const kept = all.get(id);
        const { everyMs } = health;
        if (!kept) keep({ serverId: id, everyMs, nextAt: now + everyMs, since: now, turn: 0 }, change);
        else if (kept.everyMs !== everyMs)
          keep({ ...kept, everyMs, nextAt: Math.max(now, kept.since + everyMs) }, change);
        else if (moved.has(id)) keep(kept, change);
      }
      moved.clear();
      for (const serverId of [...all.keys()]) if (!healthOf(serverId)) forget(serverId, change);
      await commit(change);
    },
  };
}
