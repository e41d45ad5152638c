import type { DeviceEvent } from '../domain/events';
import type { AuditRow } from '../domain/record';
import { recordedInput } from './event-lines';
import type { SimulationInput } from './steps';

/**
 * What a site has recorded, as it came: events and orders, each list by its ids, which the running site made one after
 * another for both.
 */
export async function* recordedInputs(
  events: AsyncIterable<DeviceEvent>,
  orders: AsyncIterable<AuditRow>,
): AsyncGenerator<SimulationInput> {
  const rows = orders[Symbol.asyncIterator]();
  let next = await rows.next();
  try {
    for await (const event of events) {
      while (!next.done && next.value.id < event.id) {
        yield { kind: 'replayed', at: next.value.at, line: null, row: next.value };
        next = await rows.next();
      }
      yield recordedInput(event, null);
    }
    for (; !next.done; next = await rows.next()) {
      yield { kind: 'replayed', at: next.value.at, line: null, row: next.value };
    }
  } finally {
    await rows.return?.();
  }
}
