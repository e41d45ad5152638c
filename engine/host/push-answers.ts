/** What stands on people's phones for an alarm goes when somebody has acknowledged it, as it does at its clear. */
import type { Clock } from '../clock/clock';
import { type ActionRow, untried } from '../domain/actions';
import type { Alarm } from '../domain/alarms';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { RecordWrites } from '../domain/record';

const DEADLINE_MS = 15 * 60_000;
/** Actions of one alarm that are looked through, the newest first. */
const MOST_ROWS = 500;

export interface PushAnswersOptions {
  record: {
    action(key: string): Promise<ActionRow | null>;
    actions(query: { alarmId: string; limit: number }): Promise<ActionRow[]>;
    commit(writes: RecordWrites): Promise<unknown>;
  };
  /** Has rows that are on disk carried out; before the site is live they wait there. */
  submit(rows: ActionRow[]): Promise<void>;
  clock: Clock;
  log: Log;
}

export interface PushAnswers {
  /** An alarm is another than it was. */
  alarmChanged(alarm: Alarm): void;
  /** Takes up what a crash has left between an acknowledgement and this. Once, before the actions start. */
  start(live: readonly Alarm[]): Promise<void>;
}

const isLast = ({ phase }: ActionRow): boolean => phase === 'clear' || phase === 'end';

/**
 * Pure: the newest notification of each node that stands for the alarm. What was skipped was never sent (a dry run, a
 * phase that is not asked for); what has been closed by its clear is gone already.
 */
export function standingOf(rows: readonly ActionRow[]): ActionRow[] {
  const newest = new Map<string, ActionRow>();
  for (const row of [...rows].sort((a, b) => a.requestedAt - b.requestedAt))
    if (row.kind === 'web-push' && row.status !== 'skipped' && row.params.answered === undefined)
      newest.set(row.nodeId, row);
  return [...newest.values()].filter((row) => !isLast(row));
}

export function createPushAnswers(options: PushAnswersOptions): PushAnswers {
  const { record, clock, log } = options;
  /** By alarm: the acknowledgement that was seen to. */
  const seen = new Map<string, number>();

  function closing(row: ActionRow, alarm: Alarm, at: number): ActionRow {
    const { heldBack: _told, ...params } = row.params;
    return {
      ...row,
      ...untried,
      // Stable: however often it is asked for, each browser is told once.
      key: `${alarm.id}:${row.nodeId}:acknowledged:${at}`,
      phase: 'message',
      params: { ...params, answered: `acknowledged by ${alarm.acknowledgedBy ?? 'somebody'}` },
      alarm: { ...alarm, phase: 'raise' },
      requestedAt: clock.now(),
      deadlineAt: clock.now() + DEADLINE_MS,
    };
  }

  async function close(alarm: Alarm, at: number): Promise<void> {
    const standing = standingOf(await record.actions({ alarmId: alarm.id, limit: MOST_ROWS }));
    const rows: ActionRow[] = [];
    for (const row of standing.map((one) => closing(one, alarm, at)))
      if ((await record.action(row.key)) === null) rows.push(row);
    if (rows.length === 0) return;
    await record.commit({ actions: rows });
    await options.submit(rows);
  }

  async function look(alarm: Alarm): Promise<void> {
    const at = alarm.acknowledgedAt;
    if (at === null || seen.get(alarm.id) === at) return;
    seen.set(alarm.id, at);
    try {
      await close(alarm, at);
    } catch (thrown) {
      // Asked for again at the next change of the alarm, or when the process starts.
      seen.delete(alarm.id);
      log.warn('push.not-closed', { alarm: alarm.id, error: asAlarmflowError(thrown).message });
    }
  }

  return {
    alarmChanged(alarm) {
      void look(alarm);
      if (alarm.endedAt !== null) seen.delete(alarm.id);
    },
    async start(live) {
      for (const alarm of live) await look(alarm);
    },
  };
}
