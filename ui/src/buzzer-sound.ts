/** The buzzer of an open console: two tones in turn, made by the browser. */

interface Pattern {
  /** Hertz, in turn. */
  tones: readonly number[];
  /** Milliseconds that each lasts; a tone of 0 Hz is a pause. */
  each: number;
}

const patterns: readonly [Pattern, ...Pattern[]] = [
  { tones: [880, 660], each: 450 },
  { tones: [1_000, 0], each: 180 },
  { tones: [700, 0, 700, 0, 0, 0], each: 250 },
];

export interface BuzzerSound {
  sound?: number | undefined;
  /** 0–100. */
  volume?: number | undefined;
  /** Rounds of its pattern, after which it is silent; absent: until it is silenced. */
  times?: number | undefined;
  /** From when the times count: an earlier moment begins nothing anew. null: from the beginning of the sound. */
  since?: number | null;
}

export interface Buzzer {
  /** Begins a sound; the one that is sounding, or has sounded its times, is left alone. Returns whether it began. */
  play(wanted: BuzzerSound): boolean;
  silence(): void;
  close(): void;
}

/** Least tones of one round: a round of the shortest pattern would be no more than a click. */
const LEAST_TONES = 6;

/**
 * @param onBlocked told whether the browser keeps quiet until somebody has clicked into the page
 * @param onDone told when it has sounded its times
 */
export function createBuzzer(onBlocked: (blocked: boolean) => void, onDone: () => void = () => undefined): Buzzer {
  let context: AudioContext | null = null;
  let source: OscillatorNode | null = null;
  let loudness: GainNode | null = null;
  let timer: ReturnType<typeof setInterval> | undefined;
  let playing = '';
  let begunSince = 0;

  const tellState = (): void => onBlocked(playing !== '' && context?.state !== 'running');

  function wake(): void {
    // Refused until a person has touched the page; each touch tries again.
    context?.resume().then(tellState, tellState);
  }

  function begin(): { context: AudioContext; source: OscillatorNode; loudness: GainNode } {
    context ??= new AudioContext();
    context.onstatechange = tellState;
    if (!source || !loudness) {
      source = context.createOscillator();
      loudness = context.createGain();
      loudness.gain.value = 0;
      source.type = 'square';
      source.connect(loudness).connect(context.destination);
      source.start();
    }
    return { context, source, loudness };
  }

  function silence(): void {
    clearInterval(timer);
    playing = '';
    loudness?.gain.setValueAtTime(0, 0);
    if (loudness) loudness.gain.value = 0;
    onBlocked(false);
  }

  for (const touch of ['pointerdown', 'keydown'] as const) addEventListener(touch, wake);

  return {
    play({ sound = 1, volume = 60, times, since }) {
      const wanted = `${sound}/${volume}/${times}`;
      if (wanted === playing && (times === undefined || (since ?? 0) <= begunSince)) return false;
      silence();
      playing = wanted;
      begunSince = since ?? 0;
      const parts = begin();
      const { tones, each } = patterns[(sound - 1) % patterns.length] ?? patterns[0];
      let at = 0;
      const round = Math.ceil(LEAST_TONES / tones.length) * tones.length;
      const next = (): void => {
        // A browser that must be silent has not sounded: it begins when somebody has touched the page.
        if (parts.context.state !== 'running') at = 0;
        if (times !== undefined && at >= times * round) {
          clearInterval(timer);
          parts.loudness.gain.value = 0;
          onDone();
          return;
        }
        const tone = tones[at++ % tones.length] ?? 0;
        if (tone > 0) parts.source.frequency.value = tone;
        // A square wave is loud: a quarter of the scale is enough.
        parts.loudness.gain.value = tone > 0 ? (Math.min(100, Math.max(0, volume)) / 100) * 0.25 : 0;
      };
      next();
      timer = setInterval(next, each);
      wake();
      tellState();
      return true;
    },
    silence,
    close() {
      silence();
      for (const touch of ['pointerdown', 'keydown'] as const) removeEventListener(touch, wake);
      void context?.close();
    },
  };
}
