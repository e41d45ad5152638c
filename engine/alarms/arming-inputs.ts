import type { AreaDefinition, ArmingInput } from '../domain/arming';
import type { DeviceEvent } from '../domain/events';
import type { StandingRow } from '../domain/record';
import type { Batch } from './condition';
import { createStandingBook } from './standing';

/** A contact bounces: presses closer together than this are one. */
export const BOUNCE_MS = 1_000;

interface InputState {
  active: boolean;
  /** When it was last pressed or turned. */
  at: number;
}

const readInput = (doc: unknown): InputState | null => {
  const { active, at } = (doc ?? {}) as Partial<InputState>;
  return typeof active === 'boolean' && typeof at === 'number' ? { active, at } : null;
};

/**
 * Alarm inputs that arm and disarm. Only a change is an order: a device that repeats its inputs every few seconds must
 * not undo what a person has ordered since. What an input was is kept, so that a switch that was turned while alarmflow
 * was down counts when the device tells its position.
 */
export interface ArmingInputs {
  resume(rows: readonly StandingRow[]): StandingRow[];
  /** What the event orders, with the input's name. */
  ordersOf(
    batch: Batch,
    event: DeviceEvent,
    areas: Iterable<AreaDefinition>,
  ): { area: AreaDefinition; act: 'arm' | 'disarm' | 'toggle'; name: string }[];
  forget(batch: Batch, areaId: string): void;
}

export function createArmingInputs(): ArmingInputs {
  const book = createStandingBook('arming-input', readInput);

  const orderOf = (
    batch: Batch,
    event: DeviceEvent,
    id: string,
    input: ArmingInput,
  ): 'arm' | 'disarm' | 'toggle' | null => {
    const known = book.get(id);
    const at = event.receivedAt;
    const pulse = event.phase === 'pulse';
    const active = pulse || (event.phase !== 'stop') === (input.contact === 'open');
    if (known !== undefined && known.active === active && !pulse) return null;
    const bounced = known !== undefined && at >= known.at && at - known.at < BOUNCE_MS;
    if (input.meaning === 'pulse-toggles') {
      // Only a press that was seen toggles: a position that is merely told says nothing of how often it was pressed.
      const pressed = active && (pulse || event.phase === 'start' || event.phase === 'stop') && !bounced;
      book.set(batch, id, { active: !pulse && active, at: pressed || known === undefined ? at : known.at });
      return pressed ? 'toggle' : null;
    }
    book.set(batch, id, { active: !pulse && active, at });
    return active === (input.meaning === 'active-arms') ? 'arm' : 'disarm';
  };

  return {
    resume: (rows) => book.resume(rows),
    ordersOf(batch, event, areas) {
      // Late: it tells what somebody wanted before the device was away, not what he wants now.
      if (event.type !== 'digital-input' || event.input === undefined || event.late) return [];
      const orders: ReturnType<ArmingInputs['ordersOf']> = [];
      for (const area of areas) {
        for (const input of area.inputs) {
          if (input.deviceId !== event.deviceId || input.input !== event.input) continue;
          const act = orderOf(batch, event, `${area.id}|${input.deviceId}|${input.input}`, input);
          if (act !== null) orders.push({ area, act, name: input.input });
        }
      }
      return orders;
    },
    forget(batch, areaId) {
      for (const [id] of [...book.entries()]) if (id.startsWith(`${areaId}|`)) book.delete(batch, id);
    },
  };
}
