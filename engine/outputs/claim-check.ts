import { MOST_TIMES, switchKinds } from '../domain/devices';
import { userError } from '../domain/errors';
import {
  heldOutput,
  MOST_PRIORITY,
  type OutputClaim,
  type OutputKind,
  type OutputManner,
  ptzPlace,
} from '../domain/outputs';

/** Longest hold or cap: ten years. Longer times are a mistake in the unit. */
const LONGEST_MS = 10 * 366 * 86_400_000;

const isTime = (value: unknown, least: number): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= least && value <= LONGEST_MS;

const nodeWords: Readonly<Record<OutputKind, string>> = {
  relay: 'Relay node',
  siren: 'Audible alarm node',
  light: 'Light node',
  record: 'Record node',
  line: 'Line node',
  ptz: 'PTZ node',
};

/** What is checked of claims and definitions alike. */
type Named = Pick<OutputClaim, 'nodeId' | 'deviceId' | 'output' | 'kind' | 'manner' | 'priority'>;

/** How messages name the node behind a claim. */
export function nodeOf(kind: OutputKind | undefined, nodeName: string): string {
  const known = kind !== undefined && Object.hasOwn(nodeWords, kind);
  return `${known ? nodeWords[kind] : nodeWords.relay} "${nodeName}"`;
}

/** Checks what a flow node asks for; throws a user error that names the node and the field. */
export function checkClaim(claim: OutputClaim): void {
  const node = nodeOf(claim.kind, claim.nodeName || claim.nodeId);
  if (!claim.nodeId) throw userError('E_BAD_OUTPUT', 'A claim on an output names no node: deploy the flow again');
  checkNamed(node, claim);
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

/** Checks what a node tells of its output; throws a user error that names the node and the field. */
export function checkDefinition(definition: Named & { name: string }): void {
  checkNamed(nodeOf(definition.kind, definition.name || definition.nodeId), definition);
}

function checkNamed(node: string, named: Named): void {
  const { kind, manner, priority } = named;
  if (kind !== undefined && kind !== 'relay' && kind !== 'ptz' && !switchKinds.includes(kind))
    throw userError('E_BAD_OUTPUT', `${node}: there are no outputs of the kind "${String(kind).slice(0, 40)}"`);
  checkOutput(node, named.deviceId, named.output);
  if (priority !== undefined && !isWhole(priority, 0, MOST_PRIORITY))
    throw userError('E_BAD_PRIORITY', `${node}: the priority must be a whole number from 0 to ${MOST_PRIORITY}`);
  if (manner !== undefined) checkManner(node, manner);
  if (kind === 'ptz' && !ptzPlace(heldOutput(named)))
    throw userError('E_BAD_OUTPUT', `${node}: a camera is named by the number of its channel`);
}

const isWhole = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

const flashes: ReadonlySet<unknown> = new Set(['solid', 'slow', 'medium', 'fast']);
const numbered: ReadonlySet<unknown> = new Set(['preset', 'tour', 'pattern', 'scan', 'aux']);
const unnumbered: ReadonlySet<unknown> = new Set(['pan', 'home', 'stop']);

function checkManner(node: string, manner: OutputManner): void {
  const wrong = (what: string): Error => userError('E_BAD_MANNER', `${node}: ${what}`);
  const { brightness, volume, sound, times, flash, forMs, move, home } = manner;
  if (brightness !== undefined && !isWhole(brightness, 0, 100)) throw wrong('the brightness must be 0 to 100');
  if (volume !== undefined && !isWhole(volume, 0, 100)) throw wrong('the volume must be 0 to 100');
  if (sound !== undefined && !isWhole(sound, 0, 65_535)) throw wrong('the sound must be named by its number');
  if (times !== undefined && !isWhole(times, 1, MOST_TIMES))
    throw wrong(`a sound is played 1 to ${MOST_TIMES} times, or as long as it is held`);
  if (flash !== undefined && !flashes.has(flash)) throw wrong('the light flashes slow, medium or fast, or is solid');
  if (forMs !== undefined && !isTime(forMs, 1)) throw wrong("the device's own time must be more than 0 seconds");
  for (const each of [move, home]) {
    if (each === undefined || unnumbered.has(each.move)) continue;
    if (!numbered.has(each.move) || !('number' in each) || !isWhole(each.number, 1, 65_535))
      throw wrong('a move is a preset, tour, pattern, scan or auxiliary switch with its number, pan, home or stop');
  }
}

/** Checks that a device and an output of it are named by something that can be one. */
export function checkOutput(node: string, deviceId: string, output: string): void {
  if (typeof deviceId !== 'string' || deviceId === '' || deviceId.length > 200)
    throw userError('E_BAD_OUTPUT', `${node} names no device: choose one in its dialog`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the value may come from a flow file, NUL included
  if (typeof output !== 'string' || output === '' || output.length > 64 || /[\u0000-\u001f]/.test(output))
    throw userError('E_BAD_OUTPUT', `${node} names no alarm output: enter its number as the device counts it`);
}
