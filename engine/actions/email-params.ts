import type { AlarmPhase } from '../domain/alarms';
import { badParameter, oneOf, type Params, readPhases, text, wholeNumberOrNull } from './fields';
import { isAddress } from './mail-address';

/** Parameters of the action `email`. */
export interface EmailParams {
  /** Id of the mail server's config node. */
  serverId: string;
  to: string[];
  /** Phases of an alarm that send a mail; plain messages always do. */
  phases: AlarmPhase[];
  /** Templates; empty: a text that fits the phase. */
  subject: string;
  text: string;
  picture: 'none' | 'event-or-snapshot';
  /** Camera for the snapshot; null: the alarm's own. */
  snapshotDeviceId: string | null;
  /** Channel for the snapshot, from 1; null: the alarm's own, else 1. */
  snapshotChannel: number | null;
}

const ACTION = 'Email';
const MOST_RECEIVERS = 50;

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readEmailParams(params: Params): EmailParams {
  const serverId = text(ACTION, params, 'serverId', 200);
  if (serverId === '') throw badParameter(ACTION, 'serverId', 'names no mail server: choose one');
  const { to } = params;
  if (!Array.isArray(to) || to.length === 0) throw badParameter(ACTION, 'to', 'needs at least one receiver');
  if (to.length > MOST_RECEIVERS) throw badParameter(ACTION, 'to', `takes at most ${MOST_RECEIVERS} receivers`);
  for (const address of to)
    if (!isAddress(address))
      throw badParameter(
        ACTION,
        'to',
        `has "${String(address).slice(0, 100)}", which is no mail address (one like name@example.com)`,
      );
  const phases = readPhases(ACTION, params);
  const device = params.snapshotDeviceId;
  if (device !== null && device !== undefined && (typeof device !== 'string' || device.length > 200))
    throw badParameter(ACTION, 'snapshotDeviceId', 'must be the id of a device, or null for the camera of the alarm');
  return {
    serverId,
    to: [...new Set(to as string[])],
    phases,
    subject: text(ACTION, params, 'subject', 1_000),
    text: text(ACTION, params, 'text', 64 * 1024),
    picture: oneOf(ACTION, params, 'picture', ['none', 'event-or-snapshot']),
    snapshotDeviceId: device || null,
    snapshotChannel: wholeNumberOrNull(ACTION, params, 'snapshotChannel', 1, 65_535),
  };
}
