import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { operationalError } from '../../../engine/domain/errors';
import type { ModbusWrite } from '../../../engine/domain/modbus-write';
import { type OneShotParts, writeOnce } from '../../../engine/drivers/modbus/one-shot';

const pulse: ModbusWrite = {
  table: 'coil',
  address: 2,
  value: 1,
  unit: null,
  multiple: false,
  readBack: true,
  pulse: { ms: 30_000, rest: 0 },
};

/** A board with one coil; `meanwhile` happens after a write has arrived, before its answer. */
function board(meanwhile: (write: number) => void) {
  const clock = new VirtualClock(0);
  const coil = { on: false, writes: 0 };
  const parts: OneShotParts = {
    name: 'Hall',
    clock,
    closing: new AbortController().signal,
    async ask(request, _unit, signal) {
      signal.throwIfAborted();
      if (request.pdu[0] === 1) return request.read(Buffer.from([1, 1, coil.on ? 1 : 0]));
      coil.on = request.pdu[3] === 0xff;
      meanwhile(++coil.writes);
      // Whoever asked may have gone: then nobody learns of the answer.
      signal.throwIfAborted();
      return request.read(request.pdu);
    },
  };
  return { parts, coil, clock };
}

describe('a pulse', () => {
  it('that is called off while its value is on the way ends at once', async () => {
    const stop = new AbortController();
    const { parts, coil } = board((write) => {
      if (write === 1) stop.abort(new Error('deadline'));
    });
    await expect(writeOnce(parts, pulse, stop.signal)).rejects.toThrow('deadline');
    expect(coil).toEqual({ on: false, writes: 2 });
  });

  it('that is called off while the board does not confirm its value ends, too', async () => {
    const stop = new AbortController();
    const { parts, coil } = board((write) => {
      if (write > 1) return;
      stop.abort(new Error('deadline'));
      throw operationalError('E_DEVICE_TIMEOUT', 'no answer');
    });
    await expect(writeOnce(parts, pulse, stop.signal)).rejects.toThrow('deadline');
    expect(coil).toEqual({ on: false, writes: 2 });
  });

  it('whose value the board does not confirm is left to the next try', async () => {
    const { parts, coil } = board(() => {
      throw operationalError('E_DEVICE_TIMEOUT', 'no answer');
    });
    await expect(writeOnce(parts, pulse, new AbortController().signal)).rejects.toMatchObject({
      code: 'E_DEVICE_TIMEOUT',
    });
    expect(coil.writes).toBe(1);
  });

  it('that is called off before it begins is not begun', async () => {
    const { parts, coil } = board(() => undefined);
    await expect(writeOnce(parts, pulse, AbortSignal.abort(new Error('deadline')))).rejects.toThrow('deadline');
    expect(coil.writes).toBe(0);
  });
});
