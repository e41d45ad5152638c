import { describe, expect, it } from 'vitest';
import type { SwitchKind } from '../../engine/domain/devices';
import { BenchSite } from './bench-site';

const nodes = [
  { nodeId: 'relay-node', output: '1' },
  { nodeId: 'siren-node', output: '01', kind: 'siren' as const },
  { nodeId: 'other-node', output: '2' },
];

/** A board whose first coil is a relay and a siren; what it was told last is what the coil is. */
async function board(): Promise<{ site: BenchSite; coil: () => boolean; told: boolean[] }> {
  const site = new BenchSite(nodes);
  const told: boolean[] = [];
  const { box } = site;
  const contactOf = (_kind: 'relay' | SwitchKind, output: string): string => String(Number(output));
  const setOutput = box.setOutput.bind(box);
  const setSwitch = box.setSwitch.bind(box);
  Object.assign(box, {
    contactOf,
    setOutput: (output: string, on: boolean, signal: AbortSignal) => {
      if (output === '1') told.push(on);
      return setOutput(output, on, signal);
    },
    setSwitch: (...given: Parameters<typeof box.setSwitch>) => {
      told.push(given[2]);
      return setSwitch(...given);
    },
  });
  await site.start();
  told.length = 0;
  return { site, told, coil: () => told.at(-1) ?? false };
}

const siren = { nodeId: 'siren-node', output: '01', kind: 'siren' as const };
const at0 = { afterClearMs: 0 };
const relayState = (site: BenchSite) =>
  site.outputs.list().find(({ kind, output }) => kind === 'relay' && output === '1');

describe('a contact that is driven as relay and as siren', () => {
  it.each([
    ['relay', 'siren', {}, siren],
    ['siren', 'relay', siren, {}],
  ])('stays on for the %s when the %s ends, and goes off with the last', async (_stays, _ends, stays, ends) => {
    const { site, coil, told } = await board();
    await site.raise('stays', at0, stays);
    await site.raise('ends', at0, ends);
    await site.clear('ends');
    expect(told).toEqual([true, true]);
    await site.clear('stays');
    expect(coil()).toBe(false);
    expect(site.outputs.list().map(({ confirmed, lastError }) => [confirmed, lastError])).toEqual([
      [false, null],
      [false, null],
      [false, null],
    ]);
  });

  it('says why its relay is left on', async () => {
    const { site } = await board();
    await site.raise('relay', at0);
    await site.raise('siren', at0, siren);
    await site.clear('relay');
    expect(relayState(site)).toMatchObject({ desired: false, lastError: 'Its contact is held on as siren "Relay 01"' });
  });

  it('is switched off neither by a restart nor by a device that comes back, while one of them holds it', async () => {
    const { site, coil } = await board();
    await site.raise('siren', at0, siren);
    await site.restart();
    expect(coil()).toBe(true);
    site.box.commands.length = 0;
    await site.outputs.deviceOnline('box');
    await site.settle();
    expect(site.box.commands.filter(({ output }) => output === '1')).toEqual([]);
    expect(coil()).toBe(true);
  });

  it('goes on again when it was switched off in the moment in which the other claimed it', async () => {
    const { site, coil } = await board();
    await site.raise('relay', at0);
    site.box.slowMs = 1_000;
    await site.clear('relay');
    await site.raise('siren', at0, siren);
    await site.advance(10_000);
    expect(coil()).toBe(true);
  });

  it('stays on when the node of the other is taken out of the flow', async () => {
    const { site, coil } = await board();
    await site.raise('relay', at0);
    await site.raise('siren', at0, siren);
    await site.deploy(nodes.slice(1));
    expect(coil()).toBe(true);
    expect(relayState(site)).toBeUndefined();
    await site.clear('siren');
    expect(coil()).toBe(false);
  });

  it('leaves other contacts alone', async () => {
    const { site } = await board();
    await site.raise('siren', at0, siren);
    await site.raise('other', at0, { nodeId: 'other-node', output: '2' });
    await site.clear('other');
    expect(site.box.relays.get('2')).toBe(false);
  });
});
