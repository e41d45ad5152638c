import type { DeviceFacts, DeviceOffers } from '../../domain/devices';
import { noOffers } from '../../domain/devices';
import { userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { type Abilities, readAbilities } from './abilities';
import type { CallOptions, Camera } from './camera';
import { type FeatureCache, factsOf, type Identity, readIdentity } from './identity';
import { type LineRoles, readLineRoles } from './line-roles';
import { createLineReader, type LineReader } from './lines';
import type { GenicamOptions } from './options';
import { createLineOutputs, type LineOutputs } from './outputs';
import { createTriggerSetter, type TriggerSetter } from './trigger-setup';

/** Taking control from another program in vain takes arv-tool up to 8 s, milliseconds. */
export const CONTROL_MS = 12_000;

/** What is known of a camera while it is connected. */
export interface Session {
  identity: Identity;
  abilities: Abilities;
  roles: LineRoles;
  /** null where no line is watched. */
  lines: LineReader | null;
  outputs: LineOutputs;
  trigger: TriggerSetter;
  facts(warnings: readonly string[]): DeviceFacts;
  offers(): DeviceOffers;
  /** Executes the software trigger, of one trigger selector where a name is given. */
  fire(name: string, options: CallOptions): Promise<void>;
}

export interface SessionOptions {
  camera: Camera;
  name: string;
  settings: GenicamOptions;
  cache: FeatureCache;
  log: Log;
}

/** Asks a camera who it is and what it has; reads nothing twice that its firmware decides. Changes nothing but selectors. */
export async function openSession(options: SessionOptions, call: CallOptions): Promise<Session> {
  const { camera, name, settings, cache, log } = options;
  const identity = await readIdentity(camera, name, call);
  const known = cache.of(identity);
  const features = known ?? (await camera.features({ ...call, timeoutMs: undefined }));
  if (!known) cache.keep(identity, features);
  const abilities = readAbilities(features);
  // A camera that another program controls lets a write wait long before it fails.
  const roles = await readLineRoles(camera, abilities, settings, { ...call, timeoutMs: CONTROL_MS });
  const watched = roles.inputs.map(({ line }) => line);
  return {
    identity,
    abilities,
    roles,
    lines: watched.length > 0 ? createLineReader(camera, abilities, watched, settings.status, log) : null,
    outputs: createLineOutputs(camera, name, abilities, roles, log),
    trigger: createTriggerSetter(camera, abilities, settings.trigger),
    facts: (warnings) => factsOf(identity, roles, warnings),
    offers: () => offersOf(abilities, roles),
    fire: (trigger, fireOptions) => fire(camera, name, abilities, trigger, fireOptions),
  };
}

function offersOf(abilities: Abilities, roles: LineRoles): DeviceOffers {
  const switchable = abilities.name('userOutputValue') !== null;
  const outputs = switchable ? roles.outputs.map(({ line }) => ({ output: line, name: line })) : [];
  const switches = outputs.map(({ output }) => ({ kind: 'line' as const, name: output, title: output }));
  return {
    ...noOffers,
    channels: [{ channel: 1, name: 'Camera' }],
    inputs: roles.inputs.map(({ line }) => ({ input: line, name: line })),
    outputs,
    eventTypes: roles.inputs.length > 0 ? ['digital-input'] : [],
    switches,
  };
}

/** A camera takes the command and does nothing unless the trigger is on and its source is software: that is told. */
async function fire(
  camera: Camera,
  name: string,
  abilities: Abilities,
  trigger: string,
  options: CallOptions,
): Promise<void> {
  if (abilities.name('triggerSoftware') === null)
    throw userError('E_NOT_SUPPORTED', `"${name}" has no software trigger (TriggerSoftware)`);
  const triggers = abilities.entries('triggerSelector');
  const own = trigger === '' || trigger === 'TriggerSoftware';
  if (!own && !triggers.includes(trigger))
    throw userError(
      'E_BAD_PARAMETER',
      `"${name}" has no trigger "${trigger.slice(0, 60)}"; it has: ${triggers.join(', ') || 'TriggerSoftware'}`,
    );
  const selected =
    own || abilities.name('triggerSelector') === null ? null : { selector: 'TriggerSelector', value: trigger };
  const asked = (['triggerMode', 'triggerSource'] as const).filter((key) => abilities.name(key) !== null);
  const names = asked.map((key) => abilities.name(key) ?? '');
  const values = await (selected ? camera.readUnder(selected, names, options) : camera.read(names, options));
  const mode = values[names.indexOf('TriggerMode')];
  const source = values[names.indexOf('TriggerSource')];
  if (mode === 'Off' || (source !== undefined && source !== 'Software'))
    throw userError(
      'E_BAD_PARAMETER',
      `"${name}" would ignore a software trigger (TriggerMode is ${mode ?? 'unknown'}, TriggerSource is ${source ?? 'unknown'}): set up the trigger with mode On and source Software in the device's dialog`,
    );
  await camera.execute('TriggerSoftware', selected, options);
}
