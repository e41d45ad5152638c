import { describe, expect, it } from 'vitest';
import { movesNodes } from '../../engine/host/moved-nodes';

const before = [
  { id: 'tab', type: 'tab' },
  { id: 'trigger', type: 't', z: 'tab', x: 1 },
  { id: 'device', type: 'd' },
];

describe('a deploy', () => {
  it.each([
    [
      'that converts a selection to a subflow',
      [before[0], { id: 'trigger', z: 'sub' }, { id: 'sub', type: 'subflow' }],
      true,
    ],
    ['that takes a config node into a subflow', [...before.slice(0, 2), { id: 'device', z: 'sub' }], true],
    ['that changes a node where it is', [before[0], { ...before[1], x: 2, name: 'a' }, before[2]], false],
    ['that adds and removes nodes', [before[0], { id: 'new', z: 'other' }], false],
    ['of what is no flow', [null, 7, { id: 7, z: 'x' }, 'trigger'], false],
  ])('%s', (_what, deployed, moves) => {
    expect(movesNodes(before, deployed)).toBe(moves);
  });
});
