import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionRow } from '../domain/actions';
import type { DeviceDirectory, Picture } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import type { CameraChannel, MediaReference, Recordings } from '../domain/media';
import type { MediaRecord, RecordWriter } from '../domain/record';
import { deviceOf } from './device-of';
import { badParameter, type Params, wholeNumberOrNull } from './fields';
import { withHeldBack } from './held-back';
import { limited } from './time-limit';

/** Parameters of the action `snapshot`; the camera is the row's device, else the alarm's. */
export interface SnapshotParams {
  /** Video channel, from 1; null: `channels`, else the alarm's own, else 1. */
  channel?: number | null;
  /** Several channels of the device; empty or absent: `channel`. */
  channels?: number[];
  /** Channels of further devices. */
  cameras?: CameraChannel[];
  /** Only `cameras`: the node's own device is gone, and the alarm's own is not what was chosen. */
  onlyCameras?: boolean;
  /** Seconds from the alarm, −60 to 60; pictures of before need a recorded camera. Absent: at the alarm. */
  offsets?: number[];
}

const ACTION = 'Snapshot';
const CALL_LIMIT_MS = 10_000;
/** A picture of a scene that is long over proves nothing. */
const DEADLINE_MS = 30_000;
const MOST_CAMERAS = 32;
const MOST_OFFSETS = 10;
const MOST_SECONDS = 60;
/** A camera that is asked for its picture within this of the moment shows it. */
const AT_ONCE_MS = 2_000;

interface Shots {
  channels: number[];
  cameras: CameraChannel[];
  offsetsMs: number[];
}

const isChannel = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

export function readSnapshotParams(params: Params): Shots {
  const single = wholeNumberOrNull(ACTION, params, 'channel', 1, 65_535);
  const { channels = [], cameras = [], offsets = [0] } = params;
  if (!Array.isArray(channels) || channels.length > MOST_CAMERAS || !channels.every(isChannel))
    throw badParameter(ACTION, 'channels', `must be a list of at most ${MOST_CAMERAS} channels`);
  const isCamera = (one: unknown): one is CameraChannel =>
    typeof one === 'object' &&
    one !== null &&
    typeof (one as CameraChannel).deviceId === 'string' &&
    isChannel((one as CameraChannel).channel);
  if (!Array.isArray(cameras) || cameras.length > MOST_CAMERAS || !cameras.every(isCamera))
    throw badParameter(ACTION, 'cameras', `must be a list of at most ${MOST_CAMERAS} devices with a channel each`);
  const right = (offset: unknown): boolean => typeof offset === 'number' && Math.abs(offset) <= MOST_SECONDS;
  if (!Array.isArray(offsets) || offsets.length === 0 || offsets.length > MOST_OFFSETS || !offsets.every(right))
    throw badParameter(
      ACTION,
      'offsets',
      `must be 1 to ${MOST_OFFSETS} numbers of seconds from −${MOST_SECONDS} to ${MOST_SECONDS}`,
    );
  return {
    channels: [...new Set(channels.length > 0 ? channels : single === null ? [] : [single])],
    cameras,
    offsetsMs: [...new Set((offsets as number[]).map((offset) => Math.round(offset * 1000)))].sort((a, b) => a - b),
  };
}

export interface SnapshotParts {
  devices: DeviceDirectory;
  media: MediaRecord;
  recordings: Recordings;
  /** Writes which alarm a kept picture shows. */
  record: RecordWriter;
  clock: Clock;
}

/** The cameras, each once; the alarm's channel counts only on the alarm's own device. A device that is gone takes none along. */
function camerasOf(parts: SnapshotParts, row: ActionRow): { cameras: CameraChannel[]; gone: AlarmflowError | null } {
  const { channels, cameras } = readSnapshotParams(row.params);
  const named =
    row.deviceId !== null || (row.alarm !== null && row.params.onlyCameras !== true) || cameras.length === 0;
  let gone: AlarmflowError | null = null;
  const own = (): CameraChannel[] => {
    const device = deviceOf(parts.devices, row);
    const ofAlarm = row.alarm && device.id === row.alarm.deviceId ? row.alarm.channel : undefined;
    return (channels.length > 0 ? channels : [ofAlarm ?? 1]).map((channel) => ({ deviceId: device.id, channel }));
  };
  const all = [...cameras];
  try {
    if (named) all.unshift(...own());
  } catch (thrown) {
    if (cameras.length === 0) throw thrown;
    gone = asAlarmflowError(thrown);
  }
  const once = all.filter(
    (one, index) =>
      all.findIndex((other) => other.deviceId === one.deviceId && other.channel === one.channel) === index,
  );
  return { cameras: once, gone };
}

const offsetWords = (offsetMs: number): string =>
  offsetMs === 0 ? '' : ` ${Math.abs(offsetMs) / 1000} s ${offsetMs < 0 ? 'before' : 'after'}`;

/** Fetches pictures and keeps them with their alarm (L7); what each is made from is part of it, so that none comes twice. */
export function snapshotHandler(parts: SnapshotParts): ActionHandler {
  const { clock } = parts;

  /** When the alarm was, as far as its pictures are concerned. */
  const momentOf = (row: ActionRow): number =>
    row.phase === 'raise' && row.alarm ? row.alarm.raisedAt : row.requestedAt;

  /** One picture of the camera itself, at the moment or, where that is over, now. */
  async function take(camera: CameraChannel, moment: number, signal: AbortSignal): Promise<Picture> {
    const ahead = moment - clock.now();
    if (ahead > 0) await clock.sleep(ahead, signal);
    const device = parts.devices.device(camera.deviceId);
    const what = `"${device.name}" sent no snapshot`;
    return await limited(clock, signal, CALL_LIMIT_MS, what, (stop) => device.snapshot(camera.channel, stop));
  }

  return {
    kind: 'snapshot',
    heavy: false,
    waitsFor: () => 'pictures',
    defaultDeadlineMs: DEADLINE_MS + MOST_SECONDS * 1000,
    attempts: 5,
    check(params) {
      readSnapshotParams(params);
    },
    rehearse(row) {
      const { offsetsMs } = readSnapshotParams(row.params);
      const { cameras } = camerasOf(parts, row);
      return `Take ${cameras.length * offsetsMs.length} pictures of ${cameras.map(({ deviceId, channel }) => `"${parts.devices.device(deviceId).name}" channel ${channel}`).join(', ')}`;
    },
    async execute({ row, signal, test }) {
      const { offsetsMs } = readSnapshotParams(row.params);
      const moment = momentOf(row);
      const kept: MediaReference[] = [];
      const lacking: string[] = [];
      const wanted = camerasOf(parts, row);
      let failure: AlarmflowError | null = wanted.gone;
      let bytes = 0;

      /** @param lateMs how long after its moment it was taken */
      const keep = async (
        camera: CameraChannel,
        offsetMs: number,
        picture: Picture,
        lateMs: number = 0,
      ): Promise<void> => {
        const { deviceId, channel } = camera;
        const shown = lateMs > AT_ONCE_MS ? lateMs : 0;
        const made = `${row.key} ${deviceId} ${channel} ${offsetMs}`;
        const name = `snapshot-${createHash('sha256').update(made).digest('hex').slice(0, 16)}`;
        const mediaId = await parts.media.keep({ ...picture, name, ...(test ? {} : { origin: `snapshot:${made}` }) });
        bytes += picture.bytes.length;
        kept.push({
          alarmId: row.alarmId ?? '',
          mediaId,
          kind: 'picture',
          deviceId,
          channel,
          at: Math.round(moment + offsetMs + shown),
          until: null,
          note: shown > 0 ? `live, ${Math.round(shown / 1000)} s late` : null,
        });
      };

      const takeLive = async (camera: CameraChannel, offsetMs: number): Promise<void> => {
        const picture = await take(camera, moment + offsetMs, signal);
        await keep(camera, offsetMs, picture, clock.now() - moment - offsetMs);
      };

      /** All pictures of one camera: out of its ring where it has one, else of the camera itself. */
      const shoot = async (camera: CameraChannel): Promise<void> => {
        const name = `"${parts.devices.device(camera.deviceId).name}" channel ${camera.channel}`;
        const late = clock.now() > moment + AT_ONCE_MS;
        const fromRing = offsetsMs.filter((offset) => offset !== 0 || (late && parts.recordings.isRecorded(camera)));
        const recorded = parts.recordings.isRecorded(camera) && fromRing.length > 0;
        const shots = recorded
          ? parts.recordings.picturesAt(
              camera,
              fromRing.map((offset) => moment + offset),
              signal,
            )
          : Promise.resolve([]);
        // The camera is asked meanwhile: the picture at the alarm waits for none of the others.
        for (const offset of offsetsMs) {
          if (recorded && fromRing.includes(offset)) continue;
          if (offset < 0) {
            lacking.push(`${name}${offsetWords(offset)}: its last seconds are not kept, see the dialog of the device`);
            continue;
          }
          await takeLive(camera, offset);
        }
        const pictures = await shots;
        const instead = offsetsMs.find((offset) => offset >= 0);
        // Nobody was there to record it: what the camera sees now is better than nothing, once.
        if (recorded && fromRing.length === offsetsMs.length && instead !== undefined && !pictures.some(Boolean))
          await takeLive(camera, instead);
        for (const [index, offset] of fromRing.entries()) {
          if (!recorded) break;
          const picture = pictures[index];
          if (picture) await keep(camera, offset, picture);
          else lacking.push(`${name}${offsetWords(offset)}: it was not recorded then`);
        }
      };

      await Promise.all(
        wanted.cameras.map(async (camera) => {
          try {
            await shoot(camera);
          } catch (thrown) {
            signal.throwIfAborted();
            failure = asAlarmflowError(thrown);
            lacking.push(failure.message);
          }
        }),
      );
      if (row.alarmId !== null && kept.length > 0) await parts.record.commit({ alarmMedia: kept });
      // What was had is kept; the rest is tried again, and what is there then is not taken twice.
      if (failure) throw failure;
      if (kept.length === 0) throw operationalError('E_NO_PICTURE', `No picture could be had: ${lacking.join('; ')}`);
      const count = kept.length === 1 ? 'Snapshot' : `${kept.length} pictures`;
      const cameras = [
        ...new Set(kept.map(({ deviceId, channel }) => `"${parts.devices.device(deviceId).name}" channel ${channel}`)),
      ];
      const ids = kept.length === 1 ? ` as ${kept[0]!.mediaId}` : '';
      const but = lacking.length > 0 ? `; not had: ${lacking.join('; ')}` : '';
      return {
        status: 'done',
        summary: withHeldBack(`${count} of ${cameras.join(', ')} kept${ids} (${bytes} bytes)${but}`, row),
      };
    },
  };
}
