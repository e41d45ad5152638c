import { afterEach, describe, expect, it, vi } from 'vitest';
import { readTable } from '../../../engine/drivers/dahua/answer';
import { placesOfRules, pointIn } from '../../../engine/drivers/dahua/measuring-places';
import { readDahuaOptions } from '../../../engine/drivers/dahua/options';
import { temperatureOf } from '../../../engine/drivers/dahua/temperature-poll';
import { closeConnected, connected, isOnline, quick } from '../../support/connected-dahua';
import { type RecordingSink, until } from '../../support/recording-sink';
import { pause } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeConnected);

const often = { temperatures: true, temperatureSeconds: 0.5 };
const readings = (sink: RecordingSink) => sink.events.filter((e) => e.draft.type === 'temperature-reading');
describe('the temperatures of a thermal camera', () => {
  it('are read all the time, one event with all places', async () => {
    const { sim, sink } = await connected({ model: 'thermal' }, { options: { ...often, points: 'Door = 100, 200' } });
    await until('a reading', () => readings(sink).length > 0);
    expect(readings(sink)[0]?.draft).toMatchObject({
      phase: 'pulse',
      channel: 2,
      temperature: { unit: 'celsius', maximum: 21.5, minimum: 16.5, average: 19.5, calibration: 'region' },
      regions: [
        { id: 'Boiler', temperature: { maximum: 21.5 } },
        { id: 'Door', temperature: { value: 21.5, calibration: 'point' } },
      ],
    });
    sim.setTemperature(88);
    await until('the next one', () => readings(sink).at(-1)?.draft.temperature?.maximum === 88);
  });

  it('are not asked for unless that is wanted', async () => {
    const { sim, sink } = await connected({ model: 'thermal' });
    await until('online', isOnline(sink));
    await pause(700);
    expect(sim.state().targets.filter((t) => t.includes('Radiometry'))).toEqual([]);
  });

  it('are in the unit that the operator gives, whatever the device calls it', async () => {
    const { sink } = await connected(
      { model: 'thermal', faults: ['fahrenheit-called-centigrade'] },
      { options: { ...often, temperatureUnit: 'fahrenheit' } },
    );
    await until('a reading', () => readings(sink).length > 0);
    expect(readings(sink)[0]?.draft.temperature).toMatchObject({
      unit: 'fahrenheit',
      maximum: expect.closeTo(70.7, 1),
    });
  });

  it('of a place that the device does not know are left out, the others go on', async () => {
    const { sim, sink } = await connected(
      { model: 'thermal', faults: ['rules-not-measured'] },
      { options: { ...often, points: 'Door = 100, 200' } },
    );
    await until('readings', () => readings(sink).length > 2);
    expect(readings(sink)[0]?.draft.regions?.map((r) => r.id)).toEqual(['Door']);
    // In both spellings of brackets, and not again.
    expect(sim.state().targets.filter((t) => t.includes('getTemper&')).length).toBeLessThanOrEqual(2);
  });

  it('are not asked for again and again where the device has none', async () => {
    const { sim, sink } = await connected({ model: 'thermal', faults: ['no-radiometry'] }, { options: often });
    await until('online', isOnline(sink));
    await pause(1_500);
    expect(sim.state().targets.filter((t) => t.includes('Radiometry')).length).toBeLessThanOrEqual(2);
    expect(readings(sink)).toEqual([]);
  });

  it('stop with the device and come again with it', async () => {
    const { sim, sink } = await connected({ model: 'thermal' }, { options: often }, quick);
    await until('a reading', () => readings(sink).length > 0);
    sim.faults.set('half-open');
    sim.cutStreams(true);
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    const before = readings(sink).length;
    sim.faults.clear();
    await until('readings again', () => readings(sink).length > before + 1);
  });
});

describe('the answer for one place', () => {
  it.each([
    [
      'TempInfo.TemperAve=20.1\nTempInfo.TemperMax=30\nTempInfo.TemperMin=-4',
      { value: 30, maximum: 30, minimum: -4, average: 20.1 },
    ],
    [
      'pointTempInfo.TemperAver=67.699997\r\npointTempInfo.TemperatureUnit=Fahrenheit',
      { unit: 'fahrenheit', value: 67.699997 },
    ],
    ['table.TempInfo.Temperature=12', { value: 12 }],
  ])('%j', (text, expected) => {
    expect(temperatureOf(text, { calibration: 'region' }, null)).toMatchObject(expected);
  });

  it.each(['', 'OK', 'TempInfo.TemperAve=nan', 'TempInfo.TemperatureUnit=Centigrade', '__proto__.TemperAve', '=1'])(
    'that tells no temperature is none: %j',
    (text) => {
      expect(temperatureOf(text, { calibration: undefined }, null)).toBeUndefined();
    },
  );
});

describe('the places', () => {
  it('are the rules that are on, with preset and number where the device tells them', () => {
    const table = readTable(
      [
        'table.ThermometryRule[1][0][0].Enable=true',
        'table.ThermometryRule[1][0][0].Name=Boiler',
        'table.ThermometryRule[1][0][0].RuleId=7',
        'table.ThermometryRule[1][2][1].Name=',
        'table.ThermometryRule[1][2][1].Type=Spot',
        'table.ThermometryRule[0][3].Name=Flat',
        'table.ThermometryRule[1][0][4].Name=Off',
        'table.ThermometryRule[1][0][4].Enable=false',
      ].join('\r\n'),
    );
    const asked = placesOfRules(table).map(({ channel, name, calibration, parameters }) => [
      channel,
      name,
      calibration,
      parameters.map(([key, value]) => `${key}=${value}`).join('&'),
    ]);
    expect(asked).toEqual([
      [2, 'Boiler', undefined, 'action=getTemper&channel=2&PresetId=0&RuleId=7'],
      [2, 'Rule 1', 'point', 'action=getTemper&channel=2&PresetId=2&RuleId=1&type=Spot'],
      [1, 'Flat', undefined, 'action=getTemper&channel=1&PresetId=0&RuleId=3'],
    ]);
    expect(placesOfRules(null)).toEqual([]);
  });

  it.each(['Boiler', '= 1, 2', 'Boiler = 1', 'Boiler = 9000, 1', 'Boiler = 1, -2', 'Boiler = a, b'])(
    'that the operator writes as %j are refused with the line',
    (line) => {
      expect(pointIn(line)).toBeNull();
      expect(() => readDahuaOptions({ points: `# ours\n${line}` })).toThrow(/line 2/);
    },
  );
});
