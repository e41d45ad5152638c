import type { ActionRow } from '../domain/actions';
import type { DeviceStatus } from '../domain/devices';
import type { OutputState } from '../domain/outputs';
import type { NodeNotice } from '../index';

/** What nodes show below themselves: short texts for people, at most about 20 characters. */

export function deviceNotice(status: DeviceStatus | null): NodeNotice {
  switch (status?.link) {
    case 'online':
      return { state: 'idle', text: 'online' };
    case 'offline':
      return { state: 'trouble', text: 'device offline' };
    case 'refused':
      return { state: 'trouble', text: 'password refused' };
    default:
      return { state: 'waiting', text: 'connecting' };
  }
}

/** A device that is well itself, but whose last seconds are not kept. */
export const withRecording = (notice: NodeNotice, trouble: string | null): NodeNotice =>
  trouble !== null && notice.state === 'idle' ? { state: 'trouble', text: trouble } : notice;

/** What the device tells of itself is against what the node asks for; its dialog says it in full. */
export const cannotNotice: NodeNotice = { state: 'trouble', text: 'not on this device' };

/** Outputs that are held and not driven. */
export const dryNotice = (outputs: readonly OutputState[]): NodeNotice =>
  outputs.some(({ desired }) => desired)
    ? { state: 'waiting', text: 'dry run: would be on' }
    : { state: 'off', text: 'dry run: would be off' };

/** Of a node with several outputs the one that a person has to know of first. */
export function outputsNotice(outputs: readonly OutputState[]): NodeNotice {
  const notices = outputs.map(outputNotice);
  for (const state of ['trouble', 'waiting', 'active'] as const) {
    const found = notices.filter((notice) => notice.state === state);
    const [first] = found;
    if (first)
      return outputs.length === 1 ? first : { state, text: `${first.text}: ${found.length} of ${outputs.length}` };
  }
  return notices[0] ?? { state: 'idle', text: '' };
}

function outputNotice(output: OutputState): NodeNotice {
  if (output.confirmed !== output.desired)
    return output.lastError
      ? { state: 'trouble', text: output.desired ? 'cannot switch on' : 'cannot switch off' }
      : { state: 'waiting', text: output.desired ? 'switching on' : 'switching off' };
  const mode = output.mode === 'auto' ? '' : ' (by hand)';
  return output.desired ? { state: 'active', text: `on${mode}` } : { state: 'idle', text: `off${mode}` };
}

export function actionNotice(row: ActionRow): NodeNotice {
  switch (row.status) {
    case 'queued':
    case 'running':
      return { state: 'waiting', text: 'working' };
    case 'retrying':
      return { state: 'trouble', text: `retrying (${row.attempts})` };
    case 'done':
      return { state: 'idle', text: 'done' };
    case 'skipped':
      return { state: 'idle', text: row.summary?.startsWith('Dry run') ? 'dry run: not done' : 'skipped' };
    case 'expired':
      return { state: 'trouble', text: 'too late' };
    case 'failed':
      return { state: 'trouble', text: row.errorCode ?? 'failed' };
  }
}
