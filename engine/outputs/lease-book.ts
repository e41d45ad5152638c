import type { Lease, OutputId } from '../domain/outputs';

/** All leases in memory, found by id, alarm and output. Living ones hold their output; ended ones are remembered. */
export class LeaseBook {
  readonly #leases = new Map<string, Lease>();
  readonly #byAlarm = new Map<string, Set<string>>();
  readonly #livingByOutput = new Map<OutputId, Set<string>>();

  get(id: string): Lease | undefined {
    return this.#leases.get(id);
  }

  isLiving(id: string): boolean {
    const lease = this.#leases.get(id);
    return lease !== undefined && (this.#livingByOutput.get(lease.outputId)?.has(id) ?? false);
  }

  all(): Lease[] {
    return [...this.#leases.values()];
  }

  ofAlarm(alarmId: string): Lease[] {
    return this.#read(this.#byAlarm.get(alarmId));
  }

  livingOf(outputId: OutputId): Lease[] {
    return this.#read(this.#livingByOutput.get(outputId));
  }

  livingCount(outputId: OutputId): number {
    return this.#livingByOutput.get(outputId)?.size ?? 0;
  }

  /** Adds a lease or replaces the one with its id. */
  put(lease: Lease, living: boolean): void {
    this.delete(lease.id);
    this.#leases.set(lease.id, lease);
    if (lease.alarmId !== null) addTo(this.#byAlarm, lease.alarmId, lease.id);
    if (living) addTo(this.#livingByOutput, lease.outputId, lease.id);
  }

  delete(id: string): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    if (lease.alarmId !== null) removeFrom(this.#byAlarm, lease.alarmId, id);
    removeFrom(this.#livingByOutput, lease.outputId, id);
  }

  #read(ids: Set<string> | undefined): Lease[] {
    return ids ? [...ids].map((id) => this.#leases.get(id)!) : [];
  }
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key);
}
