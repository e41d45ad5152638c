import { type AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { BoardLink } from './board-link';
import {
  COIL_OFF,
  COIL_ON,
  MOST_REGISTERS,
  type ModbusRequest,
  readBits,
  readRegisters,
  writeCoil,
  writeCoils,
  writeRegister,
  writeRegisters,
} from './requests';
import type { BoardSettings } from './settings';

/** What a board can be asked, by its settings; numbers of inputs and outputs count from 1. */
export interface Board {
  /** The contacts, true where closed or, with NC, open; in order. */
  readInputs(signal: AbortSignal): Promise<boolean[]>;
  /** null where a register holds neither the value for on nor the one for off. */
  readOutputs(signal: AbortSignal): Promise<(boolean | null)[]>;
  readOutput(output: number, signal: AbortSignal): Promise<boolean | null>;
  write(output: number, on: boolean, signal: AbortSignal): Promise<void>;
  /** Switches on for a time by the board's own timer; the time is rounded up to its step and cut to its most. */
  flash(output: number, ms: number, signal: AbortSignal): Promise<void>;
}

const STEP_MS = 100;
/** Most that such a timer takes. */
export const LONGEST_FLASH_MS = 0x7fff * STEP_MS;

export function createBoard(
  link: BoardLink,
  settings: BoardSettings,
  name: string,
  tap: (() => ((frame: Buffer) => void) | undefined) | null,
): Board {
  const { inputs, outputs, unit, timeoutMs, timer } = settings;
  const ask = <T>(request: ModbusRequest<T>, signal: AbortSignal): Promise<T> =>
    link.request(request, { unit, timeoutMs, board: `"${name}"`, signal, tap: tap?.() });

  async function registers(kind: 'holding' | 'input', from: number, count: number, signal: AbortSignal) {
    const values: number[] = [];
    for (let at = 0; at < count; at += MOST_REGISTERS)
      values.push(...(await ask(readRegisters(kind, from + at, Math.min(MOST_REGISTERS, count - at)), signal)));
    return values;
  }

  async function contacts(signal: AbortSignal): Promise<boolean[]> {
    const { kind, address, count } = inputs;
    if (kind === 'discrete' || kind === 'coils') return ask(readBits(kind, address, count), signal);
    const table = kind.startsWith('input') ? 'input' : 'holding';
    if (kind.endsWith('words')) return (await registers(table, address, count, signal)).map((value) => value !== 0);
    const values = await registers(table, address, Math.ceil(count / 16), signal);
    return Array.from({ length: count }, (_, at) => ((values[at >> 4]! >> (at & 15)) & 1) === 1);
  }

  const meaning = (value: number): boolean | null => {
    if (value === outputs.on) return true;
    return value === outputs.off ? false : null;
  };

  async function states(first: number, count: number, signal: AbortSignal): Promise<(boolean | null)[]> {
    const address = outputs.address + first - 1;
    if (outputs.kind === 'coil') return ask(readBits('coils', address, count), signal);
    return (await registers('holding', address, count, signal)).map(meaning);
  }

  function addressOf(output: number): number {
    return outputs.address + output - 1;
  }

  return {
    async readInputs(signal) {
      const closed = await contacts(signal);
      return closed.map((state, at) => state !== inputs.closed.has(at + 1));
    },
    readOutputs: (signal) => states(1, outputs.count, signal),
    async readOutput(output, signal) {
      const [state = null] = await states(output, 1, signal);
      return state;
    },
    write(output, on, signal) {
      const address = addressOf(output);
      if (outputs.kind === 'register') {
        const value = on ? outputs.on : outputs.off;
        return ask(outputs.multiple ? writeRegisters(address, value) : writeRegister(address, value), signal);
      }
      return ask(outputs.multiple ? writeCoils(address, on) : writeCoil(address, on ? COIL_ON : COIL_OFF), signal);
    },
    flash(output, ms, signal) {
      if (!timer) return Promise.reject(noTimer(name));
      const steps = Math.min(0x7fff, Math.max(1, Math.ceil(ms / STEP_MS)));
      return ask(writeCoil(timer.address + output - 1, steps), signal);
    },
  };
}

const noTimer = (name: string): AlarmflowError =>
  userError('E_NOT_SUPPORTED', `"${name}" has no timers of its own by its settings: choose them in its dialog`);

/** The number of an output, given by number or name; null: there is no such output. */
export function contactNumber(output: string, { outputs }: Pick<BoardSettings, 'outputs'>): string | null {
  const given = output.trim();
  const named = outputs.names.findIndex((name) => name !== '' && name === given);
  const number = named >= 0 ? named + 1 : /^\d{1,3}$/.test(given) ? Number(given) : 0;
  return number >= 1 && number <= outputs.count ? String(number) : null;
}

/** Number of an output as flows name it, or of one with that name. Throws `E_BAD_PARAMETER` (user). */
export function outputNumber(output: string, settings: BoardSettings, name: string): number {
  const number = contactNumber(output, settings);
  if (number !== null) return Number(number);
  throw userError(
    'E_BAD_PARAMETER',
    `"${name}" has no output "${output}": give a number from 1 to ${settings.outputs.count}`,
  );
}

/** For work that the driver does by itself. */
export const closedError = (name: string): AlarmflowError =>
  operationalError('E_CLOSED', `The connection to "${name}" is being closed`);
