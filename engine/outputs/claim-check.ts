import { userError } from '../domain/errors';
import type { OutputClaim } from '../domain/outputs';

/** Longest hold or cap: ten years. Longer times are a mistake in the unit. */
const LONGEST_MS = 10 * 366 * 86_400_000;

const isTime = (value: unknown, least: number): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= least && value <= LONGEST_MS;

/** Checks what a flow node asks for; throws a user error that names the node and the field. */
export function checkClaim(claim: OutputClaim): void {
  const node = `Relay node "${claim.nodeName || claim.nodeId}"`;
  if (!claim.nodeId) throw userError('E_BAD_OUTPUT', 'A claim on an output names no node: deploy the flow again');
  checkOutput(node, claim.deviceId, claim.output);
  const { kind, onMs, afterClearMs, capMs } = claim.hold;
  if (afterClearMs !== null && !isTime(afterClearMs, 0))
    throw userError('E_BAD_HOLD', `${node}: the post-alarm time must be 0 or more seconds, or "until cleared by hand"`);
  if (kind !== undefined && kind !== 'fixed' && kind !== 'extended')
    throw userError('E_BAD_HOLD', `${node}: the kind of hold must be one that its dialog offers`);
  if (kind !== undefined && !isTime(onMs, 0))
    throw userError('E_BAD_HOLD', `${node}: the alarm output time must be 0 or more seconds`);
  if (capMs !== null && !isTime(capMs, 1))
    throw userError('E_BAD_HOLD', `${node}: the longest time on must be more than 0 seconds, or none`);
}

/** Checks that a device and an output of it are named by something that can be one. */
export function checkOutput(node: string, deviceId: string, output: string): void {
  if (typeof deviceId !== 'string' || deviceId === '' || deviceId.length > 200)
    throw userError('E_BAD_OUTPUT', `${node} names no device: choose one in its dialog`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the value may come from a flow file, NUL included
  if (typeof output !== 'string' || output === '' || output.length > 64 || /[\u0000-\u001f]/.test(output))
    throw userError('E_BAD_OUTPUT', `${node} names no alarm output: enter its number as the device counts it`);
}
