/**
 * One running site: opens the record, joins the parts of the engine, and starts and stops them in the order
 * in which nothing is lost. Knows no HTTP and no Node-RED; `server.ts` puts those around it.
 */
import {
  createActionHandlers,
  sendSignOfLife,
  testAlarmCentre,
  testFileServer,
  testMail,
  testMqttBroker,
  testSnmpReceiver,
} from '../actions';
import { type Alarms, createAlarms } from '../alarms';
import type { Clock } from '../clock/clock';
import type { Announcement } from '../domain/announcements';
import type { Picture, PushAnswer, PushRequest, PushRules, ReceivedEvent } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { DeviceEvent, PictureRef } from '../domain/events';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { answerDigest, createDevices, type Devices, discoverDevices, driverChoices } from '../drivers';
import { createExecutor, createTimers, type Executor, withDryRun } from '../executor';
import { setBackBy } from '../gates';
import type { FlowEngine } from '../index';
import { createOutputs, type Outputs } from '../outputs';
import { openStore, type Store } from '../store';
import { createCameraNotices } from './camera-notices';
import { readCredentialSecret } from './credential-secret';
import { readGuide } from './device-guide';
import { createDeviceQuestions, sentIn } from './device-questions';
import { type DryRun, openDryRun } from './dry-run';
import { withoutStoppedSteps } from './escalation-steps';
import { createFlowEngine, type FlowHostCalls } from './flow-engine';
import { formerSettingsOf } from './former-settings';
import { createHealthMails } from './health-mails';
import { makeHealthReport } from './health-report';
import { type IngestTokens, openIngestTokens } from './ingest-tokens';
import { createLeftOnNotices } from './left-on-notices';
import { withLocalDevices } from './local-devices';
import type { PlayerSettings } from './local-player';
import { createMailPreviews } from './mail-previews';
import { createTokenKeeping } from './mail-tokens';
import { createNotifyPreviews } from './notify-previews';
import { createReach, type Reach, type ReachSettings, usualReach } from './reach';
import { createSiteRecording, type RecordingSettings, usualRecording } from './recording';
import { openRefusedLogins } from './refused-logins';
import { ruleTestProcess } from './rule-test-process';
import { lifeRecordOf } from './signs-of-devices';
import { createSignsOfLife } from './signs-of-life';
import { openUploads, type UploadSettings, usualUploads } from './uploads';

export interface SiteOptions {
  dataDir: string;
  databaseUrl: string | null;
  redisUrl: string | null;
  siteName: string;
  /** Nothing is done and nothing driven while this process runs, whatever has been switched. Absent: as switched. */
  dryRun?: boolean;
  /** Absent: this machine plays no sounds. */
  player?: PlayerSettings;
  /** Absent: into no folder of this machine, and the usual bounds of the queue. */
  uploads?: UploadSettings;
  /** Absent: ffmpeg is looked for where programs are. */
  recording?: RecordingSettings;
  /** Absent: no links in messages, and no contact for push services. */
  reach?: ReachSettings;
  clock: Clock;
  log: Log;
}

export interface Site {
  readonly store: Store;
  readonly alarms: Alarms;
  readonly outputs: Outputs;
  readonly devices: Devices;
  readonly executor: Executor;
  readonly flow: FlowEngine & FlowHostCalls;
  readonly tokens: IngestTokens;
  readonly reach: Reach;
  readonly dryRun: DryRun;
  readonly name: string;
  /** Whether devices are listened to and actions run: the flows have started at least once. */
  isLive(): boolean;
  /** Call at every `flows:started` of Node-RED; the first time brings the site to life. */
  flowsStarted(): Promise<void>;
  /** A push of a device; resolves when its consequence is on disk, with what is to be answered if anything. */
  push(deviceId: string, request: PushRequest): Promise<PushAnswer | null>;
  /** How pushes of a device are taken; null: the flow has no such device. */
  pushRules(deviceId: string): PushRules | null;
  /** Tells how devices reach this site; before that they are told of no address. */
  reachedBy(urlTowards: (deviceHost: string) => Promise<string | null>): void;
  setArmed(armed: boolean, who: string): Promise<void>;
  subscribe(listener: (announcement: Announcement) => void): () => void;
  announce(announcement: Announcement): void;
  /** Told how long each event took from its receipt to the disk, in seconds. */
  onEventKept(listener: (seconds: number) => void): void;
  close(): Promise<void>;
}

/** Where versions before the standing rows kept it. */
const ARMED_SETTING = 'site-armed';

/** How far back a dialog looks for the types that a device sends. */
const EVENTS_LOOKED_AT = 1_000;

/** @param opening the record, where it is being opened already */
export async function openSite(options: SiteOptions, opening: Promise<Store> = openStore(options)): Promise<Site> {
  const store = await opening;
  try {
    return await joinParts(options, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function joinParts(options: SiteOptions, store: Store): Promise<Site> {
  const { clock, log } = options;
  const listeners = new Set<(announcement: Announcement) => void>();
  const announce = (announcement: Announcement): void => {
    reach.hear(announcement);
    for (const listener of listeners) {
      try {
        listener(announcement);
      } catch (error) {
        log.error('announce.listener-failed', { kind: announcement.kind, error: asAlarmflowError(error).message });
      }
    }
  };

  const tokens = await openIngestTokens(store);
  const dryRun = await openDryRun({
    settings: store,
    writer: store,
    clock,
    held: options.dryRun === true,
    turned(on) {
      log.warn(on ? 'site.dry-run-on' : 'site.dry-run-off', {});
      // What was held only on paper is driven; what was skipped stays skipped.
      void outputs.dryRunTurned();
      for (const output of outputs.list()) {
        flow.outputChanged(output.id);
        announce({ kind: 'output', data: { id: output.id } });
      }
      announce({ kind: 'site', data: { armed: alarms.isArmed() } });
    },
  });
  const timers = createTimers({ clock, log });
  let live = false;
  let urlTowards: (deviceHost: string) => Promise<string | null> = async () => null;
  let eventKept: (seconds: number) => void = () => {};

  const devices: Devices = createDevices({
    clock,
    log,
    async ingestUrl({ id, host }) {
      const base = await urlTowards(host);
      return base === null ? null : `${base}/ingest/${await tokens.tokenFor(id)}`;
    },
    formerOf: (definition) => formerSettingsOf(store, definition),
    lifeOf: (definition) => lifeRecordOf(store, definition),
    refusalsOf: await openRefusedLogins({
      record: store,
      secret: () => readCredentialSecret(options.dataDir),
      clock,
      log,
    }),
    onEvent: (deviceId, received) => receive(deviceId, received),
    onPictures: async (_deviceId, eventId, pictures) => {
      const refs = await keepPictures(pictures);
      await store.commit({ eventPictures: [{ eventId, pictures: refs }] });
      await alarms.picturesArrived(eventId, refs);
    },
    onStatus(status) {
      flow.deviceChanged(status);
      announce({ kind: 'device', data: status });
      if (status.link === 'online') outputs.deviceOnline(status.deviceId);
      if (status.facts) outputs.deviceKnown(status.deviceId);
    },
    onLeave: ({ device, address, place }, signal) => outputs.deviceLeaving(device, address, signal, place),
  });

  const local = withLocalDevices({
    devices,
    player: options.player ?? { command: null, arguments: [], sounds: [], repeat: true },
    dataDir: options.dataDir,
    clock,
    log,
    driveAgain: (deviceId) => outputs.deviceOnline(deviceId),
  });

  const holdEnded = (alarmId: string): void => {
    alarms.holdEnded(alarmId).catch((error: unknown) => {
      log.error('alarm.hold-end-failed', { alarmId, error: asAlarmflowError(error).message });
    });
  };

  const outputs: Outputs = createOutputs({
    writer: store,
    clock,
    log,
    timers,
    devices: local,
    requestReconcile: (id, generation) => {
      if (live) executor.requestReconcile(id, generation);
    },
    alarm: (id) => alarms.alarm(id),
    holdEnded,
    announce(announcement) {
      if (announcement.kind === 'output') flow.outputChanged(announcement.data.id);
      announce(announcement);
    },
    dryRun: (id) => flow.outputIsDry(id),
    places: devices,
    leftOn: {
      stands: (left, news) => leftOn.stands(left, news),
      over: (left) => leftOn.over(left),
    },
    notReturned: (output, words) => notReturned(output, words),
  });

  const recording = createSiteRecording({
    dataDir: options.dataDir,
    settings: options.recording ?? usualRecording,
    store,
    devices,
    timers,
    alarm: (id) => alarms.alarm(id),
    holdEnded,
    receive: (deviceId, received) => receive(deviceId, received),
    changed: (deviceId) => flow.recordingChanged(deviceId),
    submit: async (rows) => {
      if (live) await executor.submit(rows);
    },
    clock,
    log,
  });

  const alarms: Alarms = createAlarms({
    writer: store,
    clock,
    log,
    timers,
    holds: recording.withOutputs(outputs),
    siteName: options.siteName,
    announce,
    deviceName: (id) => flow.deviceName(id),
    nodeName: (id) => flow.nodeName(id),
  });

  const uploads = await openUploads({
    dataDir: options.dataDir,
    settings: options.uploads ?? usualUploads,
    recordings: recording.recorder,
    openClip: (mediaId) => store.media.open(mediaId),
    schedule: (id) => flow.schedule(id),
    receive: (serverId, received) => receive(serverId, received),
    clock,
    log,
  });

  const reach = createReach({
    dataDir: options.dataDir,
    settings: options.reach ?? usualReach,
    store,
    alarms,
    devices,
    announce,
    popupDismissed: (popup, who) => leftOn.popupDismissed(popup, who),
    siteIsDry: () => dryRun.isOn(),
    submit: async (rows) => {
      if (live) await executor.submit(rows);
    },
    clock,
    log,
  });

  const leftOn = createLeftOnNotices({
    popups: reach.popups,
    outputs,
    receive: (deviceId, received) => receive(deviceId, received),
    clock,
    log,
  });

  const notReturned = createCameraNotices({
    popups: reach.popups,
    deviceName: (id) => flow.deviceName(id),
    clock,
    log,
  });

  const tokenKeeping = createTokenKeeping(options.dataDir, store);
  const acting = withoutStoppedSteps(
    createActionHandlers({
      ...reach.forActions,
      deviceName: (id) => flow.deviceName(id),
      devices,
      mailServer: (id) => flow.service('mail-server', id),
      tokenKeeping,
      fileServer: (id) => flow.service('file-server', id),
      uploads,
      snmpReceiver: (id) => flow.service('snmp-receiver', id),
      alarmCentre: (id) => flow.service('alarm-centre', id),
      mqttBroker: (id) => flow.service('mqtt-broker', id),
      digest: answerDigest,
      media: store.media,
      record: store,
      pictures: async (eventId) => (await store.event(eventId))?.event.pictures ?? [],
      clock,
      log,
      siteName: options.siteName,
      recordings: recording.recorder,
      mailRows: {
        find: (key) => store.action(key),
        add: (row) => store.commit({ actions: [row] }),
        submit: (row) => executor.submit([row]),
      },
      schedule: (id, at) => flow.scheduleVerdict(id, at),
    }),
    { alarms, recorded: async (alarmId) => (await store.alarm(alarmId))?.alarm ?? null },
  );
  // The one way to a handler: whatever is asked of it passes the dry run.
  const handlers = withDryRun(acting, () => dryRun.isOn());

  const executor: Executor = createExecutor({
    backend: queueBackend(options, store),
    record: store,
    handlers,
    reconcile: (id) => outputs.reconcile(id),
    clock,
    log,
    onSettled(row) {
      recording.alarms.settled(row);
      flow.actionSettled(row);
      announce({ kind: 'action', data: row });
    },
  });

  const signs = createSignsOfLife({
    centres: () => flow.services('alarm-centre'),
    send: (centre, signal) =>
      sendSignOfLife(centre, { clock, digest: answerDigest, siteName: options.siteName, signal }),
    siteIsDry: () => dryRun.isOn(),
    receive: (centreId, received) => receive(centreId, received),
    changed: (id) => flow.serviceChanged(id),
    clock,
    log,
  });

  const flow = createFlowEngine({
    alarms,
    outputs,
    devices: {
      define(definition) {
        devices.define(definition);
        recording.define(definition);
      },
      async remove(id) {
        recording.remove(id);
        await devices.remove(id);
      },
      status: (id) => devices.status(id),
    },
    recordings: recording.alarms,
    recordingTrouble: recording.troubleOf,
    signs,
    recorderTools: () => recording.recorder.tools(),
    questions: createDeviceQuestions({
      devices,
      drivers: driverChoices(),
      discover: (kind) => discoverDevices(kind, { clock, log }),
      async sentLately(deviceId) {
        const events = await store.events({ deviceId, limit: EVENTS_LOOKED_AT });
        return sentIn(events.map(({ event }) => event));
      },
      guide: readGuide,
      clock,
    }),
    handlers,
    siteIsDry: () => dryRun.isOn(),
    siteName: options.siteName,
    writer: store,
    timers,
    actionSkipped: (row) => announce({ kind: 'action', data: row }),
    settings: store,
    tokens,
    // Before the site is live the rows wait on disk; the executor takes them up when it starts.
    submit: async (rows) => {
      if (live) await executor.submit(rows);
    },
    tests: {
      testMailServer: (server, to) => testMail(server, to, { keeping: tokenKeeping }),
      previewMail: createMailPreviews({
        siteName: options.siteName,
        clock,
        live: () => alarms.live(),
        alarms: (limit) => store.alarms({ live: false, limit }),
        devices: () => flow.devices().map(({ id }) => ({ id, name: flow.deviceName(id) })),
      }),
      testFileServer: (server) => testFileServer(server, { uploadFolders: uploads.folders }),
      testSnmpReceiver: (receiver) => testSnmpReceiver(receiver, { siteName: options.siteName }),
      testAlarmCentre: (centre) => testAlarmCentre(centre, { clock, digest: answerDigest, siteName: options.siteName }),
      testMqttBroker: (broker) => testMqttBroker(broker, clock),
      previewNotify: createNotifyPreviews({
        siteName: options.siteName,
        clock,
        alarmCentre: (id) => flow.service('alarm-centre', id),
        devices: () => flow.devices().map(({ id }) => ({ id, name: flow.deviceName(id) })),
      }),
      runRuleTests: ruleTestProcess(clock, log),
    },
    clock,
    log,
  });

  const healthMails = createHealthMails({
    writer: store,
    clock,
    log,
    timers,
    mailServers: () => flow.services('mail-server'),
    report: (since, everyMs) =>
      makeHealthReport(
        {
          now: () => clock.now(),
          dataDir: options.dataDir,
          devices: () => flow.devices(),
          deviceStatus: (id) => devices.status(id),
          deviceName: (id) => flow.deviceName(id),
          outputs: () => outputs.list(),
          armingRows: () => flow.armingRows(),
          liveAlarms: () => alarms.live(),
          alarms: (limit) => store.alarms({ live: false, limit }),
          failedActions: (limit) => store.actions({ status: 'failed', limit }),
          queue: () => executor.health(),
          broken: () => (store.broken() ?? store.trouble())?.message ?? null,
        },
        since,
        everyMs,
      ),
    submit: (row) => executor.submit([row]),
  });

  async function keepPictures(pictures: (Picture & { name?: string })[]): Promise<PictureRef[]> {
    const refs: PictureRef[] = [];
    for (const picture of pictures) {
      try {
        const mediaId = await store.media.keep(picture);
        refs.push({
          mediaId,
          contentType: picture.contentType,
          size: picture.bytes.length,
          ...(picture.name === undefined ? {} : { name: picture.name }),
        });
      } catch (error) {
        // A picture that cannot be kept must never hold back its alarm (L4: text first).
        log.warn('media.not-kept', { size: picture.bytes.length, error: asAlarmflowError(error).message });
      }
    }
    return refs;
  }

  async function receive(deviceId: string, received: ReceivedEvent): Promise<string> {
    const { picturesAnnounced: _announced, ...draft } = received.draft;
    const event: DeviceEvent = {
      ...draft,
      id: sortableId(clock.now()),
      deviceId,
      receivedAt: received.receivedAt,
      late: received.late,
      clockSuspect: received.clockSuspect,
      pictures: received.pictures.length > 0 ? await keepPictures(received.pictures) : [],
    };
    await alarms.accept(event);
    eventKept((clock.now() - received.receivedAt) / 1000);
    return event.id;
  }

  store.onTrouble(() => announce({ kind: 'site', data: { armed: alarms.isArmed() } }));

  const state = await store.resume();
  outputs.resume(state);
  const setBackMs = setBackBy(state, clock.now());
  flow.resume(state.standing, setBackMs);
  healthMails.resume(state.standing, setBackMs);
  recording.alarms.resume(state.standing);
  reach.resume(state.standing);
  alarms.resume(state, await store.readSetting<boolean>(ARMED_SETTING));

  let starting: Promise<void> = Promise.resolve();

  async function deployed(): Promise<void> {
    await flow.flowsStarted();
    await healthMails.flowsStarted();
    await recording.alarms.flowsStarted();
    signs.flowsStarted();
  }

  /** The first start of the flows: everything that the last run has left is taken up again. */
  async function goLive(): Promise<void> {
    await reach.start();
    // An action that finds no device connected yet goes without its picture, or waits a second for another try.
    await executor.start(async () => {
      live = true;
      await deployed();
      timers.resume(state.timers);
      devices.start();
    });
    await recording.start();
  }

  return {
    store,
    alarms,
    outputs,
    devices,
    executor,
    flow,
    tokens,
    reach,
    dryRun,
    name: options.siteName,
    isLive: () => live,
    flowsStarted() {
      // One deploy after another, also when two come at once.
      starting = starting.catch(() => undefined).then(() => (live ? deployed() : goLive()));
      return starting;
    },
    async push(deviceId, request) {
      return (await devices.push(deviceId, request)).answer;
    },
    pushRules: (deviceId) => devices.pushRules(deviceId),
    reachedBy(towards) {
      urlTowards = towards;
    },
    setArmed: (armed, who) => alarms.setArmed(armed, who),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announce,
    onEventKept(listener) {
      eventKept = listener;
    },
    async close() {
      // Sources first, then what they set off, the record last: nothing is accepted that cannot be kept.
      await devices.close();
      signs.close();
      timers.close();
      await executor.close();
      reach.close();
      await recording.recorder.close();
      await uploads.close();
      await local.close();
      await store.close();
    },
  };
}

function queueBackend(options: SiteOptions, store: Store): Parameters<typeof createExecutor>[0]['backend'] {
  if (options.redisUrl) return { kind: 'redis', url: options.redisUrl };
  if (store.pglite) return { kind: 'pglite', db: store.pglite };
  return { kind: 'postgres', url: store.databaseUrl! };
}
