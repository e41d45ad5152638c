/** One life of a trigger with a relay, lived by the engine and by the reference side by side. */
import { expect } from 'vitest';
import type { EventPhase } from '../../engine/domain/events';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import type { ReferenceHold } from './reference';
import { ReferenceSite } from './reference-site';
import { keyOf, type ModelSite, modelSite } from './site';

export type Command =
  | { do: 'event'; channel: 0 | 1; phase: EventPhase; fate: 'kept' | 'refused' | 'lost' }
  | { do: 'wait'; ms: number }
  | { do: 'acknowledge' | 'reset'; channel: 0 | 1 }
  | { do: 'arm'; armed: boolean; fate: 'kept' | 'refused' }
  | { do: 'shelve'; ms: number }
  | { do: 'unshelve' }
  /** `setBackMs`: the wall clock was set back meanwhile, right after something was put on record. */
  | { do: 'restart'; downMs: number; setBackMs?: number }
  | { do: 'jump'; ms: number }
  | { do: 'deploy'; policy: AlarmPolicy };

const CHANNELS = [0, 1] as const;

class Pair {
  readonly site: ModelSite;
  readonly reference: ReferenceSite;
  #shelfId: string | null = null;
  #settlements = 0;
  /** Steady time that the engine does not know of. */
  #skipped = 0;

  constructor(site: ModelSite, reference: ReferenceSite) {
    this.site = site;
    this.reference = reference;
    reference.watchSchedule();
  }

  async run(command: Command): Promise<void> {
    const { site, reference } = this;
    switch (command.do) {
      case 'event':
        return this.event(command);
      case 'wait':
        return this.wait(command.ms);
      case 'acknowledge':
      case 'reset': {
        const alarm = site.alarms.live().find(({ key }) => key === keyOf(command.channel));
        if (alarm === undefined) return;
        await site.alarms[command.do](alarm.id, 'otto');
        reference.conditions[command.channel]![command.do]();
        return this.wait(0);
      }
      case 'arm': {
        if (command.armed === reference.around.armed) return;
        if (command.fate === 'refused') {
          site.failNext();
          await expect(site.alarms.setArmed(command.armed, 'otto')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
          return;
        }
        await site.alarms.setArmed(command.armed, 'otto');
        reference.around.armed = command.armed;
        reference.arming();
        return this.wait(0);
      }
      case 'shelve': {
        const request = { scope: 'trigger' as const, id: 'trigger', forMs: command.ms, reason: 'test' };
        this.#shelfId = (await site.alarms.shelving.shelve(request, 'otto')).id;
        reference.around.shelvedUntil = reference.now + command.ms;
        reference.arming();
        return this.wait(0);
      }
      case 'unshelve': {
        if (reference.around.shelvedUntil === null) return;
        await site.alarms.shelving.unshelve(this.#shelfId!, 'otto');
        reference.around.shelvedUntil = null;
        reference.arming();
        return this.wait(0);
      }
      case 'restart':
        if (command.setBackMs) return this.restartSetBack(command.downMs, command.setBackMs);
        site.kill();
        return this.restart(command.downMs);
      case 'jump':
        site.clock.jump(command.ms);
        reference.jumped += command.ms;
        site.watchWall();
        await site.clock.advance(0);
        return this.deploy(reference.around.policy);
      case 'deploy':
        return this.deploy(command.policy);
    }
  }

  async event({ channel, phase, fate }: Extract<Command, { do: 'event' }>): Promise<void> {
    const { site, reference } = this;
    if (fate === 'lost') {
      site.stall();
      void site.accept(channel, phase);
      await site.clock.advance(0);
      site.kill();
      return this.restart(0);
    }
    if (fate === 'refused') {
      site.failNext();
      await expect(site.accept(channel, phase)).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
      return this.wait(0);
    }
    await site.accept(channel, phase);
    reference.conditions[channel]!.signal(phase, reference.now);
    return this.wait(0);
  }

  async wait(ms: number): Promise<void> {
    const { site, reference } = this;
    await site.clock.advance(ms);
    this.takeSettlements();
    reference.until(reference.now + ms);
  }

  takeSettlements(): void {
    for (const { at, alarmId } of this.site.settled.slice(this.#settlements)) {
      this.#settlements++;
      for (const channel of CHANNELS) {
        const nth = this.site.raised(keyOf(channel)).indexOf(alarmId) + 1;
        if (nth > 0) this.reference.settles(at - this.#skipped, channel, nth);
      }
    }
  }

  async restart(downMs: number): Promise<void> {
    const { site, reference } = this;
    reference.around.up = false;
    await site.clock.advance(downMs);
    reference.until(reference.now + downMs);
    return this.begin();
  }

  /** All that is known is that it is no earlier than the newest thing on record: no time has passed. */
  async restartSetBack(downMs: number, setBackMs: number): Promise<void> {
    const { site, reference } = this;
    await site.alarms.shelving.shelve({ scope: 'device', id: 'elsewhere', forMs: 60_000, reason: 'test' }, 'otto');
    site.kill();
    reference.around.up = false;
    await site.clock.advance(downMs);
    site.clock.jump(-setBackMs);
    this.#skipped += downMs;
    reference.jumped += downMs - setBackMs;
    return this.begin();
  }

  async begin(): Promise<void> {
    const { site, reference } = this;
    await site.start();
    const { around } = reference;
    around.up = true;
    if (around.shelvedUntil !== null && around.shelvedUntil <= reference.now) around.shelvedUntil = null;
    reference.watchSchedule();
    reference.arming();
    for (const condition of reference.conditions) condition.switchOn(reference.now);
    return this.wait(0);
  }

  async deploy(policy: AlarmPolicy): Promise<void> {
    const { site, reference } = this;
    const changed = JSON.stringify(policy) !== JSON.stringify(reference.around.policy);
    await site.deploy(policy);
    reference.around.policy = policy;
    if (changed) for (const condition of reference.conditions) condition.changed(reference.now);
    reference.watchSchedule();
    reference.arming();
    return this.wait(0);
  }

  /** What can be seen of either. */
  compare(): void {
    const { site, reference } = this;
    for (const channel of CHANNELS) {
      const key = keyOf(channel);
      const condition = reference.conditions[channel]!;
      const live = site.alarms.live().find((alarm) => alarm.key === key);
      expect(site.decisions(key)).toEqual(condition.decisions);
      expect(site.messages.get(key) ?? []).toEqual(condition.messages);
      expect(live && { state: live.state, count: live.count, acknowledged: live.acknowledgedAt !== null }).toEqual(
        condition.alarm
          ? { state: condition.phase, count: condition.alarm.count, acknowledged: condition.alarm.acknowledged }
          : undefined,
      );
    }
    expect(site.doubled).toEqual([]);
    const [relay] = site.outputs.list();
    expect(relay?.desired).toBe(reference.conditions.some((condition) => condition.lease?.on === true));
  }
}

/** @throws when they differ in anything that can be seen */
export async function liveBoth(policy: AlarmPolicy, hold: ReferenceHold, commands: Command[]): Promise<void> {
  const pair = new Pair(await modelSite(policy, hold), new ReferenceSite(policy, hold));
  for (const command of commands) {
    await pair.run(command);
    pair.compare();
  }
  pair.site.kill();
}
