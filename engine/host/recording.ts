/** Local recording as a part of the site: rings for the flow's cameras, recordings that hold their alarms, and how both are told of. */
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alarms } from '../alarms';
import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { DeviceDefinition, ReceivedEvent } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError } from '../domain/errors';
import { type AlarmHolds, joinedHolds } from '../domain/holds';
import type { Log } from '../domain/log';
import type { CameraChannel } from '../domain/media';
import type { DurableTimers } from '../domain/timers';
import type { Devices } from '../drivers';
import { type AlarmRecordings, createAlarmRecordings, createRecorder, type Recorder } from '../recording';
import type { Store } from '../store';

export interface RecordingSettings {
  /** Program, or its path. */
  ffmpegPath: string;
  /** Space for the last seconds of all cameras, in bytes. */
  mostBytes: number;
}

export const usualRecording: RecordingSettings = { ffmpegPath: 'ffmpeg', mostBytes: 4 * 1024 ** 3 };

export interface SiteRecordingParts {
  dataDir: string;
  settings: RecordingSettings;
  store: Store;
  devices: Devices;
  timers: DurableTimers;
  alarm: Alarms['alarm'];
  /** A recording has let go of its alarm. */
  holdEnded(alarmId: string): void;
  /** An event of ours about a device. */
  receive(deviceId: string, received: ReceivedEvent): Promise<string>;
  /** Rings of a device have begun or ceased to fill. */
  changed(deviceId: string): void;
  submit(rows: ActionRow[]): Promise<void>;
  clock: Clock;
  log: Log;
}

export interface SiteRecording {
  recorder: Recorder;
  alarms: AlarmRecordings;
  /** Outputs and recordings, as alarms know them: what one holds, is held. */
  withOutputs(outputs: AlarmHolds): AlarmHolds;
  /** Takes a device's definition, or that it is gone. */
  define(definition: DeviceDefinition): void;
  remove(deviceId: string): void;
  /** Opens the streams; what keeps them from it is logged, and holds nothing else up. */
  start(): Promise<void>;
  /** What a device's node shows while its last seconds are not kept; null: they are, or need not be. */
  troubleOf(deviceId: string): string | null;
}

/** The record, the clips and the system need the rest. */
const RESERVE_BYTES = 256 * 1024 ** 2;

export function createSiteRecording(parts: SiteRecordingParts): SiteRecording {
  const { clock, log, store } = parts;
  const folder = join(parts.dataDir, 'recording');

  const troubles = new Map<string, AlarmflowError>();

  const recorder = createRecorder({
    folder,
    ffmpegPath: parts.settings.ffmpegPath,
    mostBytes: parts.settings.mostBytes,
    reserveBytes: RESERVE_BYTES,
    async freeBytes() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const disk = await statfs(folder);
      return disk.bavail * disk.bsize;
    },
    media: store.media,
    async liveStream({ deviceId, channel }, signal) {
      return await parts.devices.device(deviceId).liveStream!(channel, signal);
    },
    told(camera, trouble) {
      const key = `${camera.deviceId}/${camera.channel}`;
      if (trouble) troubles.set(key, trouble);
      else troubles.delete(key);
      parts.changed(camera.deviceId);
      tell(camera, trouble);
    },
    clock,
    log,
  });

  const alarms = createAlarmRecordings({
    writer: store,
    timers: parts.timers,
    clock,
    log,
    alarm: parts.alarm,
    holdEnded: parts.holdEnded,
    isSetUp: (camera) => recorder.isSetUp(camera),
    hold: (id, span) => recorder.hold(id, span),
    release: (id) => recorder.release(id),
    watchWall: () => recorder.watchWall(),
    submit: parts.submit,
  });

  /** As a recorder of the maker's own would: a trigger for record faults hears of it. */
  function tell({ deviceId, channel }: CameraChannel, trouble: AlarmflowError | null): void {
    const description = trouble?.message ?? 'The local recording runs again';
    const draft: ReceivedEvent['draft'] = {
      type: 'record-fault',
      vendorType: 'local-recording',
      phase: trouble ? 'start' : 'stop',
      channel,
      description,
      deviceTime: null,
      deviceAt: null,
      condition: 'local-recording',
      raw: JSON.stringify({ localRecording: trouble?.code ?? 'running', channel }),
    };
    const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
    parts.receive(deviceId, received).catch((thrown: unknown) => {
      log.error('recording.event-not-kept', { deviceId, channel, error: asAlarmflowError(thrown).message });
    });
  }

  return {
    recorder,
    alarms,
    withOutputs: (outputs) => joinedHolds([outputs, alarms]),
    define: (definition) => recorder.define(definition),
    remove(deviceId) {
      recorder.remove(deviceId);
      for (const key of troubles.keys()) if (key.startsWith(`${deviceId}/`)) troubles.delete(key);
    },
    async start() {
      try {
        await recorder.start();
      } catch (thrown) {
        log.error('recording.not-started', { folder, error: asAlarmflowError(thrown).message });
      }
    },
    troubleOf(deviceId) {
      for (const [key, { code }] of troubles)
        if (key.startsWith(`${deviceId}/`)) return code === 'E_FFMPEG_MISSING' ? 'ffmpeg is missing' : 'not recorded';
      return null;
    },
  };
}
