import type { AlarmPhase } from '../domain/alarms';
import { badParameter, oneOf, type Params, readPhases, text, wholeNumber, wholeNumberOrNull } from './fields';
import { MOST_PARTS } from './upload-path';

/** Which part of a recording is uploaded. */
export interface UploadClip {
  /** Seconds before the alarm, and after the moment that the upload speaks of. */
  beforeSeconds: number;
  afterSeconds: number;
  /** Length at most; what is earlier is left out. */
  mostSeconds: number;
}

/** Parameters of the action `upload`, and of the older `sftp-upload`, which knew pictures alone. */
export interface UploadParams {
  /** Id of the file server's config node. */
  serverId: string;
  /** Phases of an alarm that upload; plain messages always do. */
  phases: AlarmPhase[];
  /** Template of the path below the server's directory, without ending; empty: site, device, day, time and type. */
  path: string;
  pictures: boolean;
  /** null: none. */
  clip: UploadClip | null;
  /** The alarm itself as a file beside them. */
  alarmFile: 'none' | 'json' | 'text';
  /** Camera for the snapshot and the clip; null: the alarm's own. */
  snapshotDeviceId: string | null;
  /** Its channel, from 1; null: the alarm's own, else 1. */
  snapshotChannel: number | null;
  /** Id of the schedule in whose periods is uploaded; null: always. */
  scheduleId: string | null;
}

const ACTION = 'Upload';
/** Seconds of a clip; a local recording does not go back further. */
export const MOST_CLIP_SECONDS = 600;

function readClip(params: Params): UploadClip | null {
  const { clip } = params;
  if (clip === null || clip === undefined) return null;
  if (typeof clip !== 'object' || Array.isArray(clip)) throw badParameter(ACTION, 'clip', 'must be an object or null');
  const fields = clip as Params;
  const read: UploadClip = {
    beforeSeconds: wholeNumber(ACTION, fields, 'beforeSeconds', 0, MOST_CLIP_SECONDS),
    afterSeconds: wholeNumber(ACTION, fields, 'afterSeconds', 0, MOST_CLIP_SECONDS),
    mostSeconds: wholeNumber(ACTION, fields, 'mostSeconds', 1, MOST_CLIP_SECONDS),
  };
  if (read.beforeSeconds + read.afterSeconds < 1)
    throw badParameter(ACTION, 'clip', 'must last at least one second: enter seconds before or after the alarm');
  return read;
}

function idOrNull(params: Params, field: string, what: string): string | null {
  const id = params[field];
  if (id !== null && id !== undefined && (typeof id !== 'string' || id.length > 200))
    throw badParameter(ACTION, field, `must be the id of a ${what}, or null`);
  return id || null;
}

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readUploadParams(params: Params): UploadParams {
  const serverId = text(ACTION, params, 'serverId', 200);
  if (serverId === '') throw badParameter(ACTION, 'serverId', 'names no file server: choose one');
  const path = text(ACTION, params, 'path', 500);
  if (path.split('/').filter((part) => part.trim() !== '').length > MOST_PARTS)
    throw badParameter(ACTION, 'path', `must not have more than ${MOST_PARTS} parts`);
  const pictures = params.pictures ?? true;
  if (typeof pictures !== 'boolean') throw badParameter(ACTION, 'pictures', 'must be true or false');
  const clip = readClip(params);
  const alarmFile =
    params.alarmFile === undefined ? 'none' : oneOf(ACTION, params, 'alarmFile', ['none', 'json', 'text']);
  if (!pictures && !clip && alarmFile === 'none')
    throw badParameter(ACTION, 'pictures', 'is off, and so are clip and alarm: there is nothing to upload');
  return {
    serverId,
    phases: readPhases(ACTION, params),
    path,
    pictures,
    clip,
    alarmFile,
    snapshotDeviceId: idOrNull(params, 'snapshotDeviceId', 'device'),
    snapshotChannel: wholeNumberOrNull(ACTION, params, 'snapshotChannel', 1, 65_535),
    scheduleId: idOrNull(params, 'scheduleId', 'schedule'),
  };
}
