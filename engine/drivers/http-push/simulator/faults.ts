import { userError } from '../../../domain/errors';

/** What a simulated sender can do wrong or oddly. */
export const senderFaults = [
  'lf-only',
  'byte-order-mark',
  'nul-behind',
  'cut-body',
  'latin1',
  'gzip',
  'gzip-unsaid',
  'zip-bomb',
  'wrong-content-type',
  'no-content-type',
  'lost-boundary',
  'sloppy-json',
  'namespaces',
  'blank-line-first',
  'doctype',
  'secret-fields',
  'get',
  'one-byte-chunks',
] as const;

export type SenderFault = (typeof senderFaults)[number];

/** The switches of one simulated device. */
export interface FaultSwitches<Name extends string> {
  /** Throws `E_UNKNOWN_FAULT` (user) for a name that is none. */
  set(name: string, on?: boolean): void;
  has(name: Name): boolean;
  clear(): void;
  list(): Name[];
  readonly on: ReadonlySet<Name>;
}

/** @param known all names that there are */
export function createFaultSwitches<Name extends string>(
  known: readonly Name[],
  names: readonly string[],
): FaultSwitches<Name> {
  const on = new Set<Name>();
  const faults: FaultSwitches<Name> = {
    on,
    set(name, active = true) {
      const fault = known.find((n) => n === name);
      if (!fault)
        throw userError('E_UNKNOWN_FAULT', `There is no fault "${name}"; the device knows: ${known.join(', ')}`);
      if (active) on.add(fault);
      else on.delete(fault);
    },
    has: (name) => on.has(name),
    clear: () => on.clear(),
    list: () => [...on],
  };
  for (const name of names) faults.set(name);
  return faults;
}
