import type { Clock, Timer } from '../clock/clock';
import type { ArmingSchedule } from '../domain/schedules';
import { checkSchedule, nextEdges, scheduleWindow } from '../gates';

/** The wall clock is looked at this often, because it can be set: an edge is never missed by more. */
const LONGEST_LAP_MS = 60_000;

/** Arming of one trigger at one moment, with the sentence that explains it. */
export interface Arming {
  armed: boolean;
  detail: string;
  /** When it turns; absent where that is never, or not known. */
  to?: number;
}

/** The schedules that flows have defined, and the moments at which they turn. */
export interface Schedules {
  /** @throws E_TIME_ZONE, E_BAD_SCHEDULE (user) */
  define(schedule: ArmingSchedule): void;
  /** The node is closed; whether it comes back is known at `sweep`. */
  detach(nodeId: string): void;
  /** Forgets what was detached and not defined again. */
  sweep(): void;
  /** False when the trigger names a schedule that no flow defines. */
  known(scheduleId: string | null): boolean;
  verdict(scheduleId: string | null, at: number): Arming;
  /** What people call it. */
  nameOf(scheduleId: string): string;
  /** Whether it has turned after `since` and not after `at`. */
  turnedBetween(scheduleId: string, since: number, at: number): boolean;
  /** Calls back at the next edge of any of these, or when the clock has been moved past it. */
  watch(scheduleIds: Iterable<string>): void;
  close(): void;
}

const always: Arming = { armed: true, detail: 'always armed' };

export function createSchedules(clock: Clock, turned: () => void): Schedules {
  const schedules = new Map<string, { schedule: ArmingSchedule; attached: boolean }>();
  let timer: Timer | null = null;

  return {
    define(schedule) {
      checkSchedule(schedule);
      // A copy of our own: verdicts are remembered by the object, which must never change.
      schedules.set(schedule.id, { schedule: structuredClone(schedule), attached: true });
    },
    detach(nodeId) {
      const entry = schedules.get(nodeId);
      if (entry !== undefined) entry.attached = false;
    },
    sweep() {
      for (const [id, entry] of schedules) if (!entry.attached) schedules.delete(id);
    },
    known: (scheduleId) => scheduleId === null || schedules.has(scheduleId),
    verdict(scheduleId, at) {
      if (scheduleId === null) return always;
      const entry = schedules.get(scheduleId);
      if (entry === undefined) {
        return { armed: false, detail: `its arming schedule ${scheduleId} does not exist: choose another one` };
      }
      return scheduleWindow(entry.schedule, at);
    },
    nameOf: (scheduleId) => schedules.get(scheduleId)?.schedule.name ?? scheduleId,
    turnedBetween(scheduleId, since, at) {
      const entry = schedules.get(scheduleId);
      if (entry === undefined || since >= at) return false;
      const edge = nextEdges(entry.schedule, since, 1)[0];
      return edge !== undefined && edge.at <= at;
    },
    watch(scheduleIds) {
      timer?.cancel();
      timer = null;
      const now = clock.now();
      let lap = Number.POSITIVE_INFINITY;
      for (const id of scheduleIds) {
        const entry = schedules.get(id);
        if (entry === undefined) continue;
        lap = Math.min(lap, LONGEST_LAP_MS, scheduleWindow(entry.schedule, now).to - now);
      }
      if (lap === Number.POSITIVE_INFINITY) return;
      timer = clock.after(Math.max(0, lap), turned, { background: true });
    },
    close() {
      timer?.cancel();
      timer = null;
    },
  };
}
