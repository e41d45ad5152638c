/** The last commands to a device that goes, or is found at another address: nothing may be left switched on there. */
import { endedWithin } from '../clock/clock';
import type { ConnectedDevice, DevicePlace } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import { type OutputState, withoutPlace } from '../domain/outputs';
import { addWrites, emptyChange } from '../domain/record';
import { sendOutput } from './drive';
import type { Holding } from './holding';
import type { LeftOns } from './left-on';
import type { ManagedOutput } from './managed';
import type { OutputsOptions } from './options';
import { writeOutput } from './writes';

/** How long a command that is under way is waited for, so that the last one sent is "off", in milliseconds. */
const UNDER_WAY_MS = 1_500;

export function createLeaving(
  options: OutputsOptions,
  holding: Holding,
  leftOns: LeftOns,
): (device: ConnectedDevice, address: string, signal: AbortSignal, place?: DevicePlace) => Promise<void> {
  const { clock, log } = options;
  const { managed } = holding;

  async function settled(output: ManagedOutput): Promise<void> {
    // What became of it shows in the output's state; its failure is the executor's.
    output.looking?.stop.abort();
    if (output.driving) await endedWithin(clock, output.driving, UNDER_WAY_MS);
  }

  async function switchOff(output: ManagedOutput, device: ConnectedDevice, signal: AbortSignal): Promise<void> {
    let hung: (error: AlarmflowError) => void = () => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      hung = reject;
    });
    const stop = (): void => hung(asAlarmflowError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const command = sendOutput({ clock, endOf: () => null, sinceOf: () => null }, device, output, false, signal);
      if ((await Promise.race([command, late])) === true)
        throw operationalError('E_OUTPUT_NOT_CONFIRMED', 'the device reports it on after it was set off');
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** @returns why it may be on still; null: it is off */
  async function leave(output: ManagedOutput, device: ConnectedDevice, signal: AbortSignal): Promise<string | null> {
    try {
      await settled(output);
      await switchOff(output, device, signal);
      log.info('output.left-off', { output: output.state.id });
      return null;
    } catch (thrown) {
      return asAlarmflowError(thrown).message;
    }
  }

  return async (device, address, signal, place) => {
    const on = [...managed.values()].filter((output) => output.state.deviceId === device.id && output.mayBeOn);
    const outcomes = await Promise.all(
      on.map(async (output) => ({ output, reason: await leave(output, device, signal) })),
    );
    const change = emptyChange();
    for (const { output, reason } of outcomes) {
      const { id, name } = output.state;
      if (reason === null && place) leftOns.settled(id, place);
      if (reason !== null) {
        if (place) leftOns.add(output, place, reason, change, true);
        const at = clock.now();
        log.warn('output.left-on', { output: id, address, error: reason });
        addWrites(change, 'audit', {
          id: sortableId(at),
          at,
          who: 'alarmflow',
          action: 'output.left-on',
          subject: id,
          detail: `${name}: the ${noun(output.state)} at ${address} could not be switched off and may be on: ${reason}. Switch it off there by hand`,
        });
      }
    }
    for (const output of managed.values()) {
      if (output.state.deviceId !== device.id) continue;
      // What was true of the old one says nothing of the one that is found at the new address.
      const { onAt, ...state } = output.state;
      const elsewhere = place ? withoutPlace(onAt, place) : undefined;
      output.state = {
        ...state,
        confirmed: null,
        confirmedAt: null,
        lastError: null,
        ...(elsewhere ? { onAt: elsewhere } : {}),
      };
      output.mayBeOn = false;
      output.netUntil = null;
      output.soundsSince = null;
      output.demand++;
      writeOutput(change, output.state);
      change.afterCommit.push(() => holding.ask(output.state.id));
    }
    try {
      await holding.commit(change);
    } catch (thrown) {
      log.error('output.leaving-not-kept', { device: device.id, address, error: asAlarmflowError(thrown).message });
      for (const follow of change.afterCommit) follow();
    }
  };
}

const noun = ({ kind }: OutputState): string => (kind === 'ptz' ? 'camera' : kind);
