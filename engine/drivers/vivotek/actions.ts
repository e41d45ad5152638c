import type { Clock } from '../../clock/clock';
import type { Picture, SwitchKind, SwitchManner } from '../../domain/devices';
import { AlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createWatchedPtz, type WatchedPtz } from '../ptz-watch';
import { createSecondNet } from '../second-net';
import type { DeviceResponse } from '../wire';
import { type Cgi, errorIn } from './cgi';
import type { VivotekOptions } from './options';
import { escapeParam } from './params';
import { readPorts } from './ports';
import { createPtz } from './ptz';
import { createPtzReader } from './ptz-position';

/** What actions do with a camera (PROTOCOLS §3.3). Errors name the camera and what was asked. */
export interface CameraActions extends WatchedPtz {
  setOutput(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null>;
  readOutput(output: string, signal: AbortSignal): Promise<boolean | null>;
  snapshot(channel: number, signal: AbortSignal): Promise<Picture>;
  /** `line` with `vi<n>` (virtual input, runs the camera's own rule) or `do<n>` (output with the camera's own timer). */
  setSwitch(
    kind: SwitchKind,
    name: string,
    on: boolean,
    manner: SwitchManner,
    signal: AbortSignal,
  ): Promise<boolean | null>;
  readSwitch(kind: SwitchKind, name: string, signal: AbortSignal): Promise<boolean | null>;
  /** From now on the camera's own timers end what is on. */
  close(): void;
}

export interface CameraActionsOptions {
  cgi: Cgi;
  name: string;
  clock: Clock;
  log: Log;
  /** Aborts with the connection. */
  closing: AbortSignal;
  settings: VivotekOptions;
  /** Whether the camera has refused its ports to this user: asking all the same would count as a wrong password. */
  denied(port: 'di' | 'do' | 'vi'): boolean;
  /** Name of a preset as the camera lists it; null where it lists none of that number. */
  presetName(channel: number, preset: number, signal: AbortSignal): Promise<string | null>;
}

/** Time for a camera to let its answer follow its output. */
const SETTLE_MS = 250;
const TIMEOUT_MS = 8_000;
/** Longest pulse that the camera is asked for. */
const MOST_PULSE_MS = 86_400_000;
/** A model without a program at that path answers so. */
const ABSENT: ReadonlySet<string> = new Set(['E_NOT_SUPPORTED']);
const RECALL = ['/cgi-bin/viewer/recall.cgi', '/cgi-bin/camctrl/recall.cgi'] as const;

export function createCameraActions(options: CameraActionsOptions): CameraActions {
  const { cgi, clock, settings } = options;
  const named = (what: string): string => `${what} of "${options.name}"`;
  /** The camera's timer is started anew while an output is held: it must end a hold only where we are gone. */
  const net = createSecondNet(clock, options.log);
  const renewing = new Map<string, Promise<void>>();
  /** Outputs whose state the camera doesn't tell; not asked again on this connection. */
  const mute = new Set<string>();
  let oldSetup = false;
  let recallPath: string | null = null;

  const get = (path: string, signal: AbortSignal): Promise<DeviceResponse> =>
    cgi.http.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });

  async function order(path: string, what: string, signal: AbortSignal): Promise<void> {
    const error = errorIn(await get(path, signal), named(what));
    if (error) throw error;
  }

  /** The first path that the model has; the error of the first where it has none. */
  async function orderAny(paths: readonly string[], what: string, signal: AbortSignal): Promise<string> {
    let first: AlarmflowError | null = null;
    for (const path of paths) {
      try {
        await order(path, what, signal);
        return path;
      } catch (thrown) {
        if (!(thrown instanceof AlarmflowError) || !ABSENT.has(thrown.code)) throw thrown;
        first ??= thrown;
      }
    }
    throw first ?? userError('E_NOT_SUPPORTED', `${named(what)}: this model has no way to do it`);
  }

  function mayUse(port: 'do' | 'vi', what: string): void {
    if (options.denied(port) && port === 'vi')
      throw userError(
        'E_LOW_PRIVILEGE',
        `${named(what)}: the camera's user may not use it. Give that user the privilege of an administrator`,
      );
    if (options.denied(port))
      throw userError(
        'E_LOW_PRIVILEGE',
        `${named(what)}: the camera's user may not use its outputs. Give that user the privilege of an operator (DI/DO)`,
      );
  }

  async function readOutput(output: string, signal: AbortSignal): Promise<boolean | null> {
    const number = portNumber(output, options.name);
    mayUse('do', `Output ${number}`);
    if (mute.has(number)) return null;
    try {
      return (await readPorts(cgi, 'do', [number], signal, TIMEOUT_MS)).get(number) ?? null;
    } catch (thrown) {
      if (!(thrown instanceof AlarmflowError) || !ABSENT.has(thrown.code)) throw thrown;
      mute.add(number);
      return null;
    }
  }

  async function setOutput(
    output: string,
    on: boolean,
    pulseMs: number | null,
    signal: AbortSignal,
  ): Promise<boolean | null> {
    const number = portNumber(output, options.name);
    const what = `Output ${number}`;
    mayUse('do', what);
    net.release(number);
    // A renewal that is under way must not come behind an end.
    await renewing.get(number);
    await orderOutput(number, on, pulseMs, signal);
    const state = await readOutput(number, signal);
    if (state === null || state === on) return state;
    await clock.sleep(SETTLE_MS, signal);
    return readOutput(number, signal);
  }

  /** On until it is told otherwise, with the camera's timer as second net where one is set. */
  async function holdOutput(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null> {
    const most = settings.outputMostMs;
    const state = await setOutput(output, on, most, signal);
    const number = portNumber(output, options.name);
    if (on && most !== null) net.hold(number, most, null, () => renew(number, most));
    return state;
  }

  function renew(number: string, ms: number): Promise<void> {
    const order = orderOutput(number, true, ms, options.closing);
    // Its failure is told to whoever asked for it; here only its end counts.
    const over = order.catch(() => undefined).then(() => void renewing.delete(number));
    renewing.set(number, over);
    return order;
  }

  async function orderOutput(number: string, on: boolean, pulseMs: number | null, signal: AbortSignal): Promise<void> {
    const what = `Output ${number}`;
    const value = on
      ? pulseMs === null
        ? '1'
        : `1(${Math.min(MOST_PULSE_MS, Math.max(1, Math.round(pulseMs)))})0`
      : '0';
    const now = `/cgi-bin/dido/setdo.cgi?do${number}=${value}`;
    // One output, on or off, no timer: all that firmware of that age has.
    const old = `/setup/setdo.cgi?do=${on ? 'h' : 'l'}`;
    const paths = Number(number) > 1 ? [now] : oldSetup ? [old, now] : [now, old];
    oldSetup = (await orderAny(paths, what, signal)) === old;
  }

  async function setVirtualInput(
    number: string,
    on: boolean,
    forMs: number | undefined,
    signal: AbortSignal,
  ): Promise<null> {
    const value = on
      ? forMs === undefined
        ? '1'
        : `1(${Math.min(MOST_PULSE_MS, Math.max(1, Math.round(forMs)))})0`
      : '0';
    mayUse('vi', `Virtual input ${number}`);
    await order(`/cgi-bin/admin/setvi.cgi?vi${number}=${value}`, `Virtual input ${number}`, signal);
    return null;
  }

  function lineOf(kind: SwitchKind, name: string): { port: 'vi' | 'do'; number: string } {
    const match = kind === 'line' ? /^(vi|do)(\d{1,3})$/i.exec(name.trim()) : null;
    if (!match)
      throw userError(
        'E_NOT_SUPPORTED',
        `"${options.name}" has no ${kind} "${name.slice(0, 40)}": it has lines vi0, vi1 … (virtual inputs) and do0, do1 … (outputs)`,
      );
    return { port: match[1]?.toLowerCase() === 'vi' ? 'vi' : 'do', number: String(Number(match[2])) };
  }

  async function gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void> {
    wholeNumber(channel, 'Channel');
    wholeNumber(preset, 'Preset');
    const name = settings.presets.get(preset) ?? (await options.presetName(channel, preset, signal)) ?? String(preset);
    const query = `?recall=${escapeParam(name)}&channel=${channel - 1}`;
    const paths = recallPath === null ? RECALL : [recallPath, ...RECALL.filter((path) => path !== recallPath)];
    const used = await orderAny(
      paths.map((path) => path + query),
      `Preset ${preset} ("${name}")`,
      signal,
    );
    recallPath = used.slice(0, used.indexOf('?'));
  }

  return {
    setOutput: holdOutput,
    readOutput,

    async setSwitch(kind, name, on, manner, signal) {
      const { port, number } = lineOf(kind, name);
      if (port === 'vi') return setVirtualInput(number, on, manner.forMs, signal);
      return manner.forMs === undefined ? holdOutput(number, on, signal) : setOutput(number, on, manner.forMs, signal);
    },

    async readSwitch(kind, name, signal) {
      const { port, number } = lineOf(kind, name);
      return port === 'vi' ? null : readOutput(number, signal);
    },

    async snapshot(channel, signal) {
      wholeNumber(channel, 'Channel');
      const what = named(`Picture of channel ${channel}`);
      const quality = settings.quality === null ? '' : `&quality=${settings.quality}`;
      const response = await get(`/cgi-bin/viewer/video.jpg?channel=${channel - 1}${quality}`, signal);
      const error = errorIn(response, what);
      if (error) throw error;
      const bytes = jpegIn(response.body);
      if (bytes) return { contentType: 'image/jpeg', bytes };
      throw operationalError('E_BAD_PICTURE', `${what}: the camera sent something that is no complete JPEG`);
    },

    close: () => net.close(),

    ...createWatchedPtz({
      gotoPreset,
      ptz: createPtz({ deviceName: options.name, orderAny, gotoPreset }),
      reader: createPtzReader({ cgi, deviceName: options.name, mayLack: () => options.denied('do') }),
      clock,
      log: options.log,
    }),
  };
}

/** Relays are called by their number or as the line `do0`, and lines as the latter; null: no output. */
export function contactOf(kind: 'relay' | SwitchKind, output: string): string | null {
  if (kind !== 'relay' && kind !== 'line') return null;
  const number = (kind === 'relay' ? /^(?:do)?(\d{1,3})$/i : /^do(\d{1,3})$/i).exec(output.trim())?.[1];
  return number === undefined ? null : String(Number(number));
}

/** The number of an output as the camera counts; `do1` and `1` are the same. */
function portNumber(output: string, device: string): string {
  const match = /^(?:do)?(\d{1,3})$/i.exec(output.trim());
  if (!match)
    throw userError(
      'E_BAD_PARAMETER',
      `"${output.slice(0, 40)}" is no output of "${device}": give its number as the camera counts`,
    );
  return String(Number(match[1]));
}

function wholeNumber(value: number, what: string): void {
  if (!Number.isInteger(value) || value < 1 || value > 1_000)
    throw userError('E_BAD_PARAMETER', `${what} ${value} is none: give a whole number from 1`);
}

/** The JPEG in a body, zeros and line ends behind it cut off; null when start or end is missing. */
function jpegIn(body: Buffer): Buffer | null {
  let end = body.length;
  while (end > 0 && (body[end - 1] === 0 || body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end--;
  const whole = end > 4 && body[0] === 0xff && body[1] === 0xd8 && body[end - 2] === 0xff && body[end - 1] === 0xd9;
  return whole ? body.subarray(0, end) : null;
}
