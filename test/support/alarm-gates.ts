/** Drives one gate machine through a script, timers included, and writes down what it does. */
import { type ArmingVerdict, armedAlways } from '../../engine/domain/arming';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { defaultPolicy } from '../../engine/domain/triggers';
import {
  type GateContext,
  type GateEffect,
  type GateInput,
  type GateSignal,
  type GateState,
  gateMachine,
  initialState,
  nextDue,
} from '../../engine/gates';

export const openContext: GateContext = {
  arming: armedAlways,
  schedule: { armed: true, detail: 'always armed' },
  shelf: null,
  flood: null,
};

/** A policy with every timing field off, except what is given. */
export const bare = (fields: Partial<AlarmPolicy> = {}): AlarmPolicy => ({
  ...defaultPolicy,
  antiDitherMs: 0,
  ...fields,
});

export interface Drive {
  state: GateState;
  /** Everything that happened, oldest first. */
  readonly effects: GateEffect[];
  /** Used for signals and timers from now on. */
  context: GateContext;
  policy: AlarmPolicy;
  /** Puts an event in; unnamed fields are those of a plain start. Returns the effects of this input and what was due. */
  signal(at: number, fields?: Partial<GateSignal>): GateEffect[];
  input(input: GateInput): GateEffect[];
  /** The wall clock was set by `by`; nothing that seems due on it is handled. */
  carryOver(at: number, by: number): void;
  /** Handles what is due by then. */
  until(at: number): GateEffect[];
  /** `12.5 raise`-like lines of all effects that change an alarm; times in seconds. */
  story(): string[];
  /** `outcome/reason` of the last decision. */
  last(): string;
  detail(): string;
}

let serial = 0;

export function drive(policy: AlarmPolicy): Drive {
  const self: Drive = {
    state: initialState,
    effects: [],
    context: openContext,
    policy,
    signal(at, fields = {}) {
      serial++;
      return self.input({
        kind: 'signal',
        at,
        phase: 'start',
        eventId: `e${serial}`,
        identity: null,
        stream: 'vmd',
        level: 'alarm',
        quietMs: null,
        late: null,
        filter: null,
        context: self.context,
        ...fields,
      });
    },
    input(input) {
      const before = self.effects.length;
      self.until(input.at);
      step(input);
      return self.effects.slice(before);
    },
    carryOver: (at, by) => step({ kind: 'clock', at, by }),
    until(at) {
      const before = self.effects.length;
      // Turned from one timer to the next, as a clock does: a reminder is told at the moment that is asked for.
      for (let turned = earliest(self.state); turned !== null && turned <= at; turned = earliest(self.state)) {
        const due = nextDue(self.state, turned);
        if (due === null) break;
        step({ kind: 'timer', name: due.name, at: due.at, context: self.context });
      }
      return self.effects.slice(before);
    },
    story: () =>
      self.effects.flatMap((effect) => {
        const told = [
          'raise',
          'escalate',
          'de-escalate',
          'merge',
          'resume',
          'remind',
          'entry',
          'clear',
          'end',
          'acknowledge',
        ];
        return 'at' in effect && told.includes(effect.kind) ? [`${effect.at / 1_000} ${effect.kind}`] : [];
      }),
    last: () => {
      const decided = self.effects.filter((effect) => effect.kind === 'decide').at(-1);
      return decided === undefined ? '' : `${decided.outcome}/${decided.reason}`;
    },
    detail: () => self.effects.filter((effect) => effect.kind === 'decide').at(-1)?.detail ?? '',
  };
  const step = (input: GateInput): void => {
    const { state, effects } = gateMachine(self.policy)(self.state)(input);
    self.state = state;
    self.effects.push(...effects);
  };
  return self;
}

function earliest(state: GateState): number | null {
  const set = Object.values(state.timers);
  return set.length === 0 ? null : Math.min(...set);
}

/** Seconds as milliseconds. */
export const s = (seconds: number): number => seconds * 1_000;

/** As told while the whole site is disarmed. */
export const siteDisarmed: ArmingVerdict = { ...armedAlways, armed: false, detail: 'the site is disarmed' };
