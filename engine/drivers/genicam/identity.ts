import type { DeviceFacts } from '../../domain/devices';
import { operationalError } from '../../domain/errors';
import { featureNames } from './abilities';
import type { CallOptions, Camera } from './camera';
import type { LineRoles } from './line-roles';
import type { FeatureList } from './output';

/** Who a camera is; also what its list of features is remembered under. */
export interface Identity {
  vendor: string;
  model: string;
  serial: string;
  firmware: string;
}

/** Asks under all names at once: what a camera does not have is told in the same call. */
export async function readIdentity(camera: Camera, cameraName: string, options: CallOptions): Promise<Identity> {
  const keys = ['vendor', 'model', 'serial', 'firmware'] as const;
  const names = keys.flatMap((key) => [...featureNames[key]]);
  const answers = await camera.control(names, options);
  const value = (key: (typeof keys)[number]): string => {
    for (const name of featureNames[key]) {
      const answer = answers[names.indexOf(name)];
      if (answer?.kind === 'value' && answer.text.trim() !== '') return answer.text.trim().slice(0, 200);
    }
    return '';
  };
  const identity = {
    vendor: value('vendor'),
    model: value('model'),
    serial: value('serial'),
    firmware: value('firmware'),
  };
  // A camera that is listed but does not answer reads only errors.
  if (answers.every((answer) => answer.kind === 'error'))
    throw operationalError(
      'E_DEVICE_OFFLINE',
      `"${cameraName}" was found, but answers no question: check its cable and that its address is in this machine's network`,
      { retryAfterMs: 1_000 },
    );
  return identity;
}

/** Lists of features by identity: read once per camera and firmware, they take long over a network. */
export interface FeatureCache {
  of(identity: Identity): FeatureList | null;
  keep(identity: Identity, features: FeatureList): void;
}

const MOST_CAMERAS = 64;

export function createFeatureCache(): FeatureCache {
  const lists = new Map<string, FeatureList>();
  const keyOf = ({ vendor, model, serial, firmware }: Identity): string =>
    JSON.stringify([vendor, model, serial, firmware]);
  return {
    // Without a serial number two cameras could be taken for one another.
    of: (identity) => (identity.serial === '' ? null : (lists.get(keyOf(identity)) ?? null)),
    keep(identity, features) {
      lists.delete(keyOf(identity));
      lists.set(keyOf(identity), features);
      const oldest = lists.keys().next().value;
      if (lists.size > MOST_CAMERAS && oldest !== undefined) lists.delete(oldest);
    },
  };
}

export const factsOf = (identity: Identity, roles: LineRoles, warnings: readonly string[]): DeviceFacts => ({
  model: [identity.vendor, identity.model].filter(Boolean).join(' '),
  serialNumber: identity.serial,
  firmware: identity.firmware,
  deviceType: 'area-scan camera',
  inputs: roles.inputs.length,
  outputs: roles.outputs.length,
  channels: 1,
  hasPtz: false,
  hasThermal: false,
  warnings: [...new Set([...roles.warnings, ...warnings])],
});
