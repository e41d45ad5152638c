import type { Clock, Timer } from '../../../clock/clock';
import type { TurningHead } from '../../simulated/turning-head';

export interface SimulatedRelay {
  token: string;
  /** Logical state: active. */
  on: boolean;
}

/** Relays, inputs, presets, recording and lamp of a simulated ONVIF device. */
export interface OnvifHardware {
  relays: SimulatedRelay[];
  inputs: { token: string; active: boolean }[];
  presets: { token: string; name: string }[];
  position: { channel: number; preset: string } | null;
  /** What the camera does by itself, e.g. `tour Tour_2`, or `home`; null: nothing. */
  motion: string | null;
  /** Where it looks. */
  readonly head: TurningHead;
  /** Tokens of the tours. */
  tours: string[];
  wiper: boolean;
  recording: boolean;
  lamp: boolean;
  /** A monostable relay falls back after this. */
  delayMs: number;
  /** false: there is no such relay. */
  switchRelay(token: string, on: boolean, monostable: boolean): boolean;
  close(): void;
}

export function createOnvifHardware(
  counts: { relays: number; inputs: number; presets: number; delayMs: number; head: TurningHead },
  clock: Clock,
  changed: (relay: SimulatedRelay) => void,
): OnvifHardware {
  const timers = new Map<string, Timer>();
  const tokens = (count: number, width: number): string[] =>
    Array.from({ length: count }, (_, i) => String(i).padStart(width, '0'));
  const hardware: OnvifHardware = {
    relays: tokens(counts.relays, 3).map((token) => ({ token, on: false })),
    inputs: tokens(counts.inputs, 3).map((token) => ({ token, active: false })),
    presets: Array.from({ length: counts.presets }, (_, i) => ({ token: `Preset_${i + 1}`, name: `Place ${i + 1}` })),
    position: null,
    motion: null,
    head: counts.head,
    tours: ['Tour_1', 'Tour_2'],
    wiper: false,
    recording: false,
    lamp: false,
    delayMs: counts.delayMs,
    switchRelay(token, on, monostable) {
      const relay = hardware.relays.find((r) => r.token === token);
      if (!relay) return false;
      timers.get(token)?.cancel();
      relay.on = on;
      changed(relay);
      if (on && monostable)
        timers.set(
          token,
          clock.after(
            hardware.delayMs,
            () => {
              relay.on = false;
              changed(relay);
            },
            { background: true },
          ),
        );
      return true;
    },
    close() {
      for (const timer of timers.values()) timer.cancel();
    },
  };
  return hardware;
}
