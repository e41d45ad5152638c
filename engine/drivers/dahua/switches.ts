import type { Clock } from '../../clock/clock';
import type { SwitchKind, SwitchManner } from '../../domain/devices';
import { asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { FormerSettings } from '../former-settings';
import { createSecondNet } from '../second-net';
import { listIn } from './answer';
import type { Cgi } from './cgi';
import type { RecordMode } from './options';

/** The siren of a camera falls silent by itself after about this time (PROTOCOLS §2.6). */
const SIREN_MS = 10_000;
const SETTLE_MS = 300;
/** Values of `RecordMode[n].Mode`. */
const modeValues: Readonly<Record<RecordMode, string>> = { auto: '0', manual: '1', off: '2' };
const coaxialTypes = { light: '1', siren: '2' } as const;
/** Fields of getStatus, as spelt by different firmware. */
const coaxialFields = {
  light: ['status.status.WhiteLight', 'status.WhiteLight', 'WhiteLight'],
  siren: ['status.status.Speaker', 'status.Speaker', 'Speaker'],
} as const;

export interface SwitchesOptions {
  cgi: Cgi;
  deviceName: string;
  normalRecordMode: RecordMode;
  /** Modes of recording found before we switched it on. */
  former: FormerSettings;
  clock: Clock;
  log: Log;
  /** Aborts with the connection. */
  closing: AbortSignal;
}

/** White light, siren and manual recording (PROTOCOLS §2.6). A switch is named by its channel, counted from 1. */
export interface Switches {
  set(kind: SwitchKind, name: string, on: boolean, manner: SwitchManner, signal: AbortSignal): Promise<boolean | null>;
  read(kind: SwitchKind, name: string, signal: AbortSignal): Promise<boolean | null>;
  close(): void;
}

export function createSwitches(options: SwitchesOptions): Switches {
  const { cgi, deviceName, normalRecordMode, former, clock, log, closing } = options;
  /** A held siren is started again and again; a crash of ours leaves it to its own time. */
  const sirens = createSecondNet(clock, log);

  // ---- siren and light ----

  const coaxial = (kind: 'light' | 'siren', channel: number): string =>
    `${kind === 'light' ? 'White light' : 'Siren'} of channel ${channel} of "${deviceName}"`;

  const control = (kind: 'light' | 'siren', channel: number, on: boolean, signal: AbortSignal): Promise<string> =>
    cgi.text(
      {
        name: 'coaxialControlIO',
        parameters: [
          ['action', 'control'],
          ['channel', String(channel)],
          ['info[0].Type', coaxialTypes[kind]],
          ['info[0].IO', on ? '1' : '2'],
        ],
        signal,
      },
      coaxial(kind, channel),
    );

  async function readCoaxial(kind: 'light' | 'siren', channel: number, signal: AbortSignal): Promise<boolean | null> {
    const request = {
      name: 'coaxialControlIO',
      parameters: [
        ['action', 'getStatus'],
        ['channel', String(channel)],
      ] as const,
      signal,
    };
    let table: Map<string, string>;
    try {
      table = await cgi.table(request, coaxial(kind, channel));
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (error.code === 'E_NOT_SUPPORTED' || error.code === 'E_BAD_PARAMETER') return null;
      throw thrown;
    }
    for (const field of coaxialFields[kind]) {
      const value = table.get(field)?.toLowerCase();
      if (value === 'on' || value === '1' || value === 'true') return true;
      if (value === 'off' || value === '0' || value === '2' || value === 'false') return false;
    }
    return null;
  }

  async function setCoaxial(
    kind: 'light' | 'siren',
    channel: number,
    on: boolean,
    manner: SwitchManner,
    signal: AbortSignal,
  ): Promise<boolean | null> {
    if (kind === 'siren') sirens.release(String(channel));
    await control(kind, channel, on, signal);
    if (kind === 'siren' && on)
      sirens.hold(String(channel), SIREN_MS, manner.forMs ?? null, () => control('siren', channel, true, closing));
    const state = await readCoaxial(kind, channel, signal);
    if (state === null || state === on) return state;
    await clock.sleep(SETTLE_MS, signal);
    return readCoaxial(kind, channel, signal);
  }

  // ---- recording ----

  const recording = (channel: number): string => `Recording of channel ${channel} of "${deviceName}"`;

  async function readMode(channel: number, signal: AbortSignal): Promise<string> {
    const request = {
      name: 'configManager',
      parameters: [
        ['action', 'getConfig'],
        ['name', 'RecordMode'],
      ] as const,
      signal,
    };
    const mode = listIn(await cgi.table(request, recording(channel)), 'RecordMode', '.Mode').get(channel - 1);
    if (mode !== undefined) return mode;
    throw userError('E_BAD_PARAMETER', `${recording(channel)}: the device has no such channel`);
  }

  const writeMode = (channel: number, mode: string, signal: AbortSignal): Promise<string> =>
    cgi.text(
      {
        name: 'configManager',
        parameters: [
          ['action', 'setConfig'],
          [`RecordMode[${channel - 1}].Mode`, mode],
        ],
        signal,
      },
      recording(channel),
    );

  async function setRecord(channel: number, on: boolean, signal: AbortSignal): Promise<boolean | null> {
    const before = await readMode(channel, signal);
    const isManual = before === modeValues.manual;
    let wanted = modeValues.manual;
    if (on) {
      if (!isManual) await former.keep(formerName(channel), before);
    } else {
      // Not on manual: somebody else has set it meanwhile, and that counts.
      wanted = isManual ? ((await former.get(formerName(channel))) ?? modeValues[normalRecordMode]) : before;
    }
    if (wanted !== before) await writeMode(channel, wanted, signal);
    const after = await readMode(channel, signal);
    if (after !== wanted)
      throw operationalError(
        'E_DEVICE_ERROR',
        `${recording(channel)}: the device did not take the mode. It is tried again`,
      );
    if (!on) await former.forget(formerName(channel));
    return recordsManually(channel, after);
  }

  /** Where it always records by hand nobody can tell whether it does so for us. */
  const recordsManually = async (channel: number, mode: string): Promise<boolean | null> =>
    mode === modeValues.manual && normalRecordMode === 'manual' && (await former.get(formerName(channel))) === undefined
      ? null
      : mode === modeValues.manual;

  return {
    set(kind, name, on, manner, signal) {
      if (kind === 'line') return Promise.reject(noLine(deviceName));
      const channel = channelOf(name, deviceName);
      return kind === 'record' ? setRecord(channel, on, signal) : setCoaxial(kind, channel, on, manner, signal);
    },
    async read(kind, name, signal) {
      if (kind === 'line') throw noLine(deviceName);
      const channel = channelOf(name, deviceName);
      if (kind !== 'record') return readCoaxial(kind, channel, signal);
      return recordsManually(channel, await readMode(channel, signal));
    },
    close: () => sirens.close(),
  };
}

const formerName = (channel: number): string => `record-mode-${channel}`;

const noLine = (device: string): Error =>
  userError('E_NOT_SUPPORTED', `"${device}" has no lines: choose a siren, a light, a recording or an alarm output`);

function channelOf(name: string, device: string): number {
  const text = name.trim() === '' ? '1' : name.trim();
  const channel = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (channel > 0) return channel;
  throw userError('E_BAD_PARAMETER', `"${name.slice(0, 40)}" is no channel of "${device}": give its number, from 1`);
}
