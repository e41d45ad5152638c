import type { Clock } from '../../clock/clock';
import { AlarmflowError, operationalError, userError } from '../../domain/errors';
import { listIn } from './answer';
import type { Cgi } from './cgi';

/** What an alarm output is set to (PROTOCOLS §2.6): 0 by the device's own linkage, 1 on, 2 off and dead to all linkage. */
const AUTOMATIC = '0';
const FORCED_ON = '1';
/** Time for the relay to follow its setting. */
const SETTLE_MS = 300;
const MOST = 64;

export interface Outputs {
  set(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null>;
  read(output: string, signal: AbortSignal): Promise<boolean | null>;
  /** The active alarm inputs and how many the answer can tell of; null where the device doesn't tell. */
  readInputs(signal: AbortSignal): Promise<{ active: number[]; count: number } | null>;
}

export function createOutputs(cgi: Cgi, deviceName: string, clock: Clock): Outputs {
  /** The device doesn't tell the state of its outputs or inputs; not asked again on this connection. */
  const mute = new Set<string>();

  /** The bits of a port state, or null where the device has no such answer. */
  async function mask(action: 'getOutState' | 'getInState', what: string, signal: AbortSignal): Promise<bigint | null> {
    if (mute.has(action)) return null;
    try {
      const table = await cgi.table({ name: 'alarm', parameters: [['action', action]], signal }, what);
      const result = table.get('result') ?? '';
      if (/^\d{1,20}$/.test(result)) return BigInt(result);
      throw operationalError('E_DEVICE_ERROR', `${what}: the device's answer names no state`);
    } catch (thrown) {
      if (
        !(thrown instanceof AlarmflowError) ||
        (thrown.code !== 'E_NOT_SUPPORTED' && thrown.code !== 'E_BAD_PARAMETER')
      )
        throw thrown;
      mute.add(action);
      return null;
    }
  }

  async function mode(index: number, what: string, signal: AbortSignal): Promise<string | null> {
    const table = await cgi.table(
      {
        name: 'configManager',
        parameters: [
          ['action', 'getConfig'],
          ['name', 'AlarmOut'],
        ],
        signal,
      },
      what,
    );
    return table.get(`AlarmOut[${index}].Mode`) ?? null;
  }

  async function stateOf(index: number, what: string, signal: AbortSignal): Promise<boolean | null> {
    const bits = await mask('getOutState', what, signal);
    if (bits !== null) return ((bits >> BigInt(index)) & 1n) === 1n;
    // Its setting says only that it is on; on automatic its own linkage decides.
    return (await mode(index, what, signal)) === FORCED_ON ? true : null;
  }

  return {
    async set(output, on, signal) {
      const index = indexOf(output);
      const what = `Alarm output ${index} of "${deviceName}"`;
      const value = on ? FORCED_ON : AUTOMATIC;
      await cgi.text(
        {
          name: 'configManager',
          parameters: [
            ['action', 'setConfig'],
            [`AlarmOut[${index}].Mode`, value],
          ],
          signal,
        },
        what,
      );
      let state = await stateOf(index, what, signal);
      if (state === null || state === on) return state;
      await clock.sleep(SETTLE_MS, signal);
      state = await stateOf(index, what, signal);
      if (state === null || state === on) return state;
      const kept = await mode(index, what, signal);
      if (kept === value && !on) {
        // We hold it no longer; the device's own linkage does, and its relay's state is not ours to tell.
        return null;
      }
      return state;
    },

    read: (output, signal) => {
      const index = indexOf(output);
      return stateOf(index, `Alarm output ${index} of "${deviceName}"`, signal);
    },

    async readInputs(signal) {
      const bits = await mask('getInState', `Alarm inputs of "${deviceName}"`, signal);
      if (bits === null) return null;
      const active: number[] = [];
      for (let i = 0; i < MOST; i++) if (((bits >> BigInt(i)) & 1n) === 1n) active.push(i);
      return { active, count: MOST };
    },
  };
}

/**
 * Inputs whose contact is open at rest, by the section `Alarm` of the configuration. Their bit of getInState is 1 while
 * they alarm (seen on recorders); what that of a contact closed at rest means is not known.
 */
export function openAtRestIn(alarm: ReadonlyMap<string, string> | null): ReadonlySet<number> {
  const types = alarm ? listIn(alarm, 'Alarm', '.SensorType') : new Map<number, string>();
  return new Set([...types].filter(([, type]) => type.toUpperCase() === 'NO').map(([input]) => input));
}

function indexOf(output: string): number {
  const text = output.trim();
  const index = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (index < MOST) return index;
  throw userError(
    'E_BAD_PARAMETER',
    `"${output.slice(0, 40)}" is no alarm output: give its number as the device counts, from 0`,
  );
}
