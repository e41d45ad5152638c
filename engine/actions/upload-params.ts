import type { AlarmPhase } from '../domain/alarms';
import { badParameter, type Params, readPhases, text, wholeNumberOrNull } from './fields';
import { MOST_PARTS } from './upload-path';

/** Parameters of the action `sftp-upload`. */
export interface SftpUploadParams {
  /** Id of the file server's config node. */
  serverId: string;
  /** Phases of an alarm that upload; plain messages always do. */
  phases: AlarmPhase[];
  /** Template of the path below the server's directory, without ending; empty: site, device, day, time and type. */
  path: string;
  /** Camera for the snapshot; null: the alarm's own. */
  snapshotDeviceId: string | null;
  /** Channel for the snapshot, from 1; null: the alarm's own, else 1. */
  snapshotChannel: number | null;
}

const ACTION = 'Upload';

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readSftpUploadParams(params: Params): SftpUploadParams {
  const serverId = text(ACTION, params, 'serverId', 200);
  if (serverId === '') throw badParameter(ACTION, 'serverId', 'names no file server: choose one');
  const path = text(ACTION, params, 'path', 500);
  if (path.split('/').filter((part) => part.trim() !== '').length > MOST_PARTS)
    throw badParameter(ACTION, 'path', `must not have more than ${MOST_PARTS} parts`);
  const device = params.snapshotDeviceId;
  if (device !== null && device !== undefined && (typeof device !== 'string' || device.length > 200))
    throw badParameter(ACTION, 'snapshotDeviceId', 'must be the id of a device, or null for the camera of the alarm');
  return {
    serverId,
    phases: readPhases(ACTION, params),
    path,
    snapshotDeviceId: device || null,
    snapshotChannel: wholeNumberOrNull(ACTION, params, 'snapshotChannel', 1, 65_535),
  };
}
