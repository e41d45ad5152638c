import type { Clock, Timer } from '../../../clock/clock';
import { homePlace, presetPlace, type TurningHead } from '../../simulated/turning-head';

export type SimulatorModel = 'thermal' | 'camera' | 'nvr';

/** Outputs, inputs, presets of the device, and what it was told to do. */
export interface Hardware {
  outputs: { id: number; name: string; on: boolean }[];
  inputs: { id: number; name: string; active: boolean }[];
  preset: { channel: number; preset: number; at: number } | null;
  presets: number;
  /** What the camera does by itself or last did on command, e.g. `patrol 2`; null: it stands still where it was left. */
  motion: string | null;
  /** Where it looks. */
  readonly head: TurningHead;
  /** Auxiliary switches that are on. */
  aux: Set<number>;
  /** Newest last; at most 500. */
  commands: { at: number; command: string }[];
  /** True when the output exists. */
  setOutput(id: number, on: boolean): boolean;
  setInput(id: number, active: boolean): void;
  gotoPreset(channel: number, preset: number): boolean;
  /** null: it stops. */
  move(motion: string | null): void;
  setAux(number: number, on: boolean): void;
  /** Notes a command that is none of the above. */
  command(text: string): void;
  close(): void;
}

export interface HardwareOptions {
  outputs: number;
  inputs: number;
  presets: number;
  /** The outputs' own delay after which they switch off by themselves; 0: never. */
  pulseMs: number;
  clock: Clock;
  head: TurningHead;
  /** Told of every command at once, also of those that the list has dropped. */
  onCommand?(command: string): void;
}

/** Presets that begin or end a scan instead of turning the camera somewhere. */
const specialPresets: ReadonlyMap<number, string | null> = new Map([
  [96, null],
  [97, 'random scan'],
  [98, 'frame scan'],
  [99, 'auto scan'],
  [100, 'tilt scan'],
  [101, 'panorama scan'],
]);

export function createHardware(options: HardwareOptions): Hardware {
  const timers = new Map<number, Timer>();
  const log = (command: string): void => {
    hardware.commands.push({ at: options.clock.now(), command });
    if (hardware.commands.length > 500) hardware.commands.shift();
    options.onCommand?.(command);
  };
  const hardware: Hardware = {
    outputs: Array.from({ length: options.outputs }, (_, i) => ({ id: i + 1, name: `A<->${i + 1}`, on: false })),
    inputs: Array.from({ length: options.inputs }, (_, i) => ({ id: i + 1, name: `A<-${i + 1}`, active: false })),
    preset: null,
    presets: options.presets,
    motion: null,
    head: options.head,
    aux: new Set(),
    commands: [],
    command: log,
    setOutput(id, on) {
      const output = hardware.outputs.find((o) => o.id === id);
      if (!output) return false;
      output.on = on;
      log(`output ${id} ${on ? 'on' : 'off'}`);
      timers.get(id)?.cancel();
      if (on && options.pulseMs > 0)
        timers.set(
          id,
          options.clock.after(
            options.pulseMs,
            () => {
              output.on = false;
              log(`output ${id} off by its own delay`);
            },
            { background: true },
          ),
        );
      return true;
    },
    setInput(id, active) {
      const input = hardware.inputs.find((i) => i.id === id);
      if (input) input.active = active;
    },
    gotoPreset(channel, preset) {
      const scan = specialPresets.get(preset);
      if (scan !== undefined && options.presets > 0) {
        hardware.move(scan);
        return true;
      }
      if (preset < 1 || preset > options.presets) return false;
      hardware.motion = null;
      hardware.head.go(presetPlace(preset));
      hardware.preset = { channel, preset, at: options.clock.now() };
      log(`channel ${channel} preset ${preset}`);
      return true;
    },
    move(motion) {
      if (motion === 'home') hardware.head.go(homePlace);
      else if (motion === null) hardware.head.stop();
      else hardware.head.wander();
      hardware.motion = motion;
      log(motion === null ? 'stop' : motion);
    },
    setAux(number, on) {
      if (on) hardware.aux.add(number);
      else hardware.aux.delete(number);
      log(`aux ${number} ${on ? 'on' : 'off'}`);
    },
    close() {
      for (const timer of timers.values()) timer.cancel();
    },
  };
  return hardware;
}
