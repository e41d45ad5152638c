import type { Clock, Timer } from '../clock/clock';
import { bugError } from '../domain/errors';
import type { TimerRow } from '../domain/record';
import type { DurableTimers } from '../domain/timers';

/** Durable timers of a simulation: each row is one timer of the virtual clock, which never jumps. */
export interface SimulatedTimers extends DurableTimers {
  /** How many are set. */
  size(): number;
  /** Handlers under way. */
  running(): number;
}

/** @param failed told when a handler rejects; nothing here can fail for a moment, so it is not called again */
export function createSimulatedTimers(clock: Clock, failed: (error: unknown) => void): SimulatedTimers {
  const handlers = new Map<string, (timer: TimerRow) => Promise<void>>();
  const set = new Map<string, Timer>();
  let running = 0;

  async function fire(row: TimerRow): Promise<void> {
    const handler = handlers.get(row.kind);
    running++;
    try {
      if (!handler) throw bugError('E_NO_TIMER_HANDLER', `Nobody handles timers of kind "${row.kind}"`);
      await handler(row);
    } catch (error) {
      failed(error);
    } finally {
      running--;
    }
  }

  return {
    onDue: (kind, handler) => void handlers.set(kind, handler),
    arm(row) {
      set.get(row.id)?.cancel();
      const timer = clock.after(Math.max(0, row.at - clock.now()), () => {
        set.delete(row.id);
        void fire(row);
      });
      set.set(row.id, timer);
    },
    disarm(id) {
      set.get(id)?.cancel();
      set.delete(id);
    },
    size: () => set.size,
    running: () => running,
  };
}
