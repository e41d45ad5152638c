import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asAlarmflowError } from '../../engine/domain/errors';
import { BenchSite } from './bench-site';

const nodes = [
  { nodeId: 'n1', output: '1' },
  { nodeId: 'n2', output: '1' },
  { nodeId: 'n3', output: '2' },
];

const node = fc.constantFrom(...nodes);
const alarm = fc.constantFrom('a', 'b');
const step = fc.oneof(
  fc.record({ do: fc.constant('raise' as const), alarm, node, afterClearMs: fc.constantFrom(0, 4_000) }),
  fc.record({ do: fc.constantFrom('clear' as const, 'again' as const, 'end' as const), alarm }),
  fc.record({
    do: fc.constant('message' as const),
    node,
    condition: fc.boolean(),
    afterClearMs: fc.constantFrom(0, 4_000),
  }),
  fc.record({ do: fc.constantFrom('reset' as const, 'release' as const), node }),
  fc.record({
    do: fc.constant('mode' as const),
    node,
    mode: fc.constantFrom('on' as const, 'off' as const, 'auto' as const),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 25_000 }) }),
  fc.record({ do: fc.constant('kill' as const) }),
  // What befalls a device and a disk; each may last.
  fc.record({ do: fc.constantFrom('away' as const, 'back' as const, 'refuses' as const, 'takes' as const) }),
  fc.record({ do: fc.constantFrom('sticks' as const, 'moves' as const, 'disk full' as const, 'disk free' as const) }),
  fc.record({ do: fc.constant('slow' as const), ms: fc.constantFrom(0, 900, 20_000) }),
  // Somebody switches at the device itself.
  fc.record({ do: fc.constant('other hand' as const), node, on: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function perform(site: BenchSite, action: Step): Promise<void> {
  const { box, record } = site;
  switch (action.do) {
    case 'raise':
      if (!site.alarms.has(action.alarm))
        await site.raise(action.alarm, { afterClearMs: action.afterClearMs }, action.node);
      return;
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
      return site.message(action.condition, { afterClearMs: action.afterClearMs }, action.node);
    case 'reset':
      return site.outputs.reset(`box/relay/${action.node.output}`, 'anna');
    case 'release':
      return site.outputs.releaseNode(action.node.nodeId);
    case 'mode':
      return site.outputs.setMode(`box/relay/${action.node.output}`, action.mode, 'anna');
    case 'wait':
      return site.advance(action.ms);
    case 'kill':
      // A start needs its disk.
      record.failing = false;
      return site.restart();
    case 'away':
      box.away = true;
      return;
    case 'back':
      box.away = false;
      site.outputs.deviceOnline('box');
      return;
    case 'refuses':
    case 'takes':
      box.refuses = action.do === 'refuses';
      return;
    case 'sticks':
    case 'moves':
      box.stuck = action.do === 'sticks';
      return;
    case 'disk full':
    case 'disk free':
      record.failing = action.do === 'disk full';
      return;
    case 'slow':
      box.slowMs = action.ms;
      return;
    case 'other hand':
      box.relays.set(action.node.output, action.on);
  }
}

/** All is well again, and nobody wants anything any more. */
async function calm(site: BenchSite): Promise<void> {
  const { box, record } = site;
  Object.assign(box, { away: false, refuses: false, stuck: false, slowMs: 0 });
  record.failing = false;
  await site.advance(60_000);
  for (const id of [...site.alarms.keys()]) await site.end(id);
  for (const each of nodes) await site.message(false, { afterClearMs: 0 }, each);
  for (const { id } of site.outputs.list()) await site.outputs.setMode(id, 'auto', 'anna');
  site.outputs.deviceOnline('box');
  await site.advance(120_000);
}

it('whatever befalls device, disk, process and people, what the device was told last is what the leases say, and all ends off', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const site = new BenchSite(nodes);
      await site.start();
      for (const action of steps) {
        try {
          await perform(site, action);
        } catch (thrown) {
          // Refused, because the disk was full: what is not on record is not in force.
          expect(asAlarmflowError(thrown).code).toBe('E_RECORD_WRITE');
        }
        await site.settle();
        for (const { mode, desired, leases } of site.outputs.list())
          expect(desired).toBe(mode === 'auto' ? leases.length > 0 : mode === 'on');
      }
      await calm(site);
      for (const output of site.outputs.list())
        expect(output).toMatchObject({ desired: false, confirmed: false, lastError: null });
      expect([...site.box.relays.values()]).not.toContain(true);
      expect(site.record.leases.size).toBe(0);
      expect(site.record.timers.size).toBe(0);
      expect([...site.record.outputs.values()].map(({ onAt }) => onAt)).toEqual(nodes.slice(1).map(() => undefined));
      expect(site.record.standing).toEqual([]);
    }),
    { numRuns: 200 },
  );
}, 60_000);
