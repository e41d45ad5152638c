/** Two reference conditions with their surroundings, moved through time together. */
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { ReferenceCondition, type ReferenceHold, type Surroundings } from './reference';
import { armedByMinutes, START, untilTurn } from './site';

export class ReferenceSite {
  readonly conditions: readonly ReferenceCondition[];
  readonly around: Surroundings;
  /** Steady time. */
  now = 0;
  /** By how much the wall clock was set. */
  jumped = 0;
  /** What became known of messages that reached their actions, not taken in yet. */
  readonly #settlements: { at: number; condition: ReferenceCondition; nth: number }[] = [];

  constructor(policy: AlarmPolicy, hold: ReferenceHold) {
    this.around = {
      policy,
      hold,
      armed: true,
      up: true,
      shelvedUntil: null,
      scheduled: (at) => this.around.policy.scheduleId === null || armedByMinutes(START + at + this.jumped),
    };
    this.conditions = [new ReferenceCondition(this.around), new ReferenceCondition(this.around)];
  }

  settles(at: number, channel: number, nth: number): void {
    this.#settlements.push({ at, condition: this.conditions[channel]!, nth });
  }

  /** Lets everything happen that time does until then, in the order of time. */
  until(end: number): void {
    for (;;) {
      const next = this.#next();
      if (next === null || next.at > end) break;
      // What was due while nobody was there happens at its own time, as far as it is a matter of the condition alone.
      this.now = Math.max(this.now, next.at);
      next.act();
    }
    this.now = end;
  }

  #next(): { at: number; act(): void } | null {
    let next: { at: number; act(): void } | null = null;
    const offer = (at: number, act: () => void): void => {
      if (next === null || at < next.at) next = { at, act };
    };
    for (const condition of this.conditions) {
      const due = condition.next();
      if (due !== null) offer(due.at, () => condition.elapse(due.what, due.at));
    }
    const settlement = this.#settlements[0];
    if (settlement !== undefined) {
      offer(settlement.at, () => {
        this.#settlements.shift();
        const raises = settlement.condition.messages.filter((message) => message === 'raise').length;
        if (raises === settlement.nth && settlement.condition.alarm !== null) settlement.condition.settled();
      });
    }
    if (!this.around.up) return next;
    const { shelvedUntil } = this.around;
    if (shelvedUntil !== null) {
      offer(shelvedUntil, () => {
        this.around.shelvedUntil = null;
        this.arming();
      });
    }
    if (this.around.policy.scheduleId !== null && this.#turnsAt !== null) {
      offer(this.#turnsAt, () => {
        this.watchSchedule();
        this.arming();
      });
    }
    return next;
  }

  #turnsAt: number | null = null;

  /** Looks when the schedule turns next. */
  watchSchedule(): void {
    this.#turnsAt = this.now + untilTurn(START + this.now + this.jumped);
  }

  arming(): void {
    for (const condition of this.conditions) {
      // What is due by then comes first, also what only the last change has made due.
      for (let due = condition.next(); due !== null && due.at <= this.now; due = condition.next()) {
        condition.elapse(due.what, due.at);
      }
      condition.arming(this.now);
    }
  }
}
