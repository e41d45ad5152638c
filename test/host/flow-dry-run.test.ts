import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import type { Decision } from '../../engine/domain/alarms';
import { type DeviceFacts, type DeviceOffers, type DeviceStatus, noOffers } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { type OutputClaim, outputId } from '../../engine/domain/outputs';
import type { RecordWrites } from '../../engine/domain/record';
import { DRY_PARAM } from '../../engine/executor';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import type { ActionRequest, NodeNotice, OutputRequest } from '../../engine/index';
import { anAlarm, START } from '../outputs/bench-site';

const ID = outputId('cam', 'relay', '1');

/** A flow engine whose outputs only note what they are asked. */
function open(settings = new Map<string, unknown>()) {
  const seen = {
    claims: [] as OutputClaim[],
    released: [] as string[],
    actions: [] as ActionRow[],
    decisions: [] as Decision[],
    asked: [] as string[],
  };
  const world = {
    dry: false,
    facts: null as DeviceFacts | null,
    offers: noOffers as DeviceOffers,
    link: 'online' as DeviceStatus['link'],
    held: [] as { id: string; desired: boolean; confirmed: boolean | null; lastError: string | null; mode: string }[],
  };
  const status = (): DeviceStatus => ({
    deviceId: 'cam',
    link: world.link,
    detail: '',
    since: START,
    lastSeenAt: null,
    clockOffsetMs: null,
    lockedUntil: null,
    facts: world.facts,
  });
  const parts = {
    alarms: {
      onNotice: () => undefined,
      onArming: () => undefined,
      flowsStarted: async () => undefined,
      actionArming: () => ({ armed: true, detail: 'armed' }),
      alarm: () => undefined,
    },
    outputs: {
      request: async (claim: OutputClaim) => void seen.claims.push(claim),
      releaseNode: async (id: string) => void seen.released.push(id),
      define: async () => undefined,
      detach: () => undefined,
      flowsStarted: async () => undefined,
      list: () => world.held,
      of: (ids: Iterable<string>) => world.held.filter(({ id }) => [...ids].includes(id)),
    },
    devices: {
      define: () => undefined,
      remove: async () => undefined,
      status: (id: string) => (id === 'cam' ? status() : null),
    },
    questions: {
      async deviceOffers(id: string) {
        seen.asked.push(id);
        return { offers: world.offers, sent: [], problem: null };
      },
    },
    handlers: [{ kind: 'snapshot', heavy: false, defaultDeadlineMs: 1_000, attempts: 1, check: () => undefined }],
    writer: {
      async commit(writes: RecordWrites) {
        seen.actions.push(...(writes.actions ?? []));
        seen.decisions.push(...(writes.decisions ?? []));
      },
    },
    timers: { onDue: () => undefined },
    submit: async () => undefined,
    tests: {},
    settings: {
      readSetting: async (name: string) => structuredClone(settings.get(name) ?? null),
      writeSetting: async (name: string, value: unknown) => void settings.set(name, structuredClone(value)),
    },
    siteIsDry: () => world.dry,
    clock: new VirtualClock(START),
    log: silentLog,
  };
  return { seen, world, flow: createFlowEngine(parts as unknown as FlowEngineParts), status };
}

const alarm = { ...anAlarm('a', START), phase: 'raise' as const };
const device = { id: 'cam', name: 'Hall', driver: 'simulated', host: 'h' } as Parameters<
  ReturnType<typeof open>['flow']['defineDevice']
>[0];
const relay = { deviceId: 'cam', output: '1', name: 'Siren' };
const holds = (nodeId: string, over: Partial<OutputRequest> = {}): OutputRequest => ({
  nodeId,
  nodeName: 'Siren',
  deviceId: 'cam',
  output: '1',
  alarm,
  messageId: 'm',
  condition: true,
  topic: '',
  hold: { afterClearMs: 0, capMs: null },
  ...over,
});
const picture: ActionRequest = {
  nodeId: 'shot',
  nodeName: 'Shot',
  kind: 'snapshot',
  alarm,
  messageId: 'm',
  deviceId: 'cam',
  params: { channel: 9 },
};
const facts = (over: Partial<DeviceFacts> = {}): DeviceFacts => ({
  model: 'TB',
  serialNumber: '',
  firmware: '',
  deviceType: '',
  inputs: 1,
  outputs: 1,
  channels: 2,
  hasPtz: false,
  hasThermal: true,
  warnings: [],
  ...over,
});

let bench: ReturnType<typeof open>;
beforeEach(async () => {
  bench = open();
  await bench.flow.defineDevice(device);
});

describe('a node that makes a dry run', () => {
  it('marks the row of its action, whose parameters stay as they are otherwise', async () => {
    await bench.flow.requestAction({ ...picture, dryRun: true });
    await bench.flow.requestAction({ ...picture, messageId: 'n', alarm: null });
    expect(bench.seen.actions.map(({ params }) => params)).toEqual([{ channel: 9, [DRY_PARAM]: true }, { channel: 9 }]);
  });

  it('takes its output and says so in the journal; no node works on it for real', async () => {
    await bench.flow.defineOutput({ nodeId: 'n', ...relay, dryRun: true });
    expect(bench.flow.outputIsDry(ID)).toBe(true);
    await bench.flow.requestOutput(holds('n', { dryRun: true }));
    expect(bench.seen.claims).toHaveLength(1);
    expect(bench.seen.decisions).toMatchObject([
      {
        outcome: 'noted',
        reason: 'dry-run',
        alarmId: 'a',
        detail: expect.stringContaining('would hold relay output 1'),
      },
    ]);
  });

  it('takes no output that another node drives for real', async () => {
    await bench.flow.defineOutput({ nodeId: 'n', ...relay, dryRun: true });
    await bench.flow.defineOutput({ nodeId: 'other', ...relay });
    expect(bench.flow.outputIsDry(ID)).toBe(false);
    await bench.flow.requestOutput(holds('n', { dryRun: true }));
    await bench.flow.requestOutput(holds('other'));
    expect(bench.seen.claims.map(({ nodeId }) => nodeId)).toEqual(['other']);
    expect(bench.seen.decisions).toHaveLength(1);
  });

  it('lets go of what it has held on paper before another node drives the output for real', async () => {
    await bench.flow.defineOutput({ nodeId: 'n', ...relay, dryRun: true });
    await bench.flow.flowsStarted();
    expect(bench.seen.released).toEqual([]);
    await bench.flow.defineOutput({ nodeId: 'other', ...relay });
    await bench.flow.flowsStarted();
    expect(bench.seen.released).toEqual(['n']);
  });

  it('says below itself what would be', async () => {
    const notices: NodeNotice[] = [];
    await bench.flow.defineOutput({ nodeId: 'n', ...relay, dryRun: true });
    await bench.flow.watchNode('n', (notice) => notices.push(notice));
    bench.world.held.push({ id: ID, desired: true, confirmed: null, lastError: null, mode: 'auto' });
    bench.flow.outputChanged(ID);
    expect(notices.at(-1)).toEqual({ state: 'waiting', text: 'dry run: would be on' });
  });
});

describe('a site that makes a dry run', () => {
  it('drives no output, also none that nobody works on any more', async () => {
    bench.world.dry = true;
    await bench.flow.defineOutput({ nodeId: 'n', ...relay });
    expect([bench.flow.outputIsDry(ID), bench.flow.outputIsDry('cam/relay/9')]).toEqual([true, true]);
    bench.world.dry = false;
    expect([bench.flow.outputIsDry(ID), bench.flow.outputIsDry('cam/relay/9')]).toEqual([false, false]);
  });
});

describe('what the device cannot do', () => {
  it('stands in the journal of the alarm, and the action is asked for all the same', async () => {
    bench.world.facts = facts();
    await bench.flow.requestAction(picture);
    expect(bench.seen.actions).toMatchObject([{ status: 'queued' }]);
    expect(bench.seen.decisions).toMatchObject([
      {
        outcome: 'noted',
        reason: 'device-cannot',
        alarmId: 'a',
        detail: expect.stringContaining('"Hall" (TB) has no channel 9'),
      },
    ]);
  });

  it('is no matter while nobody knows the device', async () => {
    await bench.flow.requestAction(picture);
    await bench.flow.requestOutput(holds('n', { output: '7' }));
    expect(bench.seen.decisions).toEqual([]);
  });

  it('is known while the device is offline, from what it said before', async () => {
    bench.world.offers = { ...noOffers, outputs: [{ output: 'A', name: '' }] };
    const test = { nodeId: 'n', nodeName: 'N', deviceId: 'cam', output: '1' };
    expect(await bench.flow.checkOutput(test)).toContain('no alarm output 1: it has A');
    bench.world.link = 'offline';
    expect(await bench.flow.checkOutput(test)).toContain('no alarm output 1: it has A');
    expect(bench.seen.asked).toEqual(['cam']);
  });

  it('is known after a restart at which the device is away, and of another device in its place nothing is', async () => {
    const settings = new Map<string, unknown>();
    const before = open(settings);
    await before.flow.defineDevice(device);
    before.world.facts = facts();
    before.flow.deviceChanged(before.status());
    const test = { nodeId: 'n', nodeName: 'N', deviceId: 'cam', output: '3' };
    const after = open(settings);
    after.world.link = 'offline';
    await after.flow.defineDevice(device);
    expect(await after.flow.checkOutput(test)).toContain('has no alarm output 3');
    await after.flow.defineDevice({ ...device, host: 'another' });
    expect(await after.flow.checkOutput(test)).toBeNull();
  });

  it('is asked of no device that is away', async () => {
    bench.world.link = 'offline';
    expect(await bench.flow.checkAction({ ...picture })).toBeNull();
    expect(bench.seen.asked).toEqual([]);
  });

  it('shows below the node from the deploy on, as soon as the device has told', async () => {
    const notices: NodeNotice[] = [];
    await bench.flow.defineAction({ nodeId: 'shot', name: 'Shot', action: picture });
    await bench.flow.watchNode('shot', (notice) => notices.push(notice));
    expect(notices).toEqual([]);
    bench.world.facts = facts();
    bench.flow.deviceChanged(bench.status());
    expect(notices).toEqual([{ state: 'trouble', text: 'not on this device' }]);
  });
});
