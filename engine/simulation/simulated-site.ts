/**
 * The engine as a running site joins it, with a record that keeps nothing, devices that obey at once and actions that
 * are only told: nothing leaves the process. Time is a virtual clock.
 */
import { createActionHandlers, noUploads } from '../actions';
import { type Alarms, createAlarms } from '../alarms';
import { VirtualClock } from '../clock/virtual-clock';
import type { ActionRow } from '../domain/actions';
import type { ConnectedDevice, DeviceStatus } from '../domain/devices';
import { asAlarmflowError, bugError } from '../domain/errors';
import type { DeviceEvent } from '../domain/events';
import { joinedHolds } from '../domain/holds';
import type { Log } from '../domain/log';
import { noRecordings } from '../domain/media';
import { mannerWords, moveWords } from '../domain/output-words';
import { type OutputState, outputId } from '../domain/outputs';
import type { ResumeState } from '../domain/record';
import { driverChoices } from '../drivers';
import { createFlowEngine, type FlowHostCalls } from '../host/flow-engine';
import type { FlowEngine } from '../index';
import { createOutputs, type Outputs } from '../outputs';
import type { Beginning } from './beginning';
import { type Collector, createCollector } from './collector';
import type { ReportEntry } from './report';
import { createSimulatedRecordings } from './simulated-recordings';
import { createSimulatedTimers, type SimulatedTimers } from './simulated-timers';

export interface SimulatedSiteOptions {
  /** Where the clock stands at first, in wall milliseconds. */
  start: number;
  armed: boolean;
  /** What stood before; absent: nothing. */
  beginning?: Beginning | null;
  siteName: string;
  log: Log;
  /** Gets every entry of the report; null: only the summary is wanted. */
  onEntry: ((entry: ReportEntry) => void) | null;
  /** Waits until the flow has worked on all messages that were given to it. */
  flowQuiet(): Promise<void>;
}

export interface SimulatedSite {
  readonly clock: VirtualClock;
  readonly alarms: Alarms;
  readonly outputs: Outputs;
  readonly flow: FlowEngine & FlowHostCalls;
  readonly timers: SimulatedTimers;
  readonly collector: Collector;
  /** The flow has been deployed: what it says from now on is reported. */
  begin(): Promise<void>;
  accept(event: DeviceEvent): Promise<void>;
  /** Turns the clock; everything that falls due on the way has run when it resolves. */
  turnTo(at: number): Promise<void>;
  /** Resolves when everything that has been set off at this moment has run. */
  quiet(): Promise<void>;
  /** An alarm lives, an output is on, or a timer waits. */
  underWay(): boolean;
  /** Throws the first error that happened out of anybody's sight. */
  check(): void;
  close(): void;
}

const emptyState: ResumeState = {
  gateStates: [],
  alarms: [],
  timers: [],
  flowMessages: [],
  leases: [],
  outputs: [],
  standing: [],
};

const never = (what: string): never => {
  throw bugError('E_SIMULATED', `A simulation ${what}, which it must never do`);
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createSimulatedSite(options: SimulatedSiteOptions): SimulatedSite {
  const { log, siteName } = options;
  /** Something was set off whose consequences have to run before time may go on. */
  let stirred = false;
  let failure: unknown = null;
  const failed = (error: unknown): void => {
    failure ??= error;
  };
  const running = new Set<Promise<void>>();
  const follow = (work: Promise<void>): void => {
    stirred = true;
    const settled = work.catch(failed).finally(() => running.delete(settled));
    running.add(settled);
  };

  const clock = new VirtualClock(options.start, quiet);
  const timers = createSimulatedTimers(clock, failed);
  const settings = new Map<string, unknown>();
  let begun = false;

  const writer = {
    commit: async (writes: Parameters<Collector['written']>[0]): Promise<void> => {
      collector.written(writes);
      for (const row of writes.outputs ?? []) turned(row);
      if (writes.flowMessages || writes.outputs || writes.actions || writes.leases) stirred = true;
    },
  };

  /** A camera's direction is told by its row: a command does not say whether it holds the camera or lets it go. */
  function turned({ id, kind, desired, confirmed, manner }: OutputState): void {
    if (kind !== 'ptz' || confirmed !== desired || !(begun || desired)) return;
    const words = desired ? mannerWords(manner) : manner?.home ? moveWords(manner.home) : '';
    collector.switched(id, desired, words);
  }

  function connected(id: string): ConnectedDevice {
    return {
      id,
      name: flow.deviceName(id),
      async setOutput(output, on) {
        // At the start every output is driven to off: that is no news.
        if (begun || on) collector.switched(outputId(id, 'relay', output), on);
        return on;
      },
      readOutput: async () => null,
      snapshot: async () => never('asked a device for a picture'),
      gotoPreset: async () => never('turned a camera'),
      async setSwitch(kind, name, on, manner) {
        const { forMs: _net, since: _since, ...rest } = manner;
        if (begun || on) collector.switched(outputId(id, kind, name), on, mannerWords(rest));
        return on;
      },
      ptz: async () => undefined,
    };
  }

  const outputs: Outputs = createOutputs({
    writer,
    clock,
    log,
    timers,
    devices: { device: connected },
    requestReconcile: (id) => follow(outputs.reconcile(id)),
    alarm: (id) => alarms.alarm(id),
    holdEnded: (alarmId) => follow(alarms.holdEnded(alarmId)),
    announce: () => {},
  });

  const recordings = createSimulatedRecordings({
    writer,
    timers,
    clock,
    log,
    alarm: (id) => alarms.alarm(id),
    holdEnded: (alarmId) => follow(alarms.holdEnded(alarmId)),
  });

  const alarms: Alarms = createAlarms({
    writer,
    clock,
    log,
    timers,
    holds: joinedHolds([outputs, recordings]),
    siteName,
    announce: () => {},
    deviceName: (id) => flow.deviceName(id),
    nodeName: (id) => flow.nodeName(id),
  });

  const status = (deviceId: string): DeviceStatus => ({
    deviceId,
    link: 'online',
    detail: 'simulated',
    since: options.start,
    lastSeenAt: null,
    clockOffsetMs: 0,
    lockedUntil: null,
    facts: null,
  });

  /** What a test button would answer; nobody presses one here. */
  const untested = async (): Promise<{ ok: boolean; detail: string }> => ({ ok: false, detail: 'simulated' });

  const flow: FlowEngine & FlowHostCalls = createFlowEngine({
    alarms,
    outputs,
    devices: {
      define: recordings.define,
      remove: async (id) => recordings.remove(id),
      status,
    },
    recordings,
    questions: {
      deviceDrivers: async () => driverChoices(),
      testDevice: async () => never('asked a device who it is'),
      setUpDevicePush: async () => never('told a device where to push'),
      deviceOffers: async () => never('asked a device what it offers'),
      discoverDevices: async () => never('looked for devices'),
      recentPushes: async () => [],
      deviceGuide: async () => null,
    },
    handlers: createActionHandlers({
      devices: { device: connected },
      mailServer: () => undefined,
      fileServer: () => undefined,
      uploads: noUploads,
      snmpReceiver: () => undefined,
      alarmCentre: () => undefined,
      mqttBroker: () => undefined,
      media: { keep: async () => never('kept a picture'), read: async () => null },
      pictures: async () => [],
      record: writer,
      recordings: noRecordings,
      clock,
      log,
      siteName,
    }),
    writer,
    timers,
    settings: {
      readSetting: async <T>(name: string) => (settings.get(name) as T | undefined) ?? null,
      writeSetting: async (name, value) => void settings.set(name, value),
    },
    tokens: { resolve: () => null, tokenFor: async () => 'simulated' },
    submit: async (rows) => {
      for (const row of rows) flow.actionSettled(settled(row, clock.now()));
    },
    tests: {
      testMailServer: untested,
      previewMail: async () => never('previewed a mail'),
      testFileServer: untested,
      testSnmpReceiver: untested,
      testAlarmCentre: untested,
      testMqttBroker: untested,
      previewNotify: async () => never('previewed a notice'),
      runRuleTests: async () => never('ran tests'),
    },
    clock,
    log,
  });

  const collector = createCollector({
    now: () => clock.now(),
    deviceName: (id) => flow.deviceName(id),
    triggerName: (id) => flow.deviceName(id),
    output: (id) => outputs.list().find((output) => output.id === id),
    onEntry: options.onEntry,
  });

  async function quiet(): Promise<void> {
    do {
      stirred = false;
      if (running.size > 0) await Promise.all(running);
      await options.flowQuiet();
      // What nobody waits for goes on without any wait of its own: one turn brings it to its end.
      await turn();
    } while (stirred || running.size > 0 || timers.running() > 0);
  }

  outputs.resume(emptyState);
  flow.resume(emptyState.standing);
  const standing = (options.beginning?.standing ?? []).filter(({ id }) => options.armed || id !== 'arming:site:site');
  alarms.resume({ ...emptyState, standing }, options.armed);

  return {
    clock,
    alarms,
    outputs,
    flow,
    timers,
    collector,
    async begin() {
      // Nodes may look around before they tell what they are.
      await quiet();
      await flow.flowsStarted();
      await recordings.flowsStarted();
      for (const { output, mode } of options.beginning?.modes ?? []) {
        // An output that this flow does not have was told of with the beginning.
        if (outputs.list().some(({ id }) => id === output)) await outputs.setMode(output, mode, 'simulation');
      }
      await quiet();
      begun = true;
    },
    async accept(event) {
      await alarms.accept(event);
      if (stirred) await quiet();
    },
    async turnTo(at) {
      if (!clock.skipTo(at)) await clock.advanceTo(at);
    },
    quiet,
    underWay: () => alarms.live().length > 0 || timers.size() > 0 || outputs.list().some((output) => output.desired),
    check() {
      if (failure !== null) throw asAlarmflowError(failure);
    },
    close() {
      alarms.close();
    },
  };
}

const settled = (row: ActionRow, at: number): ActionRow => ({
  ...row,
  status: 'done',
  attempts: 1,
  summary: 'simulated',
  finishedAt: at,
  durationMs: 0,
});
