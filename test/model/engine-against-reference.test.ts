/**
 * Random lives of one trigger with one relay, on the engine's own alarms, outputs and timers, beside a reference that is
 * simple enough to be read against DESIGN. After every command both must have told and done the same.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { EventPhase } from '../../engine/domain/events';
import { type AlarmPolicy, defaultPolicy } from '../../engine/domain/triggers';
import { type Command, liveBoth } from './lives';
import type { ReferenceHold } from './reference';

/** All of them in CI; fewer for whoever waits. */
const RUNS = Number(process.env.MODEL_RUNS ?? (process.env.ALARMFLOW_REQUIRE_ALL === '1' ? 10_000 : 300));
const SEED = process.env.MODEL_SEED === undefined ? undefined : Number(process.env.MODEL_SEED);

const times = (...ms: number[]) => fc.constantFrom(...ms);

/** What every policy draws. */
const timing = {
  onDelayMs: times(0, 0, 700, 3_000),
  repeat: fc.option(fc.record({ count: fc.integer({ min: 2, max: 3 }), withinMs: times(2_000, 5_000) }), {
    nil: null,
    freq: 3,
  }),
  antiDitherMs: times(0, 2_500, 8_000),
  antiDitherMode: fc.constantFrom('fixed' as const, 'sliding' as const),
  offDelayMs: times(0, 0, 1_500),
  quietMs: fc.constantFrom(null, null, 0, 2_200),
  latched: fc.constantFrom(false, false, true),
};
const asPolicy = (fields: Partial<AlarmPolicy>): AlarmPolicy => ({
  ...defaultPolicy,
  ...fields,
  keyParts: ['device', 'channel', 'type'],
});
/** Half of them time events and do nothing else: a gate that is mostly shut shows little of those behind it. */
const policies: fc.Arbitrary<AlarmPolicy> = fc.oneof(
  fc.record(timing).map(asPolicy),
  fc
    .record({
      ...timing,
      enabled: fc.oneof({ arbitrary: fc.constant(true), weight: 9 }, { arbitrary: fc.constant(false), weight: 1 }),
      scheduleId: fc.constantFrom(null, 'minutes'),
      atWindowOpen: fc.constantFrom('raise' as const, 'ignore' as const),
      atWindowClose: fc.constantFrom('let-run' as const, 'end' as const),
    })
    .map(asPolicy),
);

const holds: fc.Arbitrary<ReferenceHold> = fc.record({
  afterClearMs: fc.constantFrom(0, 0, 1_300, 6_000, null),
  capMs: fc.constantFrom(null, 4_000),
});

const channels = fc.constantFrom(0 as const, 0 as const, 1 as const);
/** Odd on purpose, so that what one command began does not end at the very moment of another. */
const waits = fc
  .tuple(fc.constantFrom(0, 1, 3, 7, 7, 20, 90, 450), fc.integer({ min: 1, max: 199 }))
  .map(([many, little]) => many * 211 + little * 7 + 1);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('event' as const),
      channel: channels,
      phase: fc.constantFrom<EventPhase>('start', 'start', 'stop', 'stop', 'pulse', 'refresh', 'snapshot'),
      fate: fc.constantFrom(
        'kept' as const,
        'kept' as const,
        'kept' as const,
        'kept' as const,
        'refused' as const,
        'lost' as const,
      ),
    }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: waits }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('acknowledge' as const, 'reset' as const), channel: channels }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('arm' as const),
      armed: fc.boolean(),
      fate: fc.constantFrom('kept' as const, 'kept' as const, 'refused' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shelve' as const), ms: times(2_003, 7_001) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unshelve' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      downMs: fc.constantFrom(0, 1, 2_711, 13_007),
      setBackMs: fc.constantFrom(0, 0, 0, 3_600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.constantFrom(-3_600_000, -4_111, 2_333, 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deploy' as const), policy: policies }) },
);

describe('the engine against a simple reference', () => {
  it(
    `does the same in ${RUNS} random lives with restarts, lost writes, deploys and clock jumps (10,000 with ALARMFLOW_REQUIRE_ALL=1)`,
    () =>
      fc.assert(
        fc.asyncProperty(policies, holds, fc.array(command, { minLength: 6, maxLength: 32, size: 'max' }), liveBoth),
        {
          numRuns: RUNS,
          ...(SEED !== undefined && { seed: SEED }),
        },
      ),
    600_000,
  );

  const event = (phase: EventPhase, fate: 'kept' | 'refused' | 'lost' = 'kept'): Command => ({
    do: 'event',
    channel: 0,
    phase,
    fate,
  });
  const wait = (ms: number): Command => ({ do: 'wait', ms });
  const quiet = asPolicy({ antiDitherMs: 0, quietMs: 2_200 });

  it.each<[string, AlarmPolicy, ReferenceHold, Command[]]>([
    [
      'a start that was not written leaves the relay as it was',
      asPolicy({ antiDitherMs: 0 }),
      { afterClearMs: 0, capMs: null },
      [event('start'), event('stop'), event('start', 'refused'), wait(8), event('start')],
    ],
    [
      'a quiet time that moved on before a restart still ends the alarm',
      quiet,
      { afterClearMs: 0, capMs: null },
      [event('start'), wait(1_500), event('refresh'), { do: 'restart', downMs: 1_001 }, wait(5_000)],
    ],
    [
      'a countdown keeps its length when a change was lost before it and the clock is set back during it',
      quiet,
      { afterClearMs: 6_000, capMs: null },
      [event('start'), event('stop', 'refused'), wait(2_203), { do: 'jump', ms: -3_600_000 }, wait(95_000)],
    ],
    [
      'a countdown and a shelf go on as they were when the clock was set back while the process was away',
      quiet,
      { afterClearMs: 6_000, capMs: null },
      [
        event('start'),
        event('stop'),
        wait(2_003),
        { do: 'shelve', ms: 7_001 },
        { do: 'restart', downMs: 2_711, setBackMs: 3_600_000 },
        wait(3_990),
        wait(20),
        event('start'),
        wait(4_000),
      ],
    ],
    [
      'a jump that was noticed is not counted once more by the next start',
      quiet,
      { afterClearMs: 6_000, capMs: null },
      [
        event('start'),
        { do: 'shelve', ms: 7_001 },
        event('stop'),
        { do: 'jump', ms: -3_600_000 },
        wait(1_000),
        { do: 'restart', downMs: 0 },
        wait(4_000),
        event('start'),
        wait(4_000),
      ],
    ],
    [
      'a condition seen again while disarmed is not thought silent after a restart',
      quiet,
      { afterClearMs: 0, capMs: null },
      [
        { do: 'arm', armed: false, fate: 'kept' },
        event('start'),
        wait(2_001),
        event('refresh'),
        { do: 'restart', downMs: 1_001 },
        { do: 'arm', armed: true, fate: 'kept' },
      ],
    ],
  ])('%s', (_title, policy, hold, commands) => liveBoth(policy, hold, commands));
});
