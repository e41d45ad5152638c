/** The moments at which a schedule turns, with the reason of each. */
import type { ArmingSchedule, ScheduleEdge, SchedulePreview } from '../domain/schedules';
import { DAY } from './calendar';
import { evaluateSchedule, HORIZON_DAYS } from './schedule';
import { armedStretch, coverage } from './schedule-intervals';
import { localTime, reasonOfBeginning, reasonOfEnd } from './schedule-words';
import { zoneOf } from './zone';

/** Days looked at in one go. */
const CHUNK_DAYS = 32;

/** Edges in `(after, until]`, both moments covered by the stretch. */
function edgesOf(schedule: ArmingSchedule, after: number): { edges: ScheduleEdge[]; until: number } {
  const zone = zoneOf(schedule.timeZone);
  const { intervals, sureUntil } = armedStretch(schedule, after, CHUNK_DAYS);
  const within = (at: number): boolean => at > after && at <= sureUntil;
  const edges = intervals.flatMap((interval) => {
    const found: ScheduleEdge[] = [];
    if (within(interval.from))
      found.push({ at: interval.from, armed: true, reason: reasonOfBeginning(schedule, zone, interval) });
    if (within(interval.to))
      found.push({ at: interval.to, armed: false, reason: reasonOfEnd(schedule, zone, interval) });
    return found;
  });
  return { edges, until: sureUntil };
}

/**
 * The next moments after `from` at which the arming changes, in order; fewer than `count` if it does not change
 * any more, or not for more than two years.
 *
 * @param from milliseconds since the epoch
 * @throws E_TIME_ZONE (user)
 */
export function nextEdges(schedule: ArmingSchedule, from: number, count: number): ScheduleEdge[] {
  const edges: ScheduleEdge[] = [];
  if (coverage(schedule) !== 'partly') return edges;
  let at = from;
  while (edges.length < count && at - (edges.at(-1)?.at ?? from) < HORIZON_DAYS * DAY) {
    const found = edgesOf(schedule, at);
    edges.push(...found.edges);
    at = found.until;
  }
  return edges.slice(0, count);
}

/**
 * What a schedule does from a moment on. The schedule must have been checked.
 *
 * @throws E_TIME_ZONE (user)
 */
export function previewSchedule(schedule: ArmingSchedule, from: number, count: number): SchedulePreview {
  const zone = zoneOf(schedule.timeZone);
  const { armed, detail } = evaluateSchedule(schedule, from);
  const edges = nextEdges(schedule, from, count).map((edge) => ({ ...edge, local: localTime(zone, edge.at) }));
  return { timeZone: schedule.timeZone, armed, detail, edges };
}
