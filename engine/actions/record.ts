import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionRow } from '../domain/actions';
import type { DeviceDirectory } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { CameraChannel, Recordings } from '../domain/media';
import type { RecordWriter } from '../domain/record';
import { camerasOf, readRecordClipParams, readRecordParams } from '../domain/recordings';
import { clipGap } from './clip-gap';
import { deviceOf } from './device-of';
import { withHeldBack } from './held-back';

export interface RecordActionParts {
  devices: DeviceDirectory;
  recordings: Recordings;
  /** Writes which alarms a kept file shows. */
  record: RecordWriter;
  clock: Clock;
}

const TEST_MS = 3_000;
const CUT_LIMIT_MS = 6 * 3_600_000;

/** Span of a kept file in words, with its size ("32 s, 3.2 MB"). */
const sizeWords = (ms: number, bytes: number): string =>
  `${Math.round(ms / 1000)} s, ${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;

const named = (device: string, cameras: readonly CameraChannel[]): string =>
  `"${device}" channel${cameras.length > 1 ? 's' : ''} ${cameras.map(({ channel }) => channel).join(', ')}`;

function camerasOfRow(
  parts: Pick<RecordActionParts, 'devices'>,
  row: ActionRow,
): { name: string; cameras: CameraChannel[] } {
  const device = deviceOf(parts.devices, row);
  return {
    name: device.name,
    cameras: camerasOf({ ...row, deviceId: device.id }, readRecordParams(row.params).channels),
  };
}

const spanWords = (row: ActionRow): string => {
  const { preSeconds, postSeconds } = readRecordParams(row.params);
  const after = row.phase === 'raise' || row.phase === 'escalate' ? 'the alarm' : 'the message';
  return `from ${preSeconds} s before until ${postSeconds} s after ${after}`;
};

/** Not set up: only a person can mend that. Set up, and hindered for the moment: the stream is tried again by itself. */
function notRecorded(recordings: Recordings, name: string, without: readonly CameraChannel[]): AlarmflowError {
  const found = without.map((camera) => ({ camera, hindrance: recordings.hindrance?.(camera) ?? null }));
  const notSetUp = found.filter(({ hindrance }) => hindrance === null).map(({ camera }) => camera);
  if (notSetUp.length > 0)
    return userError(
      'E_NOT_RECORDED',
      `Of ${named(name, notSetUp)} nothing is recorded: tick "Keep the last seconds for alarms" in the dialog of the device`,
    );
  const { code, message } = found[0]!.hindrance!;
  return operationalError(code, `Of ${named(name, without)} nothing is recorded at the moment: ${message}`);
}

/**
 * Local recording of an alarm (L6, M3). The recording itself began in the change that wrote the row and follows its
 * alarm from there; this says whether the cameras are recorded at all. Its files are actions of their own.
 */
export function recordHandler(parts: RecordActionParts): ActionHandler {
  return {
    kind: 'record',
    heavy: false,
    // A stream may take a minute to come back, a refused login five to be tried again.
    defaultDeadlineMs: 600_000,
    attempts: 20,
    check(params) {
      readRecordParams(params);
    },
    rehearse(row) {
      const { name, cameras } = camerasOfRow(parts, row);
      return `Record ${named(name, cameras)} ${spanWords(row)}`;
    },
    async execute({ row, signal, test }) {
      const { name, cameras } = camerasOfRow(parts, row);
      const without = cameras.filter((camera) => !parts.recordings.isRecorded(camera));
      if (without.length > 0) throw notRecorded(parts.recordings, name, without);
      if (!test)
        return { status: 'done', summary: withHeldBack(`Records ${named(name, cameras)} ${spanWords(row)}`, row) };
      const now = parts.clock.now();
      const clips = [];
      for (const camera of cameras) clips.push(await parts.recordings.clip(camera, now - TEST_MS, now, signal));
      const told = clips.map((clip) => sizeWords(clip.to - clip.from, clip.size)).join('; ');
      return { status: 'done', summary: `Test: a clip of ${named(name, cameras)} was cut and kept (${told})` };
    },
  };
}

/** The span is over when its file is asked for: what was not recorded then will not be there at the next try either. */
async function clipOf(recordings: Recordings, camera: CameraChannel, from: number, to: number, signal: AbortSignal) {
  try {
    return await recordings.clip(camera, from, to, signal);
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    throw error.code === 'E_NO_FOOTAGE' ? userError(error.code, error.message, { cause: error }) : thrown;
  }
}

/** Cuts one file of a recording and shows it with its alarm. The same span is the same file, however often it is tried. */
export function recordClipHandler(parts: RecordActionParts): ActionHandler {
  return {
    kind: 'record-clip',
    heavy: true,
    defaultDeadlineMs: CUT_LIMIT_MS,
    // A disk that is full may take hours to be freed; the pictures are held until the deadline, with a try each minute.
    attempts: 400,
    check(params) {
      readRecordClipParams(params);
    },
    rehearse(row) {
      const { channel, from, to } = readRecordClipParams(row.params);
      return `Keep a clip of ${Math.round((to - from) / 1000)} s of "${deviceOf(parts.devices, row).name}" channel ${channel}`;
    },
    async execute({ row, signal }) {
      const { channel, from, to, part, last } = readRecordClipParams(row.params);
      const device = deviceOf(parts.devices, row);
      const clip = await clipOf(parts.recordings, { deviceId: device.id, channel }, from, to, signal);
      const gap = clipGap(clip);
      if (row.alarmId !== null)
        await parts.record.commit({
          alarmMedia: [
            {
              alarmId: row.alarmId,
              mediaId: clip.mediaId,
              kind: 'clip',
              deviceId: device.id,
              channel,
              at: Math.round(clip.from),
              until: Math.round(clip.to),
              note: gap,
            },
          ],
        });
      const which = part === 1 && last ? 'Clip' : `Part ${part} of the recording`;
      const size = sizeWords(clip.playsMs ?? clip.to - clip.from - (clip.missingMs ?? 0), clip.size);
      return {
        status: 'done',
        summary: `${which} of "${device.name}" channel ${channel} kept (${size})${gap === null ? '' : `, ${gap}`}`,
      };
    },
  };
}
