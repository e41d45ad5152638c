import type { EventDraft, EventPhase } from '../../domain/events';
import { createSwitchStates } from '../switch-states';
import type { LineLevels } from './lines';
import type { InputLine } from './options';

/** Turns the levels that were read into events. Pure: the time comes with each look. */
export interface InputWatch {
  /** @param at milliseconds on a clock that never goes back */
  seen(read: LineLevels, at: number): EventDraft[];
  /** What is known becomes doubtful: no edge is made of what changed while nobody looked. */
  connectionLost(): void;
}

interface Known {
  /** Level that counts, or null before the first. */
  level: boolean | null;
  /** Level last read and since when it was read unchanged. */
  last: boolean;
  since: number;
}

/** @param debounceMs how long a level must be read unchanged before it counts */
export function createInputWatch(inputs: readonly InputLine[], debounceMs: number): InputWatch {
  const states = createSwitchStates();
  const known = new Map<string, Known>();

  function settled(line: string, level: boolean, at: number): { before: boolean | null } | null {
    const was = known.get(line);
    if (!was) {
      // The first level is what it is; there is nothing that it could bounce from.
      known.set(line, { level, last: level, since: at });
      return { before: null };
    }
    if (was.last !== level) {
      was.last = level;
      was.since = at;
    }
    if (was.level === level || at - was.since < debounceMs) return null;
    const before = was.level;
    was.level = level;
    return { before };
  }

  return {
    seen({ levels, raw }, at) {
      const drafts: EventDraft[] = [];
      for (const input of inputs) {
        const read = levels.get(input.line);
        if (read === undefined) continue;
        const level = read !== input.inverted;
        const change = settled(input.line, level, at);
        const phase = input.pulse
          ? pulse(input, level, change)
          : change && states.observe(input.line, level === (input.edge === 'rising'), false);
        if (phase) drafts.push(draftOf(input, phase, read, raw));
      }
      return drafts;
    },
    connectionLost() {
      states.connectionLost();
      known.clear();
    },
  };
}

function pulse(input: InputLine, level: boolean, change: { before: boolean | null } | null): EventPhase | null {
  if (!change || change.before === null) return null;
  return input.edge === 'any' || (input.edge === 'rising') === level ? 'pulse' : null;
}

const draftOf = (input: InputLine, phase: EventPhase, level: boolean, raw: string): EventDraft => ({
  type: 'digital-input',
  vendorType: 'LineStatus',
  phase,
  input: input.line,
  description: `${input.line} is ${level ? 'high' : 'low'}`,
  deviceTime: null,
  deviceAt: null,
  raw: raw.slice(0, 64 * 1024),
});
