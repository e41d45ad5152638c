/** What a record node asks for: pure. */
import type { ActionRow } from './actions';
import { userError } from './errors';
import type { CameraChannel } from './media';

/** Parameters of the action `record`. */
export interface RecordParams {
  /** From 1; empty: the alarm's own, else 1. */
  channels: number[];
  /** Seconds before the alarm, 0–300; no more than the ring keeps. */
  preSeconds: number;
  /** Seconds after the alarm has cleared, 10–300 (M3). */
  postSeconds: number;
  /** Longest file, 10–3600 s; what is longer becomes several. */
  partSeconds: number;
  /** Longest recording in all, 10–86400 s. */
  capSeconds: number;
}

/** Parameters of the action `record-clip`. */
export interface RecordClipParams {
  channel: number;
  /** Wall milliseconds. */
  from: number;
  to: number;
  /** Which file of the recording, from 1. */
  part: number;
  /** The recording ends with it. */
  last: boolean;
}

const MOST_CHANNELS = 64;

function whole(params: Record<string, unknown>, field: string, least: number, most: number): number {
  const value = params[field];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw bad(field, `must be a whole number from ${least} to ${most}`);
}

const bad = (field: string, text: string): Error =>
  userError('E_BAD_PARAMETER', `Record: field "${field}" ${text}`, { facts: { field } });

/** @throws E_BAD_PARAMETER (user) */
export function readRecordParams(params: Record<string, unknown>): RecordParams {
  const { channels } = params;
  const right = (channel: unknown): boolean =>
    Number.isInteger(channel) && Number(channel) >= 1 && Number(channel) <= 65_535;
  if (!Array.isArray(channels) || channels.length > MOST_CHANNELS || !channels.every(right))
    throw bad('channels', `must be a list of at most ${MOST_CHANNELS} channels`);
  return {
    channels: [...new Set(channels as number[])],
    preSeconds: whole(params, 'preSeconds', 0, 300),
    postSeconds: whole(params, 'postSeconds', 10, 300),
    partSeconds: whole(params, 'partSeconds', 10, 3_600),
    capSeconds: whole(params, 'capSeconds', 10, 86_400),
  };
}

/** @throws E_BAD_PARAMETER (user) */
export function readRecordClipParams(params: Record<string, unknown>): RecordClipParams {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    channel: whole(params, 'channel', 1, 65_535),
    from: whole(params, 'from', 0, most),
    to: whole(params, 'to', 0, most),
    part: whole(params, 'part', 1, 100_000),
    last: params.last === true,
  };
}

/** The cameras that an action is about: its channels, else the alarm's own, which counts only on its own device. */
export function camerasOf(row: Pick<ActionRow, 'deviceId' | 'alarm'>, channels: readonly number[]): CameraChannel[] {
  const deviceId = row.deviceId ?? row.alarm?.deviceId;
  if (!deviceId) return [];
  const own = row.alarm?.deviceId === deviceId ? row.alarm.channel : undefined;
  const chosen = channels.length > 0 ? channels : [own ?? 1];
  return chosen.map((channel) => ({ deviceId, channel }));
}
