import type { Clock } from '../../clock/clock';

/** Where a simulated camera looks: degrees to the right and up, and times of zoom. */
export interface HeadPlace {
  pan: number;
  tilt: number;
  zoom: number;
}

export interface TurningHead {
  /** Begins to turn there. */
  go(place: HeadPlace): void;
  /** Turns round by itself from here on. */
  wander(): void;
  /** Stays where it is. */
  stop(): void;
  read(): HeadPlace & { moving: boolean };
}

export interface TurningHeadOptions {
  clock: Clock;
  /** It takes every order and stays where it is. */
  isStuck(): boolean;
  /** It takes seconds for a turn. */
  isSlow(): boolean;
}

const TURN_MS = 250;
const SLOW_TURN_MS = 2_500;
const WANDER_DEGREES_PER_S = 20;

export const homePlace: HeadPlace = { pan: 200, tilt: 12, zoom: 1 };

/** Presets all look elsewhere. */
export const presetPlace = (number: number): HeadPlace => ({
  pan: (number * 37) % 360,
  tilt: (number * 7) % 60,
  zoom: 1 + (number % 5),
});

export function createTurningHead({ clock, isStuck, isSlow }: TurningHeadOptions): TurningHead {
  let from: HeadPlace = { pan: 20, tilt: 5, zoom: 1 };
  let to: HeadPlace = from;
  let since = clock.monotonic();
  let durationMs = 0;
  let wandering = false;

  function read(): HeadPlace & { moving: boolean } {
    const passed = clock.monotonic() - since;
    if (wandering) {
      const pan = (from.pan + (passed / 1_000) * WANDER_DEGREES_PER_S) % 360;
      return { ...from, pan, moving: true };
    }
    const part = durationMs === 0 ? 1 : Math.min(1, passed / durationMs);
    const between = (axis: keyof HeadPlace): number => from[axis] + (to[axis] - from[axis]) * part;
    return { pan: between('pan'), tilt: between('tilt'), zoom: between('zoom'), moving: part < 1 };
  }

  function begin(place: HeadPlace | null): void {
    if (isStuck()) return;
    const { moving: _moving, ...here } = read();
    from = here;
    to = place ?? here;
    since = clock.monotonic();
    durationMs = isSlow() ? SLOW_TURN_MS : TURN_MS;
    wandering = false;
  }

  return {
    go: (place) => begin(place),
    wander() {
      begin(null);
      wandering = !isStuck();
    },
    stop: () => begin(null),
    read,
  };
}
