/**
 * What one trigger with one relay should do, told as simply as DESIGN §1 and §2 and the gate machine's docstring tell
 * it: one condition at a time, in steady time (a wall clock that is set moves nothing but the schedule), no disk, no
 * queue, no promise. Two conditions (keys) share policy, arming, shelf, schedule and the relay.
 */
import type { EventPhase } from '../../engine/domain/events';
import type { AlarmPolicy } from '../../engine/domain/triggers';

export interface ReferenceHold {
  /** null: until cleared by hand. */
  afterClearMs: number | null;
  capMs: number | null;
}

/** What surrounds the conditions; the test changes it. Times are steady. */
export interface Surroundings {
  policy: AlarmPolicy;
  hold: ReferenceHold;
  armed: boolean;
  /** The process runs: messages reach the relay node. */
  up: boolean;
  shelvedUntil: number | null;
  /** Whether the schedule arms at a steady time. */
  scheduled(at: number): boolean;
}

type Shut = 'shelved' | 'disarmed' | 'not-armed';
type Back = Shut | 'anti-dither' | 'on-delay' | 'snapshot' | 'reset';
type Due = 'quiet' | 'off-delay' | 'on-delay' | 'repeat' | 'lease';

interface Held {
  since: number;
  seen: number;
  quietMs: number | null;
  /** Why nothing is raised of it. */
  back: Back | null;
}

interface Running {
  count: number;
  clears: number;
  clearedAt: number | null;
  acknowledged: boolean;
  stoppedAt: number | null;
  implied: boolean;
}

interface Lease {
  from: number;
  on: boolean;
  endsAt: number | null;
}

/** One condition of the trigger, and the alarm that it may have. */
export class ReferenceCondition {
  /** `outcome/reason` of every decision. */
  readonly decisions: string[] = [];
  /** `raise`, `clear`, `clear:2`, `end`, in order, of every alarm. */
  readonly messages: string[] = [];
  phase: 'normal' | 'pending' | 'active' | 'clearing' = 'normal';
  held: Held | null = null;
  alarm: Running | null = null;
  lease: Lease | null = null;
  /** The message that says "on" may not have reached its actions. */
  open = false;
  #starts: number[] = [];
  #window: { from: number; until: number; slidAt: number | null } | null = null;
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** The next thing that time does, or null; at one moment an end goes before what asks whether it holds. */
  next(): { at: number; what: Due } | null {
    let next: { at: number; what: Due } | null = null;
    for (const what of ['quiet', 'off-delay', 'on-delay', 'repeat', 'lease'] as const) {
      const at = this.#dueOf(what);
      if (at !== null && (next === null || at < next.at)) next = { at, what };
    }
    return next;
  }

  elapse(what: Due, at: number): undefined {
    const { policy } = this.#around;
    switch (what) {
      case 'quiet':
        this.#over(at, true);
        break;
      case 'off-delay':
        this.#clear(at, 'off-delay');
        break;
      case 'on-delay': {
        const shut = policy.enabled ? this.#shut(at) : 'disabled';
        if (shut !== null) {
          this.#withdraw();
          if (shut !== 'disabled') this.#holdBack(shut);
          this.#decide('refused', shut);
        } else if (this.phase === 'clearing') this.#resume(at, 'on-delay');
        else this.#lastGates(at, this.#starts[0] ?? at, 'on-delay');
        break;
      }
      case 'repeat':
        this.#withdraw();
        this.#holdBack('on-delay');
        this.#decide('refused', 'on-delay');
        break;
      case 'lease':
        this.lease!.on = false;
    }
    this.#release();
  }

  signal(phase: EventPhase, at: number): undefined {
    this.#signal(phase, at);
    this.#release();
  }

  #signal(phase: EventPhase, at: number): undefined {
    const { policy } = this.#around;
    if (!policy.enabled && !(phase === 'stop' && this.phase !== 'normal')) return this.#decide('refused', 'disabled');
    this.#forgetSilent(at);
    if (phase === 'stop') return this.#stop(at);
    const before = this.held;
    const shut = this.phase === 'active' && phase !== 'pulse' ? null : this.#shut(at);
    if (shut !== null) {
      if (this.phase !== 'active') {
        this.#see(phase, at);
        if (this.#filtering()) this.#withdraw();
        this.#holdBack(shut);
      }
      return this.#decide('refused', shut);
    }
    const edge = phase === 'start' || phase === 'pulse';
    if (this.phase === 'active') {
      this.#see(phase, at);
      this.held!.back = null;
      Object.assign(this.alarm!, { stoppedAt: null, implied: false });
      if (edge || before === null) this.#count(at, 1);
      return this.#decide('merged', phase);
    }
    const fresh = edge || (before === null && phase === 'refresh');
    const freed = before !== null && isShut(before.back) && policy.atWindowOpen === 'raise';
    const missed = before === null && phase === 'snapshot' && policy.atWindowOpen === 'raise';
    this.#see(phase, at);
    if (this.#filtering()) {
      this.held!.back = null;
      if (fresh && (policy.repeat !== null || this.phase === 'clearing')) return this.#begin(at, phase);
      if (fresh) this.#starts.push(at);
      return this.#decide('pending', 'on-delay');
    }
    if (!fresh && !freed && !missed) {
      if (before === null) this.held!.back = 'snapshot';
      const back = this.held!.back ?? 'anti-dither';
      return this.#decide(back === 'snapshot' || back === 'reset' ? 'no-alarm' : 'refused', back);
    }
    if (missed || (fresh && !freed)) this.held!.since = at;
    this.held!.back = null;
    this.#begin(at, freed && !fresh ? 'window-open' : phase);
  }

  /** Arming, the schedule or the shelf may be another than before. */
  arming(at: number): undefined {
    this.#arming(at);
    this.#release();
  }

  #arming(at: number): undefined {
    const { policy } = this.#around;
    this.#forgetSilent(at);
    const shut = this.#shut(at);
    if (shut === null) {
      if (!policy.enabled || this.held === null || !isShut(this.held.back) || policy.atWindowOpen !== 'raise') return;
      if (this.phase !== 'normal' && this.phase !== 'clearing') return;
      this.held.back = null;
      return this.#begin(at, 'window-open');
    }
    if (this.#filtering() && shut !== 'shelved') {
      this.#withdraw();
      this.#holdBack(shut);
      this.#decide('refused', shut);
    }
    if (this.alarm === null) return;
    if (shut === 'disarmed') this.#end('disarmed');
    else if (shut === 'not-armed' && policy.atWindowClose === 'end') this.#end('window-closed');
  }

  /** A deploy has changed the policy: what runs is measured anew, what is over by then happens now. */
  changed(at: number): undefined {
    const { policy } = this.#around;
    const window = this.#window;
    if (window !== null && at >= window.from && at < window.until) {
      const begun = policy.antiDitherMode === 'sliding' ? (window.slidAt ?? window.from) : window.from;
      this.#window = policy.antiDitherMs > 0 ? { ...window, until: begun + policy.antiDitherMs } : null;
    }
    const idle = policy.repeat === null ? this.held === null : this.#starts.length === 0;
    if (this.#filtering() && idle) {
      this.#withdraw();
      this.#decide('refused', 'on-delay');
      return this.#release();
    }
    for (const what of ['quiet', 'off-delay', 'on-delay', 'repeat'] as const) {
      const due = this.#dueOf(what);
      if (due !== null && due <= at) this.elapse(what, at);
    }
    this.#release();
  }

  acknowledge(): undefined {
    if (this.alarm === null || this.alarm.acknowledged) return;
    this.alarm.acknowledged = true;
    this.#decide('acknowledged', 'acknowledge');
    this.#release();
  }

  reset(): undefined {
    if (this.alarm !== null) this.#end('reset');
  }

  /** The raise has surely reached the actions: from then on nothing but holds keeps the alarm. */
  settled(): undefined {
    this.open = false;
    this.#release();
  }

  /** The relay node has had the raise: at once, or when the process is back. An alarm over meanwhile is no reason to begin. */
  switchOn(at: number): undefined {
    const { capMs, afterClearMs } = this.#around.hold;
    if (this.alarm === null || this.lease !== null) return;
    const cap = capMs === null ? null : at + capMs;
    this.lease = { from: at, on: true, endsAt: cap };
    if (this.phase !== 'clearing' || afterClearMs === null) return;
    this.#endsBy(this.alarm.clearedAt! + afterClearMs, at);
  }

  #dueOf(what: Due): number | null {
    const { policy } = this.#around;
    const { phase, held, alarm } = this;
    const filtering = this.#filtering();
    switch (what) {
      case 'quiet': {
        const watched =
          phase === 'active' ||
          (filtering && policy.repeat === null) ||
          (phase === 'normal' && held?.back === 'shelved');
        return watched && held?.quietMs != null ? held.seen + held.quietMs : null;
      }
      case 'off-delay':
        return phase === 'active' && alarm?.stoppedAt != null ? alarm.stoppedAt + policy.offDelayMs : null;
      case 'on-delay':
        return filtering && policy.repeat === null && held ? held.since + policy.onDelayMs : null;
      case 'repeat':
        return filtering && policy.repeat !== null ? this.#starts.at(-1)! + policy.repeat.withinMs + 1 : null;
      case 'lease':
        return this.lease?.on ? this.lease.endsAt : null;
    }
  }

  #filtering(): boolean {
    return this.phase === 'pending' || (this.phase === 'clearing' && this.#starts.length > 0);
  }

  #shut(at: number): Shut | null {
    const { armed, shelvedUntil } = this.#around;
    if (shelvedUntil !== null && at < shelvedUntil) return 'shelved';
    if (!armed) return 'disarmed';
    return this.#around.scheduled(at) ? null : 'not-armed';
  }

  #see(phase: EventPhase, at: number): undefined {
    const { quietMs } = this.#around.policy;
    const standard = phase === 'pulse' ? 5_000 : null;
    const quiet = quietMs === null ? standard : quietMs > 0 ? quietMs : null;
    this.held = { since: this.held?.since ?? at, seen: at, quietMs: quiet, back: this.held?.back ?? null };
  }

  /** Nobody waits for a condition without an alarm: it is found to be over when somebody looks. */
  #forgetSilent(at: number): undefined {
    if (this.held?.quietMs == null || at < this.held.seen + this.held.quietMs) return;
    if (this.#dueOf('quiet') === null) this.held = null;
  }

  #holdBack(back: Back): undefined {
    if (this.held !== null) this.held.back = back;
  }

  #withdraw(): undefined {
    this.phase = this.alarm === null ? 'normal' : 'clearing';
    this.#starts = [];
  }

  #begin(at: number, by: string): undefined {
    const { repeat, onDelayMs } = this.#around.policy;
    const beside = this.phase === 'clearing';
    const instant = beside && this.lease?.on === true;
    let through: boolean;
    if (repeat !== null) {
      if (!instant) this.#starts = [...this.#starts.filter((start) => at - start <= repeat.withinMs), at];
      through = instant || this.#starts.length >= repeat.count;
      if (through && !instant && (repeat.count > 1 || beside)) by = 'repeat';
    } else {
      this.#starts = beside ? [...this.#starts, at] : [at];
      through = instant || at >= this.held!.since + onDelayMs;
    }
    if (!through) {
      if (!beside) this.phase = 'pending';
      return this.#decide('pending', 'on-delay');
    }
    if (beside) this.#resume(at, by);
    else this.#lastGates(at, at, by);
  }

  #lastGates(at: number, startAt: number, by: string): undefined {
    const { antiDitherMs } = this.#around.policy;
    if (this.#inWindow(startAt) || this.#inWindow(at)) {
      this.#slide(this.#inWindow(at) ? at : startAt);
      this.#withdraw();
      this.#holdBack('anti-dither');
      return this.#decide('refused', 'anti-dither');
    }
    this.phase = 'active';
    this.alarm = {
      count: Math.max(1, this.#starts.length),
      clears: 0,
      clearedAt: null,
      acknowledged: false,
      stoppedAt: null,
      implied: false,
    };
    this.#starts = [];
    this.#window = antiDitherMs > 0 ? { from: at, until: at + antiDitherMs, slidAt: null } : null;
    this.held!.back = null;
    this.messages.push('raise');
    this.open = true;
    this.#decide('raised', by);
    if (this.#around.up) this.switchOn(at);
  }

  #resume(at: number, by: string): undefined {
    const { capMs } = this.#around.hold;
    this.phase = 'active';
    this.#holdBackNothing();
    Object.assign(this.alarm!, { stoppedAt: null, implied: false });
    const { lease } = this;
    if (lease !== null) {
      const cap = capMs === null ? null : lease.from + capMs;
      if (lease.on || cap === null || at < cap) Object.assign(lease, { on: true, endsAt: cap });
    }
    const starts = Math.max(1, this.#starts.length);
    this.#starts = [];
    this.#count(at, starts);
    this.#decide('merged', by);
  }

  #holdBackNothing(): undefined {
    if (this.held !== null) this.held.back = null;
  }

  #count(at: number, starts: number): undefined {
    this.alarm!.count += starts;
    this.#slide(at);
  }

  #inWindow(at: number): boolean {
    return this.#window !== null && at >= this.#window.from && at < this.#window.until;
  }

  #slide(at: number): undefined {
    const { antiDitherMode, antiDitherMs } = this.#around.policy;
    if (antiDitherMode !== 'sliding' || !this.#inWindow(at)) return;
    const window = this.#window!;
    this.#window = { ...window, until: Math.max(window.until, at + antiDitherMs), slidAt: at };
  }

  #stop(at: number): undefined {
    if (this.held !== null) return this.#over(at, false);
    if (this.phase === 'active' || this.phase === 'clearing') return this.#decide('clearing', 'stop');
    this.#decide(this.phase === 'pending' ? 'pending' : 'no-alarm', 'stop');
  }

  #over(at: number, implied: boolean): undefined {
    const { repeat, offDelayMs } = this.#around.policy;
    const reason = implied ? 'implied-stop' : 'stop';
    this.held = null;
    if (this.#filtering()) {
      if (repeat !== null) return this.#decide('pending', reason);
      this.#withdraw();
      return this.#decide('refused', 'on-delay');
    }
    if (this.phase !== 'active') return this.#decide('no-alarm', reason);
    Object.assign(this.alarm!, { stoppedAt: at, implied });
    if (offDelayMs === 0) this.#clear(at, reason);
    else this.#decide('clearing', 'off-delay');
  }

  #clear(at: number, reason: string): undefined {
    this.phase = 'clearing';
    this.alarm!.clears++;
    this.alarm!.clearedAt = at;
    this.messages.push(this.alarm!.clears === 1 ? 'clear' : `clear:${this.alarm!.clears}`);
    this.#decide('cleared', reason);
    this.#countDown(at);
  }

  #countDown(at: number): undefined {
    const { afterClearMs } = this.#around.hold;
    if (this.lease?.on && afterClearMs !== null) this.#endsBy(at + afterClearMs, at);
  }

  #endsBy(end: number, now: number): undefined {
    const lease = this.lease!;
    lease.endsAt = lease.endsAt === null ? end : Math.min(end, lease.endsAt);
    if (lease.endsAt <= now) lease.on = false;
  }

  #release(): undefined {
    if (this.phase !== 'clearing' || this.open || this.lease?.on) return;
    if (this.#around.policy.latched && !this.alarm!.acknowledged) return;
    const starts = this.#starts;
    this.#end(this.alarm!.implied ? 'implied-stop' : 'cleared');
    if (starts.length === 0) return;
    this.phase = 'pending';
    this.#starts = starts;
  }

  #end(reason: 'cleared' | 'implied-stop' | 'disarmed' | 'window-closed' | 'reset'): undefined {
    this.phase = 'normal';
    this.alarm = null;
    this.lease = null;
    this.open = false;
    this.#starts = [];
    if (reason === 'disarmed' || reason === 'reset') this.#holdBack(reason);
    if (reason === 'window-closed') this.#holdBack('not-armed');
    this.messages.push('end');
    this.#decide('ended', reason);
  }

  #decide(outcome: string, reason: string): undefined {
    this.decisions.push(`${outcome}/${reason}`);
  }
}

const isShut = (back: Back | null): boolean => back === 'shelved' || back === 'disarmed' || back === 'not-armed';
