import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../engine/domain/log';
import { circlesIn } from '../../engine/host/flow-circles';
import { checkFlows } from '../../engine/host/flow-file';
import { createNodeRedStorage } from '../../engine/host/node-red-storage';

const device = (id: string, change: object = {}) => ({
  id,
  type: 'alarmflow-device',
  name: `Name of ${id}`,
  ...change,
});
const tab = (change: object = {}) => ({ id: 'tab', type: 'tab', ...change });

describe('config nodes that wait for one another', () => {
  it.each([
    ['its name', { name: 'cam1' }, 'name'],
    ['its host', { host: 'cam1' }, 'host'],
    ['a list with one entry', { devices: ['cam1'] }, 'devices'],
  ])('are told of a node that has its own id as %s', (_what, change, field) => {
    const found = circlesIn([device('cam1', change)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`has its own id "cam1" as "${field}"`);
    expect(found[0]).toContain(`change its "${field}" or its id`);
  });

  it('are told of a longer circle, with each value of it', () => {
    expect(circlesIn([device('a', { host: 'b' }), device('b', { name: 'c' }), device('c', { options: 'a' })])).toEqual([
      'config nodes wait for one another in a circle, so that Node-RED starts none of them: "Name of a" (a) names "b" as "host", "c" (b) names "c" as "name", "Name of c" (c) names "a" as "options"; change one of these values',
    ]);
  });

  it.each([
    ['a reference that leads on', [device('a', { host: 'b' }), device('b')]],
    ['a node that is drawn', [tab(), device('a', { name: 'a', z: 'tab', x: 1, y: 1 })]],
    ['one that is disabled', [device('a', { name: 'a', d: true })]],
    ['one on a disabled tab', [tab({ disabled: true }), device('a', { name: 'a', z: 'tab' })]],
    ['one of another tab', [tab(), device('a', { name: 'b', z: 'tab' }), device('b', { name: 'a' })]],
    ['a list with more entries', [device('a', { devices: ['a', 'b'] })]],
    ['wires', [device('a', { wires: ['a'] })]],
    ['words of every object', [device('a', { name: 'constructor' }), device('b', { name: '__proto__' })]],
  ])('are not seen in %s', (_what, flow) => {
    expect(circlesIn(flow)).toEqual([]);
  });

  it('are looked for in any content, however long a way leads there', () => {
    fc.assert(fc.property(fc.array(fc.jsonValue()), (flow) => Array.isArray(circlesIn(flow))));
    const chain = Array.from({ length: 20_000 }, (_, i) => device(`n${i}`, { host: `n${(i + 1) % 20_000}` }));
    expect(circlesIn(chain)).toHaveLength(1);
  });

  it('make a flow file that is refused', () => {
    expect(() => checkFlows([device('cam1', { name: 'cam1' })])).toThrow(
      expect.objectContaining({ code: 'E_FLOW_FILE', message: expect.stringContaining('has its own id "cam1"') }),
    );
  });

  it('are not deployed, and what runs goes on', async () => {
    const written: string[] = [];
    const storage = createNodeRedStorage(
      { read: async () => [device('cam1', { name: 'cam1' })], write: async (what) => void written.push(what) },
      async () => undefined,
      silentLog,
    );
    await expect(storage.saveFlows([device('cam1', { name: 'cam1' })])).rejects.toMatchObject({
      code: 'E_FLOW_CIRCLE',
      family: 'user',
    });
    expect(written).toEqual([]);
    expect(await storage.getFlows()).toHaveLength(1);
  });
});
