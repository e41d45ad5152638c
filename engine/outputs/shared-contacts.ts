/**
 * One contact of a device may be driven as several outputs: a coil as relay and as siren, or under two spellings of its
 * number. Each has claims of its own; the contact is on while any of them wants it (DESIGN §2).
 */
import type { DeviceDirectory } from '../domain/devices';
import type { OutputId } from '../domain/outputs';
import type { ManagedOutput } from './managed';

export interface SharedContacts {
  /** Another output that wants the contact of this one on, or null. */
  holderBeside(output: ManagedOutput): ManagedOutput | null;
  /** Those that have to be driven again now that the contact of this one was switched off. */
  touchedBy(output: ManagedOutput): ManagedOutput[];
}

export function createSharedContacts(
  managed: ReadonlyMap<OutputId, ManagedOutput>,
  devices: DeviceDirectory,
  isDry: (id: OutputId) => boolean,
): SharedContacts {
  const contactOf = ({ state: { deviceId, kind, output } }: ManagedOutput): string | null => {
    if (kind === 'ptz') return null;
    try {
      return devices.device(deviceId).contactOf?.(kind, output) ?? null;
    } catch {
      // There is no such device, or no connection to it yet: nothing of it can be switched.
      return null;
    }
  };

  /** The other outputs of its contact. */
  function beside(output: ManagedOutput): ManagedOutput[] {
    const contact = contactOf(output);
    if (contact === null) return [];
    const { id, deviceId } = output.state;
    return [...managed.values()].filter(
      (other) => other.state.deviceId === deviceId && other.state.id !== id && contactOf(other) === contact,
    );
  }

  const wantsOn = ({ state }: ManagedOutput): boolean => state.desired && !isDry(state.id);

  return {
    holderBeside: (output) => beside(output).find(wantsOn) ?? null,
    touchedBy: (output) => beside(output).filter((other) => other.leftToAnother || wantsOn(other)),
  };
}
