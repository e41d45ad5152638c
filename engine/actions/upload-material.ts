/** What an upload consists of: pictures, a clip, the alarm as a file. What cannot be had is told in words. */
import { isoTime } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import { asAlarmflowError, userError, waitError } from '../domain/errors';
import type { CameraChannel, Recordings } from '../domain/media';
import { momentOf, templateValues } from './alarm-values';
import { localTime } from './local-time';
import { collectPictures, type PictureParts } from './pictures';
import { oneLine } from './template';
import type { UploadClip, UploadParams } from './upload-params';
import { uploadPath } from './upload-path';
import type { SpoolEntry, SpoolInput, UploadSpool } from './upload-spool';

export interface MaterialParts extends PictureParts {
  siteName: string;
  uploads: {
    /** Keeps what waits. */
    spool: UploadSpool;
    recordings: Recordings;
    /** A clip that was cut, in parts; null: it is no longer kept. */
    openClip(
      mediaId: string,
    ): Promise<{ size: number; bytes(first: number, last: number): AsyncIterable<Buffer> } | null>;
  };
}

const pictureLimits = { purpose: 'an upload', mostPictures: 10, mostBytes: 64 * 1024 * 1024 };
/** How often a clip is asked for, and how long after each refusal. */
const CLIP_TRIES = 4;
const CLIP_WAIT_MS = 5_000;
/** The last pictures of a clip come a little later. */
const CLIP_TAIL_MS = 2_000;
/** An end that is nearer is waited for where the clip is cut. */
const CLIP_NEAR_MS = 3_000;

const describeMoment = (at: number): { at: string; local: string } => ({ at: isoTime(at), local: localTime(at) });

/** The alarm for other programs: names of ours that stay, times in UTC, nothing of the device's raw payload. */
function alarmAsJson(row: ActionRow, siteName: string, files: readonly string[]): string {
  const { alarm } = row;
  const time = (at: number | null | undefined): string | null => (at === null || at === undefined ? null : isoTime(at));
  const document = {
    site: siteName,
    phase: row.phase,
    moment: describeMoment(momentOf(row)),
    node: row.nodeName || row.nodeId,
    files,
    alarm: alarm && {
      id: alarm.id,
      trigger: alarm.triggerName,
      topic: alarm.topic,
      device: { id: alarm.deviceId, name: alarm.deviceName },
      type: alarm.type,
      level: alarm.level ?? null,
      channel: alarm.channel ?? null,
      channelName: alarm.event.channelName ?? null,
      input: alarm.input ?? null,
      rule: alarm.rule ?? null,
      target: alarm.target ?? null,
      state: alarm.state,
      count: alarm.count,
      raisedAt: time(alarm.raisedAt),
      seenAt: time(alarm.seenAt),
      clearedAt: time(alarm.clearedAt),
      endedAt: time(alarm.endedAt),
      endReason: alarm.endReason,
      acknowledgedBy: alarm.acknowledgedBy,
      temperature: alarm.event.temperature ?? null,
      description: alarm.event.description ?? null,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const told: readonly [string, string][] = [
  ['Site', 'site'],
  ['Phase', 'phaseText'],
  ['Time', 'time'],
  ['Alarm', 'alarm.typeText'],
  ['Level', 'alarm.level'],
  ['Device', 'alarm.deviceName'],
  ['Channel', 'alarm.channel'],
  ['Channel name', 'alarm.channelName'],
  ['Input', 'alarm.input'],
  ['Rule', 'alarm.rule'],
  ['Target', 'alarm.target'],
  ['Temperature', 'temperature'],
  ['Threshold', 'threshold'],
  ['Description', 'alarm.description'],
  ['Raised', 'alarm.raisedAt'],
  ['Cleared', 'alarm.clearedAt'],
  ['Ended', 'alarm.endedAt'],
  ['Trigger', 'alarm.triggerName'],
  ['Number', 'alarm.id'],
];

function alarmAsText(row: ActionRow, siteName: string, files: readonly string[]): string {
  const values = templateValues(row, siteName);
  const lines = told.flatMap(([label, name]) => {
    const value = values.get(name);
    return value === null || value === undefined || value === '' ? [] : [`${label}: ${oneLine(value)}`];
  });
  return `${[...lines, ...files.map((file) => `File: ${file}`)].join('\n')}\n`;
}

/** From when to when a clip reaches. */
export function clipSpan(clip: UploadClip, row: ActionRow): { from: number; to: number } {
  const to = momentOf(row) + clip.afterSeconds * 1_000;
  const from = (row.alarm?.raisedAt ?? momentOf(row)) - clip.beforeSeconds * 1_000;
  return { from: Math.max(from, to - clip.mostSeconds * 1_000), to };
}

function cameraOf(params: UploadParams, row: ActionRow): CameraChannel {
  const deviceId = params.snapshotDeviceId ?? row.deviceId;
  if (!deviceId)
    throw userError('E_NO_CAMERA', 'no camera is known for this message: choose one in the dialog of the node');
  const own = params.snapshotDeviceId ? null : row.alarm?.channel;
  return { deviceId, channel: params.snapshotChannel ?? own ?? 1 };
}

async function clipOf(
  parts: MaterialParts,
  params: UploadParams,
  clip: UploadClip,
  row: ActionRow,
  until: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const { from, to } = clipSpan(clip, row);
  const end = Math.min(to, until);
  const cut = await parts.uploads.recordings.clip(cameraOf(params, row), Math.min(from, end - 1_000), end, signal);
  const open = await parts.uploads.openClip(cut.mediaId);
  if (!open) throw userError('E_NO_CLIP', 'the clip is no longer kept');
  return open.bytes(0, open.size - 1);
}

/** What can be had at once: pictures and the alarm. */
async function firstFiles(
  parts: MaterialParts,
  params: UploadParams,
  row: ActionRow,
  name: string,
  signal: AbortSignal,
): Promise<{ files: SpoolInput[]; notes: string[] }> {
  const files: SpoolInput[] = [];
  const notes: string[] = [];
  if (params.pictures) {
    const { pictures, missing } = await collectPictures(parts, row, { ...params, ...pictureLimits }, signal);
    for (const [at, { filename, content }] of pictures.entries())
      files.push({
        name: `${name}${at === 0 ? '' : `-${at + 1}`}${filename.slice(filename.lastIndexOf('.'))}`,
        content,
      });
    if (missing !== null) notes.push(`There is no picture to upload: ${missing}`);
  }
  if (params.alarmFile === 'none') return { files, notes };
  const names = [...files.map((file) => file.name), ...(params.clip ? [`${name}.mp4`] : [])];
  const [ending, write] = params.alarmFile === 'json' ? ['json', alarmAsJson] : (['txt', alarmAsText] as const);
  files.push({
    name: `${name}.${ending}`,
    content: Buffer.from((write as typeof alarmAsJson)(row, parts.siteName, names)),
  });
  return { files, notes };
}

/**
 * Puts into the spool what the row's upload consists of; what is there already is not made again.
 * @param options.test a person waits: what is still to come is left out
 * @throws E_WAITS while a clip is still to come or is asked for again
 */
export async function gather(
  parts: MaterialParts,
  params: UploadParams,
  row: ActionRow,
  signal: AbortSignal,
  options: { test: boolean },
): Promise<SpoolEntry> {
  const { spool } = parts.uploads;
  const about = { key: row.key, serverId: params.serverId, requestedAt: row.requestedAt, until: row.deadlineAt };
  const plain = uploadPath(params.path, row, parts.siteName).name;
  const name = options.test ? `TEST ${plain}` : plain;
  let entry = spool.entry(row.key);
  if (!entry) {
    const { files, notes } = await firstFiles(parts, params, row, name, signal);
    entry = await spool.keep(about, files, { complete: params.clip === null, notes });
  }
  if (entry.complete || entry.state !== 'open' || !params.clip) return entry;

  const now = parts.clock.now();
  const readyAt = clipSpan(params.clip, row).to + CLIP_TAIL_MS;
  if (!options.test && readyAt - now > CLIP_NEAR_MS)
    throw waitError('Waits for the end of the clip that belongs to it', readyAt - now);
  try {
    const until = options.test ? now : Number.POSITIVE_INFINITY;
    const content = await clipOf(parts, params, params.clip, row, until, signal);
    return await spool.keep(about, [{ name: `${name}.mp4`, content }], { complete: true });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asAlarmflowError(thrown);
    if (error.code === 'E_UPLOAD_QUEUE') throw error;
    parts.log.warn('upload.clip-missing', { key: row.key, code: error.code, error: error.message });
    const tries = await spool.missed(row.key);
    if (!options.test && error.family === 'operational' && tries < CLIP_TRIES)
      throw waitError(`Waits for its clip: ${error.message}`, CLIP_WAIT_MS);
    return spool.keep(about, [], { complete: true, notes: [`There is no clip to upload: ${error.message}`] });
  }
}
