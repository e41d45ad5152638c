/**
 * What an output should be, in the simplest words there are: the whole past of each claim is kept and asked anew at
 * every moment. The engine keeps ends and timers instead; both must agree.
 */
import { type HoldPolicy, holdKind } from '../../engine/domain/outputs';

interface Claim {
  owner: string;
  output: string;
  hold: HoldPolicy;
  from: number;
  /** Changes of the condition since, oldest first. */
  happened: { at: number; what: 'start' | 'clear' | 'again' }[];
  /** Nothing holds from then on. */
  gone: number | null;
}

export class LeaseModel {
  readonly #claims = new Map<string, Claim>();

  has = (id: string): boolean => this.#claims.has(id);

  claim(id: string, owner: string, output: string, hold: HoldPolicy, from: number): void {
    this.#claims.set(id, { owner, output, hold, from, happened: [], gone: null });
  }

  happens(owner: string, what: 'start' | 'clear' | 'again', at: number): void {
    for (const claim of this.#claims.values()) if (claim.owner === owner) claim.happened.push({ at, what });
  }

  forget(owner: string): void {
    for (const [id, claim] of this.#claims) if (claim.owner === owner) this.#claims.delete(id);
  }

  forgetClaim(id: string): void {
    this.#claims.delete(id);
  }

  /** Alarm reset of the outputs: running alarms do not take them again. */
  reset(at: number): void {
    for (const claim of this.#claims.values()) claim.gone ??= at;
  }

  holds(id: string, at: number): boolean {
    const claim = this.#claims.get(id);
    return claim !== undefined && isHeld(claim, at);
  }

  holdsFor = (owner: string, at: number): boolean =>
    [...this.#claims.values()].some((claim) => claim.owner === owner && isHeld(claim, at));

  isOn = (output: string, at: number): boolean =>
    [...this.#claims.values()].some((claim) => claim.output === output && isHeld(claim, at));
}

function isHeld({ hold, from, happened, gone }: Claim, at: number): boolean {
  if (gone !== null && at >= gone) return false;
  if (hold.capMs !== null && at >= from + hold.capMs) return false;
  const onMs = hold.onMs ?? 0;
  switch (holdKind(hold)) {
    case 'fixed':
      return at < from + onMs;
    case 'extended': {
      const starts = [from, ...happened.filter(({ what }) => what === 'start').map((each) => each.at)];
      return at < Math.max(...starts) + onMs;
    }
    case 'until-cleared':
      return true;
    case 'after-clear': {
      const last = happened.filter(({ what }) => what !== 'start').at(-1);
      const afterMs = hold.kind === undefined ? hold.afterClearMs! : 0;
      return last?.what !== 'clear' || at < last.at + afterMs;
    }
  }
}
