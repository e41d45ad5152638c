import type { Clock, Timer } from '../../../clock/clock';

/** How long the simulated device plays a sound. */
const PLAY_MS = 5_000;

export interface SwitchableState {
  siren: { playing: number | null; plays: number; volume: number };
  lights: { channel: number; mode: string; brightness: number; regulation: string }[];
  external: { on: boolean; brightness: number; frequency: string; seconds: number };
  recording: number[];
  hubSirens: number[];
}

/** Sounds, lights and recordings of the simulated device. */
export interface Switchables extends SwitchableState {
  play(sound: number): void;
  setExternal(on: boolean): void;
  close(): void;
}

export function createSwitchables(channels: number, clock: Clock): Switchables {
  let silence: Timer | null = null;
  let dark: Timer | null = null;
  const own: Switchables = {
    siren: { playing: null, plays: 0, volume: 60 },
    lights: Array.from({ length: channels }, (_, i) => ({
      channel: i + 1,
      mode: 'eventIntelligence',
      brightness: 40,
      regulation: 'auto',
    })),
    external: { on: false, brightness: 50, frequency: 'medium', seconds: 15 },
    recording: [],
    hubSirens: [],
    play(sound) {
      own.siren.playing = sound;
      own.siren.plays++;
      silence?.cancel();
      silence = clock.after(
        PLAY_MS,
        () => {
          own.siren.playing = null;
        },
        { background: true },
      );
    },
    setExternal(on) {
      own.external.on = on;
      dark?.cancel();
      if (on)
        dark = clock.after(
          own.external.seconds * 1000,
          () => {
            own.external.on = false;
          },
          { background: true },
        );
    },
    close() {
      silence?.cancel();
      dark?.cancel();
    },
  };
  return own;
}
