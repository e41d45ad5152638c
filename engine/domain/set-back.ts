import type { ResumeState } from './record';

/**
 * How far the wall clock lies behind what the record has seen, in milliseconds: it was set back while the process was
 * away. 0 where the record knows of nothing later than `now`. By so much the ends of what is measured in durations
 * (holds, shelves, timed orders, delays) lie too late; nothing on record tells how long the process was away besides.
 */
export function setBackBy({ alarms, flowMessages, leases, standing }: ResumeState, now: number): number {
  let latest = now;
  const seen = (at: unknown): void => {
    if (typeof at === 'number' && at > latest) latest = at;
  };
  for (const alarm of alarms) {
    for (const at of [alarm.raisedAt, alarm.seenAt, alarm.clearedAt, alarm.acknowledgedAt]) seen(at);
  }
  for (const message of flowMessages) seen(message.createdAt);
  for (const lease of leases) seen(lease.acquiredAt);
  // Shelves and orders say when they were made.
  for (const { doc } of standing) {
    const { at, order } = (doc ?? {}) as { at?: unknown; order?: { at?: unknown } | null };
    seen(at);
    seen(order?.at);
  }
  return latest - now;
}
