import type { Clock } from '../../clock/clock';
import type { SwitchKind, SwitchManner } from '../../domain/devices';
import { userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { FormerSettings } from '../former-settings';
import type { DeviceHttp } from '../wire';
import { createIsapiCalls } from './isapi-calls';
import { createLight, type Light } from './light';
import type { NormalLight } from './option-words';
import { createRecording, type Recording } from './recording';
import { createSiren, type Siren } from './siren';

export interface SwitchesOptions {
  http: DeviceHttp;
  deviceName: string;
  normalLight: NormalLight;
  former: FormerSettings;
  clock: Clock;
  log: Log;
  /** Aborts with the connection. */
  closing: AbortSignal;
}

/** Audible alarm, white light and manual recording (PROTOCOLS §1.7). */
export interface Switches {
  readonly siren: Siren;
  readonly light: Light;
  readonly recording: Recording;
  set(kind: SwitchKind, name: string, on: boolean, manner: SwitchManner, signal: AbortSignal): Promise<boolean | null>;
  read(kind: SwitchKind, name: string, signal: AbortSignal): Promise<boolean | null>;
  close(): void;
}

export function createSwitches(options: SwitchesOptions): Switches {
  const { deviceName, clock, log, closing, normalLight, former } = options;
  const calls = createIsapiCalls(options.http);
  const siren = createSiren({ calls, deviceName, former, clock, log, closing });
  const light = createLight({ calls, deviceName, normalLight, former, clock });
  const recording = createRecording(calls, deviceName, clock);
  const noLine = (): Error =>
    userError(
      'E_NOT_SUPPORTED',
      `"${deviceName}" has no lines: choose a siren, a light, a recording or an alarm output`,
    );

  return {
    siren,
    light,
    recording,
    async set(kind, given, on, manner, signal) {
      const name = given.trim();
      if (kind === 'siren') return siren.set(name, on, manner, signal);
      if (kind === 'light') return light.set(name, on, manner, signal);
      if (kind === 'record') return recording.set(name, on, signal);
      throw noLine();
    },
    async read(kind, given, signal) {
      const name = given.trim();
      if (kind === 'light') return light.read(name, signal);
      if (kind === 'record') return recording.read(name, signal);
      // What it plays can't be read.
      if (kind === 'siren') return null;
      throw noLine();
    },
    close: () => siren.close(),
  };
}
