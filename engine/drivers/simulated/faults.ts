import { userError } from '../../domain/errors';

/** The switches of one simulated device. */
export interface FaultSwitches<Name extends string> {
  /** Turns a fault on or off; throws `E_UNKNOWN_FAULT` (user) for a name that is none. */
  set(name: string, on?: boolean): void;
  has(name: Name): boolean;
  /** Whether it is on; turns it off. */
  spend(name: Name): boolean;
  clear(): void;
  list(): Name[];
}

/**
 * @param names all that there are
 * @param on those that are on from the start
 * @param changed told after each change
 */
export function createFaultSwitches<Name extends string>(
  names: readonly Name[],
  on: readonly string[],
  changed: (name: Name, on: boolean) => void = () => undefined,
): FaultSwitches<Name> {
  const active = new Set<Name>();
  const known = (name: string): Name => {
    const found = names.find((n) => n === name);
    if (found) return found;
    throw userError('E_UNKNOWN_FAULT', `There is no fault "${name}"; the device knows: ${names.join(', ')}`);
  };
  const faults: FaultSwitches<Name> = {
    set(name, isOn = true) {
      const fault = known(name);
      if (isOn) active.add(fault);
      else active.delete(fault);
      changed(fault, isOn);
    },
    has: (name) => active.has(name),
    spend(name) {
      const wasOn = active.has(name);
      if (wasOn) faults.set(name, false);
      return wasOn;
    },
    clear() {
      for (const name of [...active]) faults.set(name, false);
    },
    list: () => [...active],
  };
  for (const name of on) active.add(known(name));
  return faults;
}
