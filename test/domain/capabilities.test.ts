import { describe, expect, it } from 'vitest';
import { capabilityProblem, type DeviceNeed, type KnownDevice } from '../../engine/domain/capabilities';
import { type DeviceFacts, type DeviceOffers, noOffers } from '../../engine/domain/devices';

const facts = (over: Partial<DeviceFacts> = {}): DeviceFacts => ({
  model: 'DS-2TD',
  serialNumber: '1',
  firmware: '5',
  deviceType: 'camera',
  inputs: 2,
  outputs: 2,
  channels: 2,
  hasPtz: false,
  hasThermal: true,
  warnings: [],
  ...over,
});
const offers = (over: Partial<DeviceOffers>): DeviceOffers => ({ ...noOffers, ...over });
const relay = (output: string): DeviceNeed => ({ need: 'output', kind: 'relay', output });
const siren = (output: string): DeviceNeed => ({ need: 'output', kind: 'siren', output });
const preset = (output: string, number: number): DeviceNeed => ({
  need: 'output',
  kind: 'ptz',
  output,
  move: { move: 'preset', number },
});
const channel = (number: number): DeviceNeed => ({ need: 'channel', channel: number });
const sirens = offers({ switches: [{ kind: 'siren', name: '1', title: 'Siren 1' }] });
const presets = offers({ presets: [{ channel: 1, preset: 3, name: 'Gate' }] });

type Case = [string, DeviceNeed, Partial<KnownDevice>, string | null];

describe('what a device cannot do', () => {
  it.each<Case>([
    ['an output beyond its count', relay('3'), { facts: facts() }, '"Hall" (DS-2TD) has no alarm output 3: it has 2.'],
    ['an output within its count', relay('2'), { facts: facts() }, null],
    ['an output that it names otherwise', relay('AlarmOut_0'), { facts: facts() }, null],
    ['any output of a camera without', relay('1'), { facts: facts({ outputs: 0 }) }, '(DS-2TD) has no alarm outputs'],
    ['any output of a sender that counts nothing', relay('1'), { facts: facts({ outputs: 0, channels: 0 }) }, null],
    [
      'an output that is not in its list, whatever the count says',
      relay('2'),
      { facts: facts(), offers: offers({ outputs: [{ output: 'A', name: '' }] }) },
      'has no alarm output 2: it has A.',
    ],
    [
      'a channel beyond its count',
      channel(9),
      { facts: facts({ channels: 4 }) },
      '"Hall" (DS-2TD) has no channel 9: it has 4.',
    ],
    [
      'a channel of its list beyond its count',
      channel(9),
      { facts: facts({ channels: 2 }), offers: offers({ channels: [1, 9].map((n) => ({ channel: n, name: '' })) }) },
      null,
    ],
    ['a channel of a device that counts none', channel(9), { facts: facts({ channels: 0 }) }, null],
    ['PTZ of a fixed camera', preset('1', 3), { facts: facts() }, '"Hall" (DS-2TD) has no PTZ'],
    ['PTZ of a dome', preset('1', 3), { facts: facts({ hasPtz: true }) }, null],
    ['PTZ of a camera behind a recorder', preset('1', 3), { facts: facts({ channels: 16 }) }, null],
    ['PTZ of a camera that lists presets', preset('1', 3), { facts: facts(), offers: presets }, null],
    [
      'a preset that is not stored',
      preset('1', 7),
      { facts: facts(), offers: presets },
      'has no preset 7 on channel 1',
    ],
    ['a preset of a channel without a list', preset('2', 7), { facts: facts({ hasPtz: true }), offers: presets }, null],
    ['PTZ of a channel that is none', preset('9', 1), { facts: facts({ hasPtz: true }) }, 'has no channel 9'],
    ['an aux switch', { need: 'output', kind: 'ptz', output: '1:aux2' }, { facts: facts({ hasPtz: true }) }, null],
    ['the siren that it has', siren('1'), { facts: facts(), offers: sirens }, null],
    ['a second siren', siren('2'), { facts: facts(), offers: sirens }, 'has no siren 2: it has 1.'],
    [
      'a light where it has only a siren',
      { need: 'output', kind: 'light', output: '1' },
      { facts: facts(), offers: sirens },
      '"Hall" (DS-2TD) has no light',
    ],
    ['a siren where no switches are listed', siren('1'), { facts: facts(), offers: noOffers }, null],
  ])('%s', (_name, need, device, expected) => {
    const problem = capabilityProblem(need, { name: 'Hall', facts: null, offers: null, ...device });
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toContain(expected);
  });

  it.each([relay('99'), siren('9'), preset('9', 9), channel(99)])(
    'is nothing as long as nobody knows the device: %j',
    (need) => expect(capabilityProblem(need, { name: 'Hall', facts: null, offers: null })).toBeNull(),
  );
});
