/** Writes that are asked for once (L13), beside the outputs that are held; over the board's one connection. */
import { type Clock, sleepOrStop } from '../../clock/clock';
import { asAlarmflowError, operationalError, userError } from '../../domain/errors';
import { LONGEST_PULSE_MS, type ModbusWrite } from '../../domain/modbus-write';
import {
  COIL_OFF,
  COIL_ON,
  type ModbusRequest,
  readBits,
  readRegisters,
  writeCoil,
  writeCoils,
  writeRegister,
  writeRegisters,
} from './requests';

export interface OneShotParts {
  name: string;
  clock: Clock;
  /** Aborts when the connection closes for good. */
  closing: AbortSignal;
  /** @param unit null: the board's own */
  ask<T>(request: ModbusRequest<T>, unit: number | null, signal: AbortSignal): Promise<T>;
}

/** Time for a board to let what is read follow what was written. */
const SETTLE_MS = 150;
/** Tries of the end of a pulse, and the pause between them. */
const REST_TRIES = 5;
const REST_PAUSE_MS = 500;

const isWhole = (value: number, most: number): boolean => Number.isInteger(value) && value >= 0 && value <= most;

/** Carries a write out as `ConnectedDevice.writeModbus` tells. */
export async function writeOnce(parts: OneShotParts, write: ModbusWrite, signal: AbortSignal): Promise<number | null> {
  check(parts.name, write);
  const { clock, closing } = parts;
  const { pulse } = write;
  if (!pulse) return writeAndRead(parts, write, write.value, AbortSignal.any([signal, closing]));
  signal.throwIfAborted();
  // Called off while it is on its way, the value would arrive all the same, and nobody would know that there is a pulse to end.
  try {
    await writeAndRead(parts, write, write.value, closing);
  } catch (thrown) {
    // Where it is tried again, the next try ends it; where not, this one does: the board may have taken what it did not confirm.
    if (!signal.aborted) throw thrown;
    await endPulse(parts, write, pulse.rest);
    throw signal.reason;
  }
  // Cut short or not, the pulse must end: the other value is written in any case.
  await sleepOrStop(clock, pulse.ms, AbortSignal.any([signal, closing]));
  const rest = await endPulse(parts, write, pulse.rest);
  signal.throwIfAborted();
  return rest;
}

async function endPulse(parts: OneShotParts, write: ModbusWrite, rest: number): Promise<number | null> {
  for (let tries = 1; ; tries++) {
    try {
      return await writeAndRead(parts, write, rest, parts.closing);
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (tries >= REST_TRIES || error.family !== 'operational' || parts.closing.aborted)
        throw operationalError(
          'E_PULSE_NOT_ENDED',
          `${what(parts.name, write)} was set to ${write.value}, but could not be set back to ${rest}: ${error.message}`,
          { cause: thrown },
        );
      await parts.clock.sleep(Math.max(REST_PAUSE_MS, error.retryAfterMs ?? 0), parts.closing);
    }
  }
}

async function writeAndRead(
  { name, clock, ask }: OneShotParts,
  write: ModbusWrite,
  value: number,
  signal: AbortSignal,
): Promise<number | null> {
  const { table, address, multiple, unit } = write;
  if (table === 'coil')
    await ask(
      multiple ? writeCoils(address, value === 1) : writeCoil(address, value ? COIL_ON : COIL_OFF),
      unit,
      signal,
    );
  else await ask(multiple ? writeRegisters(address, value) : writeRegister(address, value), unit, signal);
  if (!write.readBack) return null;
  const read = async (): Promise<number> => {
    if (table === 'coil') return Number((await ask(readBits('coils', address, 1), unit, signal))[0]);
    return (await ask(readRegisters('holding', address, 1), unit, signal))[0]!;
  };
  let found = await read();
  if (found !== value) {
    await clock.sleep(SETTLE_MS, signal);
    found = await read();
  }
  if (found === value) return found;
  throw operationalError(
    'E_NOT_CONFIRMED',
    `${what(name, write)} was set to ${value}, but ${found} is read there: something else writes it, or it can't be read back (switch that off)`,
  );
}

const what = (name: string, { table, address }: ModbusWrite): string =>
  `${table === 'coil' ? 'Coil' : 'Register'} ${address} of "${name}"`;

function check(name: string, { table, address, value, unit, pulse }: ModbusWrite): void {
  const most = table === 'coil' ? 1 : 65_535;
  const wrong = !isWhole(address, 65_535)
    ? 'address must be from 0 to 65535'
    : !isWhole(value, most) || (pulse && !isWhole(pulse.rest, most))
      ? `value must be from 0 to ${most}`
      : unit !== null && !isWhole(unit, 255)
        ? 'unit must be from 0 to 255'
        : pulse && !(pulse.ms >= 1 && pulse.ms <= LONGEST_PULSE_MS)
          ? `pulse must last 1 ms to ${LONGEST_PULSE_MS / 1_000} s`
          : null;
  if (wrong !== null) throw userError('E_BAD_PARAMETER', `Write to "${name}": its ${wrong}`);
}
