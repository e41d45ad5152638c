/** Parts and rows for action tests. */
import { createActionHandlers, noUploads, type UploadParts } from '../../engine/actions';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionHandler, ActionKind, ActionResult, ActionRow } from '../../engine/domain/actions';
import type { AlarmCentre } from '../../engine/domain/alarm-centre';
import type { Alarm } from '../../engine/domain/alarms';
import type { ConnectedDevice, Picture } from '../../engine/domain/devices';
import { userError } from '../../engine/domain/errors';
import type { PictureRef } from '../../engine/domain/events';
import type { FileServer } from '../../engine/domain/file-server';
import { type Log, type LogFields, silentLog } from '../../engine/domain/log';
import type { MailServer } from '../../engine/domain/mail';
import { type MediaReference, noRecordings, type Recordings } from '../../engine/domain/media';
import type { MqttBroker } from '../../engine/domain/mqtt-broker';
import type { MediaRecord } from '../../engine/domain/record';
import type { SnmpReceiver } from '../../engine/domain/snmp-receiver';
import { answerDigest } from '../../engine/drivers';

export const RAISED = Date.UTC(2026, 10, 21, 7, 0, 0);

export const anAlarm = (fields: Partial<Alarm> = {}): Alarm => ({
  id: 'alarm-1',
  triggerId: 'trigger',
  triggerName: 'Hall too hot',
  key: 'cam/2',
  topic: 'site/Hall/2/temperature-alarm',
  deviceId: 'cam',
  deviceName: 'Hall camera',
  type: 'temperature-alarm',
  level: 'alarm',
  channel: 2,
  state: 'active',
  count: 1,
  raisedAt: RAISED,
  seenAt: RAISED,
  clearedAt: null,
  endedAt: null,
  endReason: null,
  latched: false,
  acknowledgedAt: null,
  acknowledgedBy: null,
  event: {
    id: 'event-1',
    deviceId: 'cam',
    type: 'temperature-alarm',
    vendorType: 'TMA',
    phase: 'start',
    channel: 2,
    temperature: { unit: 'celsius', value: 81.26, threshold: 60 },
    deviceTime: null,
    deviceAt: null,
    receivedAt: RAISED,
    clockSuspect: false,
    late: false,
    pictures: [],
  },
  ...fields,
});

export function aRow(kind: ActionKind, params: Record<string, unknown>, fields: Partial<ActionRow> = {}): ActionRow {
  const phase = fields.phase ?? 'raise';
  return {
    key: `alarm-1:node-1:${phase}`,
    alarmId: 'alarm-1',
    nodeId: 'node-1',
    nodeName: 'Mail to the guard',
    kind,
    phase,
    deviceId: 'cam',
    params,
    alarm: phase === 'message' ? null : { ...anAlarm(), phase },
    requestedAt: RAISED,
    deadlineAt: RAISED + 60_000,
    status: 'running',
    attempts: 1,
    summary: null,
    errorCode: null,
    finishedAt: null,
    durationMs: null,
    ...fields,
  };
}

export const anEmail = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  serverId: 'office',
  to: ['guard@example.com'],
  phases: ['raise', 'escalate', 'remind', 'clear', 'end'],
  subject: '',
  text: '',
  picture: 'none',
  snapshotDeviceId: null,
  snapshotChannel: null,
  ...fields,
});

export const aServer = (port: number, fields: Partial<MailServer> = {}): MailServer => ({
  id: 'office',
  name: 'Office',
  host: '127.0.0.1',
  port,
  security: 'none',
  allowSelfSigned: false,
  credentials: null,
  from: 'Alarm system <alarm@example.com>',
  ...fields,
});

export class Camera implements ConnectedDevice {
  readonly id: string;
  readonly name: string;
  readonly asked: string[] = [];
  picture: (signal: AbortSignal) => Promise<Picture> = async () => ({
    contentType: 'image/jpeg',
    bytes: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 0, 10, 13, 46, 13, 10]),
  });

  constructor(id: string, name: string) {
    this.id = id;
    this.name = name;
  }

  async snapshot(channel: number, signal: AbortSignal): Promise<Picture> {
    this.asked.push(`snapshot ${channel}`);
    return this.picture(signal);
  }

  turn: NonNullable<ConnectedDevice['turn']> = async (channel, move) => {
    if (move.move === 'preset') await this.gotoPreset(channel, move.number);
    return { arrival: null };
  };

  async gotoPreset(channel: number, preset: number): Promise<void> {
    this.asked.push(`preset ${channel}/${preset}`);
  }

  setOutput = async (): Promise<null> => null;
  readOutput = async (): Promise<null> => null;
}

export class ActionBench {
  readonly cameras = new Map<string, Camera>([
    ['cam', new Camera('cam', 'Hall camera')],
    ['yard', new Camera('yard', 'Yard camera')],
  ]);
  readonly kept: { contentType: string; bytes: Buffer; name?: string }[] = [];
  readonly lines: { level: string; event: string; fields?: LogFields }[] = [];
  eventPictures: () => Promise<PictureRef[]> = async () => [];
  server: MailServer | undefined;
  fileServer: FileServer | undefined;
  snmpReceiver: SnmpReceiver | undefined;
  alarmCentre: AlarmCentre | undefined;
  mqttBroker: MqttBroker | undefined;
  schedule: ((id: string, at: number) => { armed: boolean; detail: string }) | undefined;
  recordings: Recordings = noRecordings;
  /** How a picture is kept; throws where the disk would refuse it. */
  keep: MediaRecord['keep'] = async (picture) => `media-${this.kept.push(picture)}`;
  /** What was written of alarms' pictures and clips. */
  readonly shown: MediaReference[] = [];
  readonly #handlers: ActionHandler[];

  constructor(
    clock: Clock = systemClock,
    readonly uploads: UploadParts['uploads'] = noUploads,
  ) {
    const write = (level: string) => (event: string, fields?: LogFields) => {
      this.lines.push({ level, event, fields });
    };
    const log: Log = { ...silentLog, info: write('info'), warn: write('warn') };
    this.#handlers = createActionHandlers({
      devices: {
        device: (id) => {
          const camera = this.cameras.get(id);
          if (!camera) throw userError('E_UNKNOWN_DEVICE', `The flow has no device "${id}"`);
          return camera;
        },
      },
      mailServer: (id) => (id === this.server?.id ? this.server : undefined),
      fileServer: (id) => (id === this.fileServer?.id ? this.fileServer : undefined),
      uploads: this.uploads,
      snmpReceiver: (id) => (id === this.snmpReceiver?.id ? this.snmpReceiver : undefined),
      alarmCentre: (id) => (id === this.alarmCentre?.id ? this.alarmCentre : undefined),
      mqttBroker: (id) => (id === this.mqttBroker?.id ? this.mqttBroker : undefined),
      digest: answerDigest,
      schedule: (id, at) => this.schedule?.(id, at) ?? { armed: true, detail: 'armed' },
      media: {
        keep: (picture) => this.keep(picture),
        read: async (id) => this.kept[Number(id.slice('media-'.length)) - 1] ?? null,
      },
      recordings: {
        isRecorded: (camera) => this.recordings.isRecorded(camera),
        hindrance: (camera) => this.recordings.hindrance?.(camera) ?? null,
        picturesAt: (...asked) => this.recordings.picturesAt(...asked),
        clip: (...asked) => this.recordings.clip(...asked),
      },
      record: { commit: async ({ alarmMedia }) => void this.shown.push(...(alarmMedia ?? [])) },
      pictures: () => this.eventPictures(),
      clock,
      log,
      siteName: 'Depot',
    });
  }

  handler(kind: ActionKind): ActionHandler {
    return this.#handlers.find((handler) => handler.kind === kind)!;
  }

  run(row: ActionRow, signal: AbortSignal = new AbortController().signal): Promise<ActionResult> {
    return this.handler(row.kind).execute({ row, attempt: 1, signal });
  }
}
