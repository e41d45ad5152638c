import { afterEach, describe, expect, it, vi } from 'vitest';
import { hikvisionDriver } from '../../../engine/drivers/hikvision';
import { cameraStatesIn } from '../../../engine/drivers/hikvision/camera-watch';
import { readDocuments } from '../../../engine/drivers/hikvision/document';
import { closeDrivers, connectDriver, linkIs, never } from '../../support/connected-driver';
import { hikvisionDevice } from '../../support/hikvision-device';
import type { RecordingSink } from '../../support/recording-sink';
import { until } from '../../support/recording-sink';
import { pause } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeDrivers);

const nvr = { model: 'nvr', channels: 3 };
const learnt = (sink: RecordingSink) => (): boolean => sink.factList.length > 0;
/** What its events were, but for the states of its inputs. */
const others = (sink: RecordingSink): RecordingSink['events'] =>
  sink.events.filter((e) => e.draft.type !== 'digital-input');
const offline = (sink: RecordingSink): string[] =>
  sink.events
    .filter((e) => e.draft.type === 'source-offline')
    .map((e) => `${e.draft.phase} ${e.draft.channel} ${e.draft.channelName}`);

describe('channels of a recorder', () => {
  it.each([
    ['as they are', [], 2, 2],
    ['from 33', ['ip-channels-from-33'], 2, 2],
    ['in dynChannelID alone', ['dyn-channel-only'], 3, 3],
    ['in dynChannelID alone, from 33', ['dyn-channel-only', 'ip-channels-from-33'], 3, 3],
  ])('are found when it writes them %s, and get their names', async (_name, faults, channel, expected) => {
    const { sim, sink } = await hikvisionDevice(
      { ...nvr, faults: [...faults, 'no-channel-name'] },
      { cameraSeconds: 0 },
    );
    await until('facts', learnt(sink));
    await sim.fire({ scene: 'intrusion', channel });
    await until('the alarm is there', () => others(sink).length === 1);
    expect(others(sink)[0]?.draft).toMatchObject({ channel: expected, channelName: `IPCamera ${expected}` });
  });

  it.each([
    ['as they are', []],
    ['from 33', ['ip-channels-from-33']],
    ['in dynChannelID alone, from 33', ['dyn-channel-only', 'ip-channels-from-33']],
  ])('of thermal cameras are found when it writes them %s, with all that was measured', async (_name, faults) => {
    const { sim, sink } = await hikvisionDevice(
      { ...nvr, faults: [...faults, 'no-channel-name'] },
      { cameraSeconds: 0 },
    );
    await until('facts', learnt(sink));
    for (const scene of ['thermal-prealarm', 'thermal-alarm', 'fire'] as const) await sim.fire({ scene, channel: 2 });
    await sim.fire({ scene: 'thermal-alarm', channel: 2, state: 'inactive' });
    await until('all', () => others(sink).length === 4);
    const told = others(sink).map(({ draft }) => draft);
    expect(told.map((d) => `${d.type} ${d.phase} ${d.channel} ${d.channelName}`)).toEqual([
      'temperature-prealarm start 2 IPCamera 2',
      'temperature-alarm start 2 IPCamera 2',
      'fire start 2 IPCamera 2',
      'temperature-alarm stop 2 IPCamera 2',
    ]);
    expect(told[1]).toMatchObject({
      rule: expect.any(String),
      temperature: { unit: 'celsius', value: expect.any(Number) },
    });
  });

  it('stand behind the analog ones of a hybrid recorder', async () => {
    const { sim, sink } = await hikvisionDevice(
      { model: 'nvr', channels: 6, analogChannels: 4, faults: ['ip-channels-from-33', 'no-channel-name'] },
      { cameraSeconds: 0 },
    );
    await until('facts', learnt(sink));
    expect(sink.factList[0]?.channels).toBe(6);
    await sim.fire({ scene: 'motion', channel: 6 });
    await until('the alarm is there', () => others(sink).length === 1);
    expect(others(sink)[0]?.draft).toMatchObject({ channel: 6, channelName: 'IPCamera 2' });
  });

  it('do not count the zero channel', async () => {
    const { connection } = await hikvisionDevice({ ...nvr, faults: ['zero-channel'] }, {}, { start: false });
    expect((await connection.probe(never)).channels).toBe(3);
  });
});

describe('cameras of a recorder', () => {
  const often = { cameraSeconds: 1 };

  it('that go away and come back are told with channel, name and reason', async () => {
    const { sim, sink } = await hikvisionDevice(nvr, often);
    await until('the first look', () => offline(sink).length === 3);
    expect(offline(sink)).toEqual(['stop 1 IPCamera 1', 'stop 2 IPCamera 2', 'stop 3 IPCamera 3']);
    sim.setCamera(2, false, 'netUnreachable');
    await until('it is away', () => offline(sink).length === 4);
    expect(sink.events.at(-1)?.draft).toMatchObject({
      type: 'source-offline',
      phase: 'start',
      channel: 2,
      description: expect.stringMatching(/IPCamera 2.*netUnreachable/),
    });
    sim.setCamera(2, true);
    await until('it is back', () => offline(sink).length === 5);
    expect(offline(sink).at(-1)).toBe('stop 2 IPCamera 2');
  });

  it('that are away at the start are a state, no edge', async () => {
    const { sim, sink } = await hikvisionDevice(nvr, often, { start: false });
    sim.setCamera(3, false);
    const { sink: later } = connectDriver(hikvisionDriver, sim.port, {
      options: often,
      credentials: { user: 'admin', password: 'simulated1' },
    });
    await until('the first look', () => offline(later).length === 3);
    expect(offline(later).at(-1)).toBe('snapshot 3 IPCamera 3');
    expect(others(sink)).toEqual([]);
  });

  it('whose state is not told are never offline', async () => {
    const { sim, sink } = await hikvisionDevice({ ...nvr, faults: ['status-without-online'] }, often);
    sim.setCamera(1, false);
    await until('facts', learnt(sink));
    await pause(1_300);
    expect(offline(sink)).toEqual([]);
  });

  it('are not asked for again where the recorder has no such list', async () => {
    const { sim, sink } = await hikvisionDevice({ ...nvr, faults: ['no-camera-status', 'no-heartbeat'] }, often);
    await until('facts', learnt(sink));
    let before = -1;
    // What is learnt at the start is asked one after the other.
    while (before !== sim.state().requests) {
      before = sim.state().requests;
      await pause(300);
    }
    await pause(1_300);
    expect(sim.state().requests).toBe(before);
  });

  it('that are deleted while away end their condition', async () => {
    const { sim, sink } = await hikvisionDevice(nvr, often);
    sim.setCamera(2, false);
    await until(
      'it is away',
      () => offline(sink).includes('start 2 IPCamera 2') || offline(sink).includes('snapshot 2 IPCamera 2'),
    );
    sim.removeCamera(2);
    await until('its end', () => offline(sink).at(-1)?.startsWith('stop 2') === true);
  });

  it('of a lost recorder are unknown; what is still away afterwards is a refresh', async () => {
    const { sim, sink } = await hikvisionDevice(nvr, often);
    sim.setCamera(2, false);
    await until('it is away', () => offline(sink).some((o) => /^(start|snapshot) 2/.test(o)));
    sim.faults.set('503-stream');
    sim.cutStreams();
    await until('offline', linkIs(sink, 'offline'));
    sim.faults.set('503-stream', false);
    await until('online', linkIs(sink, 'online'));
    await until('the refresh', () => offline(sink).at(-1) === 'refresh 2 IPCamera 2');
    expect(offline(sink).filter((o) => /^(start|snapshot) 2/.test(o))).toHaveLength(1);
  });
});

describe('ports of the cameras', () => {
  it('report and are read under the number that the recorder gives them', async () => {
    const { sim, sink, connection } = await hikvisionDevice(nvr, { cameraSeconds: 0 });
    await until('facts', learnt(sink));
    const of102 = (): RecordingSink['events'] => sink.events.filter((e) => e.draft.input === '102');
    await until('its state', () => of102().length === 1);
    expect(of102()[0]?.draft).toMatchObject({ type: 'digital-input', phase: 'stop' });
    await sim.fire({ scene: 'alarm-input', input: 102 });
    await until('the start', () => of102().length === 2);
    expect(of102()[1]?.draft).toMatchObject({ type: 'digital-input', phase: 'start' });
    sim.setInput(102, false);
    sim.cutStreams();
    await until('the stop, read', () => sink.told().at(-1) === 'digital-input stop');
    expect(await connection.setOutput('101', true, never)).toBe(true);
    expect(sim.state().cameraOutputs[0]?.on).toBe(true);
    await expect(connection.setOutput('proxy:109', true, never)).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });
});

describe('the list of states', () => {
  it.each([
    ['<InputProxyChannelStatus><id>4</id><online>false</online></InputProxyChannelStatus>', [[4, false]]],
    [
      '<x:InputProxyChannelStatusList xmlns:x="urn:x"><x:InputProxyChannelStatus><x:id>4</x:id><x:online>TRUE</x:online></x:InputProxyChannelStatus></x:InputProxyChannelStatusList>',
      [[4, true]],
    ],
    ['<InputProxyChannelStatusList/>', []],
    [
      '<InputProxyChannelStatusList><InputProxyChannelStatus><id>x</id><online>false</online></InputProxyChannelStatus></InputProxyChannelStatusList>',
      [],
    ],
    [
      '<InputProxyChannelStatusList><InputProxyChannelStatus><id>1</id><online/></InputProxyChannelStatus></InputProxyChannelStatusList>',
      [[1, null]],
    ],
  ])('%s', (text, expected) => {
    const [root] = readDocuments(Buffer.from(text));
    expect(root && cameraStatesIn(root).map((c) => [c.channel, c.online])).toEqual(expected);
  });
});
