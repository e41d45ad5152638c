import type { Alarm } from '../domain/alarms';
import type { Log } from '../domain/log';
import type { ResumeState } from '../domain/record';
import { initialState } from '../gates';
import { type Condition, newCondition, orphanedState, type Snapshot, snapshotOf } from './condition';

/**
 * The conditions that the record kept, each as it is on disk. A state that this version does not understand is begun
 * anew; an alarm whose state is lost counts as cleared and ends when nothing holds it any more.
 */
export function resumeConditions(
  state: ResumeState,
  { log, now }: { log: Log; now: number },
  put: (condition: Condition, snapshot: Snapshot) => void,
): void {
  const alarms = new Map(state.alarms.map((alarm) => [`${alarm.triggerId}|${alarm.key}`, alarm]));
  const add = (triggerId: string, key: string, snapshot: Snapshot): void => {
    const condition = newCondition(triggerId, key);
    condition.disk = snapshot;
    put(condition, snapshot);
  };
  for (const row of state.gateStates) {
    const alarm = alarms.get(`${row.triggerId}|${row.key}`) ?? null;
    const snapshot = snapshotOf(row, alarm);
    if (snapshot === null || (snapshot.state.alarm === null) !== (alarm === null)) {
      log.warn('alarm.state-unknown', { trigger: row.triggerId, key: row.key, alarm: alarm?.id ?? null });
      if (alarm === null) add(row.triggerId, row.key, { state: initialState, event: null, alarm: null, kept: true });
      continue;
    }
    alarms.delete(`${row.triggerId}|${row.key}`);
    add(row.triggerId, row.key, snapshot);
  }
  for (const alarm of alarms.values()) {
    const cleared: Alarm = { ...alarm, state: 'clearing', clearedAt: alarm.clearedAt ?? now };
    add(alarm.triggerId, alarm.key, { state: orphanedState(alarm), event: null, alarm: cleared, kept: false });
  }
}
