/**
 * Brings one output to its desired state (DESIGN §2): sends only *set* commands, proves them, and starts over when the
 * desired state moved meanwhile, so that the newest always wins. Trying again after a failure is the executor's.
 */
import type { Clock } from '../clock/clock';
import type { Announce } from '../domain/announcements';
import type { ConnectedDevice, DeviceDirectory, DevicePlace, PtzMove, SwitchKind } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { type OutputId, type OutputState, ptzPlace, samePlace, withoutPlace, withPlace } from '../domain/outputs';
import type { PtzTurn } from '../domain/ptz-outcomes';
import { type Change, emptyChange, type RecordWriter } from '../domain/record';
import { lookAfter } from './arrival';
import { keep, keepFailure } from './keep';
import { isSettled, type ManagedOutput } from './managed';
import type { SharedContacts } from './shared-contacts';
import { deleteOutput } from './writes';

/** Time for one command, the device's queue and login included, in milliseconds. */
export const COMMAND_LIMIT_MS = 15_000;
/** How long a command that was told to stop may take to do so. */
const STOP_LIMIT_MS = 5_000;
/** By how much the device's own timer outlasts the hold: it is the second net, our command is the first. */
const NET_SLACK_MS = 2_000;

export interface DriveParts {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  devices: DeviceDirectory;
  announce: Announce;
  dryRun?(outputId: string): boolean;
  /** Where it is found now; null: nothing is to be remembered of that. */
  placeOf(output: ManagedOutput): DevicePlace | null;
  /** When the claims on it end by themselves; null: one has no end. */
  endOf(output: Pick<ManagedOutput, 'state'>): number | null;
  /** From when the times of its sound count; null: it has none, or is on by hand. */
  sinceOf(output: Pick<ManagedOutput, 'state'>): number | null;
  /** Whether what holds it on is older than the dry run that it makes. */
  isHeldForReal(output: ManagedOutput): boolean;
  contacts: SharedContacts;
  /** Asks for another output to be driven. */
  ask(id: OutputId): void;
  /** Has it looked after where it may be on, now that nobody drives it. */
  leaveBehind(output: ManagedOutput, place: DevicePlace, reason: string, change: Change): void;
  /** Tells people that a camera did not come back. */
  notReturned?(output: OutputState, words: string): void;
  /** Takes an output that was driven off for the last time out of memory. */
  forget(id: string): void;
}

/** Resolves when the newest desired state is confirmed and on disk; rejects with AlarmflowError otherwise. */
export async function driveOutput(parts: DriveParts, output: ManagedOutput): Promise<void> {
  while (!isSettled(output)) {
    const aim = { generation: output.state.generation, demand: output.demand };
    const { desired } = output.state;
    const dry = parts.dryRun?.(output.state.id) ?? false;
    const overtaken = (): boolean => output.state.generation !== aim.generation || output.demand !== aim.demand;
    // What was, or may have been, switched on before a dry run began is still switched off: it must not leave a siren on.
    if (dry && (!output.mayBeOn || (desired && parts.isHeldForReal(output)))) {
      parts.log.info('output.dry-run', { output: output.state.id, desired });
      output.undriven = true;
      output.settled = aim;
      if (output.retiring && isSettled(output)) await forget(parts, output);
      continue;
    }
    const on = desired && !dry;
    const place = parts.placeOf(output);
    const holder = on ? null : parts.contacts.holderBeside(output);
    output.leftToAnother = holder !== null;
    if (holder !== null) {
      const lastError = `Its contact is held on as ${holder.state.kind} "${holder.state.name}"`;
      parts.log.info('output.left-to-another', { output: output.state.id, holder: holder.state.id });
      output.mayBeOn = false;
      await keep(parts, output, { lastError, ...(place ? proven(output.state, place, false) : {}) });
      output.settled = aim;
      if (output.retiring && isSettled(output)) await forget(parts, output);
      continue;
    }
    try {
      if (on) await remember(parts, output, place);
      await beforeMove(parts, output, on);
      if (on) output.mayBeOn = true;
      const readBack = await command(parts, output, on);
      if (readBack !== null && readBack !== on) {
        output.mayBeOn = true;
        await keep(parts, output, { confirmed: readBack, confirmedAt: parts.clock.now() });
        throw notConfirmed(output.state, on);
      }
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (overtaken()) continue;
      if (output.retiring && error.family === 'user') {
        parts.log.warn('output.forgotten-undriven', {
          output: output.state.id,
          code: error.code,
          error: error.message,
        });
        const isThere = error.code !== 'E_NOT_SUPPORTED' || output.state.confirmed === true;
        await forget(parts, output, isThere ? error.message : null);
        return;
      }
      await keepFailure(parts, output, error);
      if (!on && error.code === 'E_NOT_SUPPORTED' && output.state.confirmed !== true) {
        // What the device has not got is off. It is asked again when it comes back, and when it is to be on.
        if (place && output.state.onAt) await keep(parts, output, proven(output.state, place, false));
        output.settled = aim;
        continue;
      }
      throw error;
    }
    output.mayBeOn = on;
    output.undriven = on !== desired;
    const arrival = output.retiring ? null : (output.arrival ?? null);
    await keep(parts, output, {
      confirmed: on,
      confirmedAt: parts.clock.now(),
      // What a camera that did not move has said of itself stands until it is known to have moved.
      lastError: arrival && output.state.turned === 'not-moved' ? output.state.lastError : null,
      ...(arrival || output.state.kind !== 'ptz' ? {} : { turned: undefined }),
      ...(place ? proven(output.state, place, on) : {}),
    });
    if (arrival && (await lookAfter(parts, output, arrival, on, overtaken)) === 'overtaken') continue;
    output.settled = aim;
    for (const other of on ? [] : parts.contacts.touchedBy(output)) {
      other.demand++;
      parts.ask(other.state.id);
    }
    parts.log.debug('output.confirmed', { output: output.state.id, on, generation: aim.generation });
    if (output.retiring && isSettled(output)) await forget(parts, output);
  }
}

const words = (on: boolean): string => (on ? 'on' : 'off');

const notConfirmed = (state: OutputState, on: boolean): AlarmflowError =>
  operationalError(
    'E_OUTPUT_NOT_CONFIRMED',
    `Output "${state.name}" was set ${words(on)}, but the device reports it ${words(!on)}: ` +
      'check whether the device itself or another system switches it',
  );

/** Before the first "on" is sent somewhere, that is on disk: over a crash somebody must know where to switch it off. */
async function remember(parts: DriveParts, output: ManagedOutput, place: DevicePlace | null): Promise<void> {
  if (!place || output.state.onAt?.some((other) => samePlace(other, place))) return;
  await keep(parts, output, { onAt: withPlace(output.state.onAt, place) });
}

/** What is known of its places after a device has confirmed a state at one of them. */
function proven({ onAt }: OutputState, place: DevicePlace, on: boolean): Pick<OutputState, 'onAt'> {
  return { onAt: on ? withPlace(onAt, place) : withoutPlace(onAt, place) };
}

/** A camera that is asked to look elsewhere may have turned although no answer came: it is then to return in any case. */
async function beforeMove(parts: DriveParts, output: ManagedOutput, on: boolean): Promise<void> {
  const { kind, confirmed } = output.state;
  if (kind === 'ptz' && on && confirmed === false) await keep(parts, output, { confirmed: null, confirmedAt: null });
}

/** What a command needs of an output, and leaves in it. */
type Driven = Pick<ManagedOutput, 'state' | 'netUntil' | 'soundsSince' | 'arrival'>;

export async function sendOutput(
  parts: { clock: Clock; endOf(output: Driven): number | null; sinceOf(output: Driven): number | null },
  device: ConnectedDevice,
  output: Driven,
  on: boolean,
  signal: AbortSignal,
): Promise<boolean | null> {
  const { state } = output;
  switch (state.kind) {
    case 'relay':
      return device.setOutput(state.output, on, signal);
    case 'ptz':
      output.arrival = await move(device, state, on, signal);
      return null;
    default:
      return setSwitch(parts, device, state.kind, output, on, signal);
  }
}

async function setSwitch(
  parts: Parameters<typeof sendOutput>[0],
  device: ConnectedDevice,
  kind: SwitchKind,
  output: Driven,
  on: boolean,
  signal: AbortSignal,
): Promise<boolean | null> {
  const { state } = output;
  if (!device.setSwitch) throw notThere(device, `${kind} "${state.output}"`);
  const { move: _move, home: _home, ...manner } = state.manner ?? {};
  const end = on ? parts.endOf(output) : null;
  output.netUntil = end;
  if (end !== null) manner.forMs = Math.max(0, end - parts.clock.now()) + NET_SLACK_MS;
  output.soundsSince = on ? parts.sinceOf(output) : null;
  if (output.soundsSince !== null) manner.since = output.soundsSince;
  return device.setSwitch(kind, state.output, on, on ? manner : {}, signal);
}

/** Nothing holds the camera: it goes home if asked, once, and is else left to whoever moves it. */
async function move(
  device: ConnectedDevice,
  state: OutputState,
  on: boolean,
  signal: AbortSignal,
): Promise<PtzTurn['arrival']> {
  const place = ptzPlace(state.output);
  if (!place) throw notThere(device, `PTZ channel "${state.output}"`);
  const target = targetOf(state, on);
  if (!target && on)
    throw userError(
      'E_NO_MOVE',
      `Camera "${state.name}" is to be held, but no node of the flow says where it is to look: set it to auto, or add a PTZ node`,
    );
  if (!target) return null;
  if (device.turn) return (await device.turn(place.channel, target, signal)).arrival;
  if (!device.ptz) throw notThere(device, 'PTZ');
  await device.ptz(place.channel, target, signal);
  return null;
}

/** What a camera is told now; undefined: nothing. */
function targetOf({ output, manner, confirmed }: OutputState, on: boolean): PtzMove | undefined {
  const aux = ptzPlace(output)?.aux ?? null;
  if (aux !== null) return { move: 'aux', number: aux, on };
  if (on) return manner?.move;
  return confirmed === false ? undefined : manner?.home;
}

const notThere = (device: ConnectedDevice, what: string): AlarmflowError =>
  userError(
    'E_NOT_SUPPORTED',
    `"${device.name}" has no ${what} that alarmflow can use: choose another device or action`,
  );

async function command(parts: DriveParts, output: ManagedOutput, on: boolean): Promise<boolean | null> {
  const { state } = output;
  const device = parts.devices.device(state.deviceId);
  const stop = new AbortController();
  // Made when it is needed: a stack costs more than the rest of a command.
  let late: AlarmflowError | null = null;
  const tooLong = (): AlarmflowError =>
    (late ??= operationalError(
      'E_OUTPUT_TIMEOUT',
      `Output "${state.name}" was not set ${words(on)} within ${COMMAND_LIMIT_MS / 1000} s: check device and network`,
    ));
  let hung: (error: AlarmflowError) => void = () => undefined;
  const stuck = new Promise<never>((_resolve, reject) => {
    hung = reject;
  });
  let last: { cancel(): void } | undefined;
  const limit = parts.clock.after(COMMAND_LIMIT_MS, () => {
    stop.abort(tooLong());
    last = parts.clock.after(STOP_LIMIT_MS, () => hung(tooLong()));
  });
  try {
    return await Promise.race([sendOutput(parts, device, output, on, stop.signal), stuck]);
  } catch (error) {
    throw stop.signal.aborted ? tooLong() : error;
  } finally {
    limit.cancel();
    last?.cancel();
  }
}

/** @param left why it may be on somewhere; null: it is not */
async function forget(parts: DriveParts, output: ManagedOutput, left: string | null = null): Promise<void> {
  const { id } = output.state;
  parts.forget(id);
  output.settled = { generation: output.state.generation, demand: output.demand };
  const change = emptyChange();
  deleteOutput(change, id);
  if (left !== null) for (const place of output.state.onAt ?? []) parts.leaveBehind(output, place, left, change);
  await parts.writer.commit(change.writes);
  for (const follow of change.afterCommit) follow();
  parts.announce({ kind: 'output', data: { id } });
}
