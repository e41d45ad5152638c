import type { Clock, Timer } from '../../../clock/clock';
import type { TurningHead } from '../../simulated/turning-head';

export type SimulatorModel = 'nvr' | 'camera' | 'thermal';

/** The siren of a camera falls silent by itself after this. */
const SIREN_MS = 10_000;

export interface HardwareOptions {
  inputs: number;
  presets: number;
  clock: Clock;
  head: TurningHead;
  /** Length of the siren's own time; default 10 s. */
  sirenMs?: number;
  onCommand?(command: string): void;
}

/** Inputs, light, siren and position of the device, and what it was told to do. */
export interface Hardware {
  readonly inputs: boolean[];
  light: boolean;
  siren: boolean;
  /** What the thermal channel measures, °C. */
  celsius: number;
  /** How often the siren was started. */
  sirenStarts: number;
  preset: { channel: number; preset: number; at: number } | null;
  readonly presets: number;
  /** What the camera does by itself, e.g. `tour 2`; null: nothing. */
  motion: string | null;
  /** Where it looks. */
  readonly head: TurningHead;
  /** Auxiliary switches that are on. */
  readonly aux: Set<number>;
  /** Newest last; at most 500. */
  readonly commands: { at: number; command: string }[];
  log(command: string): void;
  sound(on: boolean): void;
  close(): void;
}

export function createHardware(options: HardwareOptions): Hardware {
  let silence: Timer | null = null;
  const hardware: Hardware = {
    inputs: Array.from({ length: options.inputs }, () => false),
    light: false,
    siren: false,
    celsius: 21.5,
    sirenStarts: 0,
    preset: null,
    presets: options.presets,
    motion: null,
    head: options.head,
    aux: new Set(),
    commands: [],
    log(command) {
      hardware.commands.push({ at: options.clock.now(), command });
      if (hardware.commands.length > 500) hardware.commands.shift();
      options.onCommand?.(command);
    },
    sound(on) {
      silence?.cancel();
      silence = null;
      hardware.siren = on;
      if (!on) return;
      hardware.sirenStarts++;
      silence = options.clock.after(
        options.sirenMs ?? SIREN_MS,
        () => {
          hardware.siren = false;
          hardware.log('siren off by its own time');
        },
        { background: true },
      );
    },
    close() {
      silence?.cancel();
    },
  };
  return hardware;
}
