import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BenchSite } from './bench-site';

const nodes = [
  { nodeId: 'n1', output: '1' },
  { nodeId: 'n2', output: '1' },
  { nodeId: 'n3', output: '2' },
];

const hold = fc.record({
  afterClearMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constant(null)),
  capMs: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.constant(null)),
});
const alarm = fc.constantFrom('a', 'b', 'c');
const node = fc.constantFrom(...nodes);
const step = fc.oneof(
  fc.record({ do: fc.constant('raise' as const), alarm, node, hold }),
  fc.record({ do: fc.constant('claim' as const), alarm, node, hold }),
  fc.record({ do: fc.constantFrom('clear' as const, 'again' as const, 'end' as const), alarm }),
  fc.record({ do: fc.constant('message' as const), node, hold, condition: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
  fc.record({ do: fc.constantFrom('restart' as const, 'away' as const, 'back' as const, 'reset' as const) }),
);

async function perform(site: BenchSite, action: typeof step extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  switch (action.do) {
    case 'raise':
      if (!site.alarms.has(action.alarm)) await site.raise(action.alarm, action.hold, action.node);
      return;
    case 'claim':
      return site.outputs.request(site.claim(action.alarm, action.hold, action.node));
    case 'clear':
      if (site.alarms.get(action.alarm)?.state === 'active') await site.clear(action.alarm);
      return;
    case 'again':
      if (site.alarms.get(action.alarm)?.state === 'clearing') await site.resume(action.alarm);
      return;
    case 'end':
      if (site.alarms.has(action.alarm)) await site.end(action.alarm);
      return;
    case 'message':
      return site.message(action.condition, action.hold, action.node);
    case 'wait':
      return site.advance(action.ms);
    case 'restart':
      return site.restart();
    case 'away':
      site.box.away = true;
      return;
    case 'back':
      site.box.away = false;
      site.outputs.deviceOnline('box');
      return;
    case 'reset':
      return site.outputs.resetAll('anna');
  }
}

describe('whatever happens to alarms, messages, devices and the process', () => {
  it('an output is on exactly while a lease lives, and nothing is on once all has ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const site = new BenchSite(nodes);
        await site.start();
        for (const action of steps) {
          await perform(site, action);
          await site.settle();
          for (const output of site.outputs.list()) {
            expect(output.desired).toBe(output.leases.length > 0);
            const due = output.leases.filter((lease) => lease.endsAt !== null && lease.endsAt <= site.clock.now());
            expect(due).toEqual([]);
            if (!site.box.away && output.lastError === null)
              expect(site.box.relays.get(output.output)).toBe(output.desired);
          }
        }
        site.box.away = false;
        for (const id of [...site.alarms.keys()]) await site.end(id);
        for (const each of nodes) await site.message(false, {}, each);
        // Messages that hold "until cleared by hand" are cleared by hand.
        if (site.outputs.list().some(({ leases }) => leases.some((lease) => lease.hold.afterClearMs === null)))
          await site.outputs.resetAll('anna');
        await site.advance(60_000);
        expect([...site.box.relays.values()]).not.toContain(true);
        expect(site.record.leases.size).toBe(0);
        expect(site.record.timers.size).toBe(0);
        expect(site.box.mostAtOnce).toBeLessThanOrEqual(2);
      }),
      { numRuns: 300 },
    );
  });
});
