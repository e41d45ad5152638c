import { operationalError, userError } from '../../domain/errors';
import type { Turns } from '../wire/turns';
import { isWord } from './address';
import { callFailure, replyFailure } from './failures';
import { type FeatureList, parseFeatures, parseReplies, type Reply } from './output';
import type { RunTool, ToolOutput } from './tool';

export interface CameraOptions {
  /** For messages. */
  name: string;
  /** `-a …` or `-n …`. */
  address: readonly string[];
  run: RunTool;
  /** One process at a time for one camera, whoever asks. */
  turns: Turns;
  /** Everything that was printed, as it came. */
  onOutput?(output: ToolOutput): void;
}

/** Answer to one item of a call: what was read, or why not. */
export type Answer = Exclude<Reply, { kind: 'other' }>;

export interface CallOptions {
  signal: AbortSignal;
  timeoutMs?: number;
}

/** A feature that others depend on, and what it is to be (PROTOCOLS §6.1: it keeps its value in the camera). */
export interface Selected {
  selector: string;
  value: string;
}

/** One camera through arv-tool. */
export interface Camera {
  /**
   * `Feature` reads, `Feature=value` writes, a command is executed by its name; in order, in one process. The answers
   * come in the same order; one that failed is an answer too. Throws what concerns the whole call.
   */
  control(items: readonly string[], options: CallOptions): Promise<Answer[]>;
  /** Value of every feature named, as printed. Throws for the first that cannot be read. */
  read(names: readonly string[], options: CallOptions): Promise<string[]>;
  /** The same under a selector, set in the same call; throws where the selector does not take the value. */
  readUnder(selected: Selected, names: readonly string[], options: CallOptions): Promise<string[]>;
  /**
   * Writes and returns the value that the camera read back. The selector is tried first in a call of its own: arv-tool
   * goes on after a failure, and the write would reach another line.
   */
  write(feature: string, value: string, selected: Selected | null, options: CallOptions): Promise<string>;
  execute(command: string, selected: Selected | null, options: CallOptions): Promise<void>;
  /** All features that exist. */
  features(options: CallOptions): Promise<FeatureList>;
}

/** Writes out of range and to what is read-only are "accepted" without these (PROTOCOLS §6.1). */
const checks = ['--access-check=enable', '--range-check=enable'];

const CALL_MS = 8_000;
const FEATURES_MS = 30_000;
const FEATURES_BYTES = 4 * 1024 * 1024;

export function createCamera({ name, address, run, turns, onOutput }: CameraOptions): Camera {
  async function call(args: readonly string[], options: CallOptions, maxBytes?: number): Promise<ToolOutput> {
    const { signal, timeoutMs = CALL_MS } = options;
    const done = await turns.take(signal);
    try {
      const output = await run([...address, ...checks, ...args], { signal, timeoutMs, maxBytes });
      onOutput?.(output);
      const failure = callFailure(output, name);
      if (failure) throw failure;
      return output;
    } finally {
      done();
    }
  }

  async function control(items: readonly string[], options: CallOptions): Promise<Answer[]> {
    for (const item of items) checkItem(item, name);
    const { stdout } = await call(['control', ...items], options);
    const replies = parseReplies(stdout).filter((reply): reply is Answer => reply.kind !== 'other');
    return items.map((item, at) => {
      const reply = replies[at];
      if (reply !== undefined && reply.name === item.split('=', 1)[0]) return reply;
      throw operationalError(
        'E_DEVICE_ERROR',
        `"${name}": arv-tool printed nothing for ${item}: the call was cut short; it is tried again`,
      );
    });
  }

  const printed = (answer: Answer | undefined): string => {
    if (answer?.kind === 'value') return answer.text;
    throw replyFailure(answer ?? { kind: 'other', text: '' }, name);
  };

  /** The items under a selector; the answers without the selector's own. */
  async function under(selected: Selected | null, items: readonly string[], options: CallOptions): Promise<Answer[]> {
    if (!selected) return control(items, options);
    const { selector, value } = selected;
    const [chosen, ...rest] = await control([`${selector}=${value}`, ...items], options);
    if (printed(chosen) !== value)
      throw operationalError(
        'E_DEVICE_ERROR',
        `"${name}" did not take ${selector}=${value}: it says ${printed(chosen)}`,
      );
    return rest;
  }

  return {
    control,
    read: async (names, options) => (await control(names, options)).map(printed),
    readUnder: async (selected, names, options) => (await under(selected, names, options)).map(printed),

    async write(feature, value, selected, options) {
      if (selected) await under(selected, [feature], options);
      const [written, back] = await under(selected, [`${feature}=${value}`, feature], options);
      printed(written);
      return printed(back);
    },

    async execute(command, selected, options) {
      if (selected) await under(selected, [], options);
      const [answer] = await under(selected, [command], options);
      if (answer?.kind !== 'executed') throw replyFailure(answer as Exclude<Answer, { kind: 'value' }>, name);
    },

    async features(options) {
      const { stdout } = await call(['features'], { timeoutMs: FEATURES_MS, ...options }, FEATURES_BYTES);
      const features = parseFeatures(stdout);
      if (features.size > 0) return features;
      throw operationalError('E_DEVICE_ERROR', `"${name}" listed no features: is it a GenICam camera?`);
    },
  };
}

/** The last check before the process: words, and values that can mean nothing else. */
function checkItem(item: string, camera: string): void {
  const [feature = '', ...value] = item.split('=');
  const fits =
    isWord(feature) && (value.length === 0 || (value.length === 1 && /^-?[\w.]{1,100}$/.test(value[0] ?? '')));
  if (!fits) throw userError('E_BAD_PARAMETER', `"${item.slice(0, 100)}" is no feature or value for "${camera}"`);
}
