import { describe, expect, it } from 'vitest';
import type { OutputState } from '../../engine/domain/outputs';
import { outputsNotice } from '../../engine/host/node-notices';

const output = (fields: Partial<OutputState> = {}): OutputState => ({
  id: 'cam/siren/1',
  deviceId: 'cam',
  kind: 'siren',
  output: '1',
  name: 'Horn',
  mode: 'auto',
  generation: 1,
  desired: false,
  confirmed: false,
  confirmedAt: 0,
  lastError: null,
  ...fields,
});
const on = output({ desired: true, confirmed: true });
const turning = output({ desired: true });
const trouble = output({ desired: true, lastError: 'the device is away' });

describe('what a node with outputs shows', () => {
  it.each<[string, OutputState[], { state: string; text: string }]>([
    ['none', [], { state: 'idle', text: '' }],
    ['one that is off', [output()], { state: 'idle', text: 'off' }],
    ['one that is on by hand', [{ ...on, mode: 'on' }], { state: 'active', text: 'on (by hand)' }],
    ['several that are off', [output(), output()], { state: 'idle', text: 'off' }],
    ['some on', [output(), on, on], { state: 'active', text: 'on: 2 of 3' }],
    ['one under way', [on, turning], { state: 'waiting', text: 'switching on: 1 of 2' }],
    ['trouble before all else', [on, turning, trouble], { state: 'trouble', text: 'cannot switch on: 1 of 3' }],
  ])('%s', (_name, outputs, notice) => {
    expect(outputsNotice(outputs)).toEqual(notice);
  });
});
