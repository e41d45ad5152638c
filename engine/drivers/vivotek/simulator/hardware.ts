import type { Clock, Timer } from '../../../clock/clock';
import { homePlace, presetPlace, type TurningHead } from '../../simulated/turning-head';

export interface PortState {
  number: number;
  active: boolean;
}

/** Inputs, outputs and position of a simulated camera. */
export interface CameraHardware {
  inputs: PortState[];
  outputs: PortState[];
  virtual: PortState[];
  preset: string | null;
  /** What the camera does by itself, e.g. `patrol`, or `home`; null: nothing. */
  motion: string | null;
  /** Where it looks. */
  readonly head: TurningHead;
  /** Newest last; at most 500. */
  commands: string[];
  /** `1`, `0`, or a pulse `1(1000)0`; false for a port or value that is none. */
  order(port: 'do' | 'vi', number: number, value: string): 'done' | 'unknown' | 'bad' | 'running';
  /** @param number of the preset, from 1 */
  recall(preset: string, number: number): void;
  /** null: it stops. */
  move(motion: string | null): void;
  close(): void;
}

export interface CameraHardwareOptions {
  inputs: number;
  outputs: number;
  clock: Clock;
  head: TurningHead;
  onCommand?(command: string): void;
  /** Orders are taken but not carried out. */
  ignores(): boolean;
}

export function createCameraHardware(options: CameraHardwareOptions): CameraHardware {
  const timers = new Map<string, Timer>();
  const ports = (count: number): PortState[] =>
    Array.from({ length: count }, (_, number) => ({ number, active: false }));
  const log = (command: string): void => {
    hardware.commands.push(command);
    if (hardware.commands.length > 500) hardware.commands.shift();
    options.onCommand?.(command);
  };
  const hardware: CameraHardware = {
    inputs: ports(options.inputs),
    outputs: ports(options.outputs),
    virtual: ports(3),
    preset: null,
    motion: null,
    head: options.head,
    commands: [],
    order(port, number, value) {
      const list = port === 'do' ? hardware.outputs : hardware.virtual;
      const found = list.find((p) => p.number === number);
      if (!found) return 'unknown';
      const pulse = /^([01])(?:\((\d{1,8})\)([01]))?$/.exec(value);
      if (!pulse) return 'bad';
      const key = port + number;
      // A virtual input takes no order while one is running.
      if (port === 'vi' && timers.has(key)) return 'running';
      timers.get(key)?.cancel();
      timers.delete(key);
      log(`${key}=${value}`);
      if (options.ignores()) return 'done';
      found.active = pulse[1] === '1';
      if (pulse[2] !== undefined)
        timers.set(
          key,
          options.clock.after(
            Number(pulse[2]),
            () => {
              timers.delete(key);
              found.active = pulse[3] === '1';
              log(`${key}=${pulse[3]} by its own timer`);
            },
            { background: true },
          ),
        );
      return 'done';
    },
    recall(preset, number) {
      hardware.head.go(presetPlace(number));
      hardware.preset = preset;
      hardware.motion = null;
      log(`recall ${preset}`);
    },
    move(motion) {
      if (motion === 'home') hardware.head.go(homePlace);
      else if (motion === null) hardware.head.stop();
      else hardware.head.wander();
      hardware.motion = motion;
      log(motion ?? 'stop');
    },
    close() {
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
    },
  };
  return hardware;
}
