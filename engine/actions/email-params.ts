import type { AlarmPhase } from '../domain/alarms';
import type { HealthReport } from '../domain/mail';
import { badParameter, oneOf, type Params, readPhases, text, wholeNumberOrNull } from './fields';
import { isAddress } from './mail-address';

export const receiverKinds = ['to', 'cc', 'bcc'] as const;
export type ReceiverKind = (typeof receiverKinds)[number];

/** Receivers who are mailed together, always or only while a schedule is armed. */
export interface ReceiverGroup {
  kind: ReceiverKind;
  addresses: string[];
  /** Id of an arming schedule; null: always. */
  scheduleId: string | null;
}

/** `three`: 1 s before, at, and 1 s after the alarm where the camera is recorded. */
export const pictureChoices = ['none', 'event-or-snapshot', 'three'] as const;
export type PictureChoice = (typeof pictureChoices)[number];

/** Lengths of a clip to choose from, in seconds; 0: none (REQUIREMENTS L4). */
export const clipSeconds = [0, 3, 5, 7] as const;

/** A mail that brings what was late for the mail of another row. */
export interface FollowUp {
  /** Key of the row whose mail it follows. */
  of: string;
  pictures: boolean;
  clip: boolean;
}

/** Parameters of the action `email`. */
export interface EmailParams {
  /** Id of the mail server's config node. */
  serverId: string;
  /** Who is always mailed. */
  to: string[];
  /** Further receivers, each group with its own schedule. */
  more: ReceiverGroup[];
  /** Phases of an alarm that send a mail; plain messages always do. */
  phases: AlarmPhase[];
  /** Templates; empty: a text that fits the phase. */
  subject: string;
  text: string;
  picture: PictureChoice;
  /** Seconds of a clip to attach; 0: none. */
  clip: number;
  /** Camera for snapshots and clips; null: the alarm's own. */
  snapshotDeviceId: string | null;
  /** Its channel, from 1; null: the alarm's own, else 1. */
  snapshotChannel: number | null;
  /** Whether it carries the links of `answerLinks`. */
  links: boolean;
  /** Set by the engine: this mail brings what was late. */
  followUp: FollowUp | null;
  /** Set by the engine: key of the row whose mail is sent again, to those who were refused for the moment. */
  mailOf: string | null;
  /** Set by the engine: a health mail. */
  health: HealthReport | null;
}

const ACTION = 'Email';
const MOST_RECEIVERS = 50;
const MOST_GROUPS = 50;

function readAddresses(value: unknown, field: string, least: number): string[] {
  if (!Array.isArray(value) || value.length < least) throw badParameter(ACTION, field, 'needs at least one receiver');
  if (value.length > MOST_RECEIVERS) throw badParameter(ACTION, field, `takes at most ${MOST_RECEIVERS} receivers`);
  for (const address of value)
    if (!isAddress(address))
      throw badParameter(
        ACTION,
        field,
        `has "${String(address).slice(0, 100)}", which is no mail address (one like name@example.com)`,
      );
  return [...new Set(value as string[])];
}

function readGroups(value: unknown): ReceiverGroup[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MOST_GROUPS)
    throw badParameter(ACTION, 'more', `must be a list of at most ${MOST_GROUPS} groups of receivers`);
  return value.map((group: unknown) => {
    if (typeof group !== 'object' || group === null) throw badParameter(ACTION, 'more', 'must be a list of groups');
    const { kind, addresses, scheduleId } = group as Partial<Record<keyof ReceiverGroup, unknown>>;
    if (scheduleId !== null && (typeof scheduleId !== 'string' || scheduleId.length > 200))
      throw badParameter(ACTION, 'more', 'must name a schedule by its id, or null for always');
    return {
      kind: oneOf(ACTION, { more: kind }, 'more', receiverKinds),
      addresses: readAddresses(addresses, 'more', 1),
      scheduleId,
    };
  });
}

/** Rows carry what the engine wrote into them; anything else is left out. */
function readFollowUp(value: unknown): FollowUp | null {
  if (typeof value !== 'object' || value === null) return null;
  const { of, pictures, clip } = value as Partial<FollowUp>;
  return typeof of === 'string' ? { of, pictures: pictures === true, clip: clip === true } : null;
}

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readEmailParams(params: Params): EmailParams {
  const serverId = text(ACTION, params, 'serverId', 200);
  if (serverId === '') throw badParameter(ACTION, 'serverId', 'names no mail server: choose one');
  const more = readGroups(params.more);
  const to = readAddresses(params.to, 'to', more.length > 0 ? 0 : 1);
  if (to.length + more.reduce((sum, { addresses }) => sum + addresses.length, 0) > MOST_RECEIVERS)
    throw badParameter(ACTION, 'more', `and "to" take at most ${MOST_RECEIVERS} receivers together`);
  const phases = readPhases(ACTION, params);
  const device = params.snapshotDeviceId;
  if (device !== null && device !== undefined && (typeof device !== 'string' || device.length > 200))
    throw badParameter(ACTION, 'snapshotDeviceId', 'must be the id of a device, or null for the camera of the alarm');
  const clip = clipSeconds.find((seconds) => seconds === (params.clip ?? 0));
  if (clip === undefined) throw badParameter(ACTION, 'clip', `must be one of: ${clipSeconds.join(', ')} (seconds)`);
  return {
    serverId,
    to,
    more,
    phases,
    subject: text(ACTION, params, 'subject', 1_000),
    text: text(ACTION, params, 'text', 64 * 1024),
    picture: oneOf(ACTION, params, 'picture', pictureChoices),
    clip,
    snapshotDeviceId: device || null,
    snapshotChannel: wholeNumberOrNull(ACTION, params, 'snapshotChannel', 1, 65_535),
    links: params.links === true,
    followUp: readFollowUp(params.followUp),
    mailOf: typeof params.mailOf === 'string' ? params.mailOf : null,
    health: (params.health as HealthReport | undefined) ?? null,
  };
}
