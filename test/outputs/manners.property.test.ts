import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidingLease, type OutputManner } from '../../engine/domain/outputs';
import { type BenchNode, BenchSite } from './bench-site';

const nodes: BenchNode[] = [
  { nodeId: 'n1', output: '1', kind: 'siren' },
  { nodeId: 'n2', output: '1', kind: 'siren' },
  { nodeId: 'n2', output: '1', kind: 'record' },
  { nodeId: 'n3', output: '1', kind: 'ptz' },
  { nodeId: 'n4', output: '1', kind: 'ptz' },
];

const manner = fc.integer({ min: 1, max: 4 }).map(
  (n): OutputManner => ({
    sound: n,
    move: { move: 'preset', number: n },
    ...(n > 2 ? { home: { move: 'preset' as const, number: 9 } } : {}),
  }),
);
const hold = fc.oneof(
  fc.record({ afterClearMs: fc.integer({ min: 0, max: 9_000 }), capMs: fc.constant(null) }),
  fc.record({
    kind: fc.constantFrom('fixed' as const, 'extended' as const),
    onMs: fc.integer({ min: 1, max: 9_000 }),
    afterClearMs: fc.constant(0),
    capMs: fc.constant(null),
  }),
);
const alarm = fc.constantFrom('a', 'b', 'c');
const claim = fc.record({
  node: fc.constantFrom(...nodes),
  manner,
  priority: fc.constantFrom(10, 50, 90),
  hold,
});
const step = fc.oneof(
  fc.record({ do: fc.constant('claim' as const), alarm, claim }),
  fc.record({ do: fc.constantFrom('clear' as const, 'again' as const, 'end' as const), alarm }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 8_000 }) }),
  fc.record({ do: fc.constantFrom('restart' as const, 'away' as const, 'back' as const, 'reset' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function perform(site: BenchSite, action: Step): Promise<void> {
  switch (action.do) {
    case 'claim': {
      const { node, hold: held, ...fields } = action.claim;
      const asked = { ...node, ...fields };
      if (site.alarms.has(action.alarm)) return site.outputs.request(site.claim(action.alarm, held, asked));
      return site.raise(action.alarm, held, asked);
    }
    case 'clear':
      return site.alarms.get(action.alarm)?.state === 'active' ? site.clear(action.alarm) : undefined;
    case 'again':
      return site.alarms.get(action.alarm)?.state === 'clearing' ? site.resume(action.alarm) : undefined;
    case 'end':
      return site.alarms.has(action.alarm) ? site.end(action.alarm) : undefined;
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

describe('whatever happens to several claims on a siren, a recording and a camera', () => {
  it('state and manner are a function of the living leases, devices follow, and nothing stays on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const site = new BenchSite(nodes);
        await site.start();
        for (const action of steps) {
          await perform(site, action);
          await site.settle();
          for (const output of site.outputs.list()) {
            const deciding = decidingLease(output.leases);
            expect(output.desired).toBe(deciding !== undefined);
            if (deciding) expect(output.manner).toEqual(deciding.manner);
            if (site.box.away || output.lastError !== null) continue;
            if (output.kind === 'ptz') {
              if (deciding) expect(site.box.looks.get(1)).toEqual(deciding.manner?.move);
              continue;
            }
            const device = site.box.switches.get(`${output.kind}/1`);
            expect(device?.on).toBe(output.desired);
            if (deciding) expect(device?.manner.sound).toBe(deciding.manner?.sound);
          }
        }
        site.box.away = false;
        for (const id of [...site.alarms.keys()]) await site.end(id);
        site.outputs.deviceOnline('box');
        await site.advance(60_000);
        expect([...site.box.switches.values()].some(({ on }) => on)).toBe(false);
        const camera = site.outputs.list().find(({ kind }) => kind === 'ptz');
        expect(camera).toMatchObject({ desired: false, confirmed: false });
        if (camera?.manner?.home) expect(site.box.looks.get(1)).toEqual(camera.manner.home);
        expect(site.record.leases.size).toBe(0);
        expect(site.record.timers.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});
