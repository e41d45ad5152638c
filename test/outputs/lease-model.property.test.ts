import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HoldPolicy } from '../../engine/domain/outputs';
import { BenchSite } from './bench-site';
import { LeaseModel } from './lease-model';

const nodes = [
  { nodeId: 'n1', output: '1' },
  { nodeId: 'n2', output: '1' },
  { nodeId: 'n3', output: '2' },
];

const cap = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 25_000 }));
const hold: fc.Arbitrary<HoldPolicy> = fc.oneof(
  fc.record({ afterClearMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constant(null)), capMs: cap }),
  fc.record({
    kind: fc.constantFrom('fixed' as const, 'extended' as const),
    onMs: fc.oneof(
      { weight: 1, arbitrary: fc.constant(0) },
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
    ),
    afterClearMs: fc.constant(0),
    capMs: cap,
  }),
);
const alarm = fc.constantFrom('a', 'b', 'c');
const node = fc.constantFrom(...nodes);
// Starts and waits most of all: without them nothing of a hold is seen.
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('raise' as const, 'claim' as const), alarm, node, hold }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('clear' as const, 'start' as const, 'start' as const, 'start' as const),
      alarm,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), alarm }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('message' as const), node, hold, condition: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 10_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'reset' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('set back while away' as const), downMs: fc.constantFrom(0, 1, 4_001) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wall' as const),
      ms: fc.constantFrom(-3_600_000, -5_000, 5_000, 3_600_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/**
 * One life of a site beside its model; the model's time is the monotonic one, which no jump of the wall clock moves. Of a
 * clock that was set back while nobody watched all that is known is that it is no earlier than what is on record: for
 * both no time has passed then.
 */
class Pair {
  readonly site = new BenchSite(nodes);
  readonly model = new LeaseModel();

  get at(): number {
    return this.site.clock.monotonic() - this.#skipped;
  }

  #skipped = 0;

  async perform(action: Step): Promise<void> {
    const { site, model } = this;
    switch (action.do) {
      case 'raise':
        if (!site.alarms.has(action.alarm)) {
          model.claim(`${action.alarm}:${action.node.nodeId}`, action.alarm, action.node.output, action.hold, this.at);
          await site.raise(action.alarm, action.hold, action.node);
        }
        return;
      case 'claim': {
        if (site.alarms.get(action.alarm)?.state !== 'active') return;
        const id = `${action.alarm}:${action.node.nodeId}`;
        if (!model.has(id)) model.claim(id, action.alarm, action.node.output, action.hold, this.at);
        return site.outputs.request(site.claim(action.alarm, action.hold, action.node));
      }
      case 'clear':
        if (site.alarms.get(action.alarm)?.state !== 'active') return;
        model.happens(action.alarm, 'clear', this.at);
        return site.clear(action.alarm);
      case 'start': {
        const state = site.alarms.get(action.alarm)?.state;
        if (state === undefined) return;
        if (state === 'clearing') model.happens(action.alarm, 'again', this.at);
        model.happens(action.alarm, 'start', this.at);
        return state === 'clearing' ? site.resume(action.alarm) : site.merge(action.alarm);
      }
      case 'end':
        if (!site.alarms.has(action.alarm)) return;
        model.forget(action.alarm);
        return site.end(action.alarm);
      case 'message': {
        const id = `msg:${action.node.nodeId}`;
        if (!model.holds(id, this.at)) model.forgetClaim(id);
        if (!model.has(id) && action.condition) model.claim(id, id, action.node.output, action.hold, this.at);
        else if (action.condition) {
          model.happens(id, 'start', this.at);
          model.happens(id, 'again', this.at);
        } else if (!this.counting.has(id)) model.happens(id, 'clear', this.at);
        if (action.condition) this.counting.delete(id);
        else this.counting.add(id);
        return site.message(action.condition, action.hold, action.node);
      }
      case 'wait':
        return site.advance(action.ms);
      case 'restart':
        // Only the wall time survives a restart: a jump that nobody has noticed by then counts.
        site.timers.watchWall();
        await site.settle();
        return site.restart();
      case 'set back while away':
        site.timers.watchWall();
        await site.settle();
        site.kill();
        site.record.standing = [{ id: 'shelf:x', kind: 'shelf', doc: { at: site.clock.now() } }];
        await site.advance(action.downMs);
        this.#skipped += action.downMs;
        site.clock.jump(-3_600_000);
        await site.start();
        site.record.standing = [];
        return;
      case 'reset':
        model.reset(this.at);
        return site.outputs.resetAll('anna');
      case 'wall':
        return site.clock.jump(action.ms);
    }
  }

  /** Messages whose end has been told: told again, it does not count again. */
  readonly counting = new Set<string>();

  forgetEnded(): void {
    for (const name of ['a', 'b', 'c']) if (!this.site.alarms.has(name)) this.model.forget(name);
  }
}

describe('the outputs and the simplest model of them', () => {
  it('agree about every output at every moment, restarts and jumps of the wall clock included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const pair = new Pair();
        await pair.site.start();
        for (const action of steps) {
          await pair.perform(action);
          await pair.site.settle();
          for (const output of pair.site.outputs.list()) {
            expect(output.desired, `${JSON.stringify(action)} at ${pair.at}`).toBe(
              pair.model.isOn(output.output, pair.at),
            );
            expect(pair.site.box.relays.get(output.output)).toBe(output.desired);
          }
          pair.forgetEnded();
        }
      }),
      { numRuns: 500 },
    );
  });
});
