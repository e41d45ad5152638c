/**
 * Who is armed: keeps the state of every subject (engine/gates/arming.ts decides), takes the orders of people, inputs,
 * schedules and nodes, and tells the triggers. An order and what follows from it reach the disk in one change.
 */
import type { Clock } from '../clock/clock';
import type { Announce } from '../domain/announcements';
import {
  type AreaDefinition,
  type ArmingChange,
  type ArmingOrder,
  type ArmingProgram,
  type ArmingScope,
  type ArmingSubject,
  type ArmingVerdict,
  armedAlways,
  theSite,
} from '../domain/arming';
import { userError } from '../domain/errors';
import type { DeviceEvent } from '../domain/events';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { OrderFacts } from '../domain/order-facts';
import { addWrites, type StandingRow, type TimerRow } from '../domain/record';
import {
  type ArmingAround,
  type ArmingState,
  armingDue,
  armingStep,
  armingVerdict,
  duration,
  neverOrdered,
  phaseAt,
} from '../gates';
import type { Schedules } from './arming';
import { checkOrder, createAreas } from './arming-areas';
import { createArmingInputs } from './arming-inputs';
import { listOpen, openConditions, type Place } from './arming-open';
import { readArmingState, subjectKey, subjectOf } from './arming-rows';
import type { Batch } from './condition';
import { createStandingBook } from './standing';
import type { Trigger } from './trigger';

type ArmingFacts = Extract<OrderFacts, { kind: 'arming' }>;

/** Kind under which ends of delays and of timed orders are kept. */
export const ARMING_TIMER = 'arming';
/** Conditions that one subject can bypass; more is no forgotten window but a fault. */
export const MOST_BYPASSED = 1_000;

export interface ArmingParts {
  clock: Clock;
  log: Log;
  announce: Announce;
  siteName: string;
  deviceName(id: string): string;
  /** Name of an action node; its id where it has none. */
  nodeName(id: string): string;
  schedules: Schedules;
  triggers: ReadonlyMap<string, Trigger>;
  /** Asks the arming of these triggers anew, within the batch. */
  retell(batch: Batch, concerned: (trigger: Trigger) => boolean, at: number): void;
}

export interface ArmingOrders {
  /** @param siteArmed what an earlier version kept of the site's arming, or null */
  resume(rows: readonly StandingRow[], siteArmed: boolean | null): void;
  /** @throws E_BAD_AREA, E_SITE_AREA_TWICE, E_ARMING_SCHEDULE_TWICE (user) */
  defineArea(area: AreaDefinition): void;
  /** @throws E_ARMING_SCHEDULE_TWICE (user) */
  defineProgram(program: ArmingProgram): void;
  detach(nodeId: string): void;
  /** The flows have started: forgets what no node has defined again, and takes up time and schedules. */
  flowsStarted(batch: Batch, at: number): void;
  /** Timers that are to run, after a start. */
  timers(): TimerRow[];
  /** null: what the site's own node says. */
  area(id: string | null): AreaDefinition | undefined;
  /** Schedules whose edges arm and disarm. */
  scheduleIds(): Iterable<string>;
  /** All scopes around a trigger. `key` null: the trigger as such. */
  verdict(trigger: Trigger, place: Place | null, key: string | null, at: number): ArmingVerdict;
  /** Whether an action may be made: its own scope alone, the last of the published order. */
  actionArming(nodeId: string, at: number): { armed: boolean; detail: string };
  /** @throws E_AREA_OPEN, E_UNKNOWN_SUBJECT, E_BAD_ORDER (user) */
  order(batch: Batch, order: ArmingOrder, at: number): void;
  /** Arms and disarms as the input says; a sentence for each order that it gave. */
  input(batch: Batch, event: DeviceEvent): string[];
  /** A raise waits for the entry delay: the area (null: the site) is in it until then. */
  entered(batch: Batch, areaId: string | null, until: number): void;
  /** Time and schedules of all subjects, or of one. */
  turn(batch: Batch, at: number, key?: string): void;
  /** The wall clock was set: delays and timed orders keep their length. */
  carryOver(batch: Batch, byMs: number): void;
  state(subject: ArmingSubject): ArmingState;
  /** What holds the trigger back, in a word or two for its node; null: nothing does. */
  wordOf(trigger: Trigger, at: number): string | null;
  subjects(): ArmingSubject[];
  areas(): AreaDefinition[];
  /** A subject for people: `area "Hall"`. */
  called(subject: ArmingSubject): string;
  nameOf(subject: ArmingSubject): string;
  open(subject: ArmingSubject, at: number): ReturnType<typeof openConditions>;
  onChange(callback: (change: ArmingChange) => void): void;
}

export function createArmingOrders(parts: ArmingParts): ArmingOrders {
  const { clock, log, schedules, triggers } = parts;
  const book = createStandingBook('arming', readArmingState);
  const areas = createAreas((key) => called(subjectOf(key)));
  const inputs = createArmingInputs();
  const callbacks: ((change: ArmingChange) => void)[] = [];
  /** Scopes of which anything was ever said: every event asks, and most sites never arm a single device. */
  const spoken = new Set<ArmingScope>();
  /** The state of an earlier version is in memory and not yet in a row. */
  let takenOver = false;

  const nameOf = (subject: ArmingSubject): string => {
    const { scope, id } = subject;
    switch (scope) {
      case 'site':
        return parts.siteName;
      case 'area':
        return areas.get(id)?.name ?? id;
      case 'device':
        return parts.deviceName(id);
      case 'channel':
        return `${parts.deviceName(id.slice(0, id.lastIndexOf('/')))} channel ${id.slice(id.lastIndexOf('/') + 1)}`;
      case 'trigger':
        return triggers.get(id)?.definition.name ?? id;
      case 'action':
        return parts.nodeName(id);
    }
  };
  const called = (subject: ArmingSubject): string =>
    subject.scope === 'site' ? 'the site' : `${subject.scope} "${nameOf(subject)}"`;

  const stateOf = (key: string): ArmingState => book.get(key) ?? neverOrdered;

  /** Area settings that count for a subject. */
  const settings = (subject: ArmingSubject): AreaDefinition | undefined =>
    subject.scope === 'site' ? areas.site() : subject.scope === 'area' ? areas.get(subject.id) : undefined;

  const atDisarmOf = (scope: ArmingScope, trigger: Trigger): 'end' | 'let-run' => {
    const { areaId } = trigger.definition.policy;
    const own = scope === 'site' || areaId === null ? areas.site() : areas.get(areaId);
    return own?.atDisarm ?? 'end';
  };

  const verdictBeside = (
    trigger: Trigger,
    place: Place | null,
    key: string | null,
    at: number,
    except: string | null,
  ): ArmingVerdict => {
    const { id, definition } = trigger;
    const { policy } = definition;
    const around: ArmingAround[] = [];
    const add = (scope: ArmingScope, subjectId: string): void => {
      if (!spoken.has(scope)) return;
      const subject = `${scope}:${subjectId}`;
      const state = book.get(subject);
      if (state === undefined || subject === except) return;
      if (state.phase === 'armed' && state.timed === null && state.bypassed.length === 0) return;
      around.push({
        scope,
        name: called({ scope, id: subjectId }),
        state,
        atDisarm: atDisarmOf(scope, trigger),
        ...(state.order?.source === 'schedule' && { scheduleArmsAt: scheduleArmsAt(subject, at) }),
      });
    };
    if (policy.arming === 'follow') {
      add('site', theSite.id);
      if (policy.areaId !== null && areas.get(policy.areaId) !== undefined) add('area', policy.areaId);
      if (place !== null) {
        add('device', place.deviceId);
        if (place.channel !== undefined && spoken.has('channel')) {
          add('channel', `${place.deviceId}/${place.channel}`);
        }
      }
    }
    add('trigger', id);
    if (around.length === 0 && policy.entry === 'none') return armedAlways;
    return armingVerdict({
      at,
      around,
      policy,
      entry: policy.entry === 'none' ? null : entryOf(policy.areaId),
      condition: key === null ? null : { triggerId: id, key },
    });
  };

  const scheduleArmsAt = (key: string, at: number): number | null => {
    const scheduleId = areas.scheduleOf(key);
    if (scheduleId === null || !schedules.known(scheduleId)) return null;
    const { armed, to } = schedules.verdict(scheduleId, at);
    return armed || to === undefined || !Number.isFinite(to) ? null : to;
  };

  const entryOf = (areaId: string | null): { state: ArmingState; entryDelayMs: number } | null => {
    const area = areaId === null ? areas.site() : areas.get(areaId);
    if (area === undefined) return null;
    return { state: stateOf(areaId === null ? 'site:site' : `area:${areaId}`), entryDelayMs: area.entryDelayMs };
  };

  const openOf = (subject: ArmingSubject, at: number, exitDelayMs: number): ReturnType<typeof openConditions> => {
    const key = subjectKey(subject);
    return openConditions({
      subject,
      at,
      triggers: triggers.values(),
      deviceName: parts.deviceName,
      // On the way out people pass the entry route: what is open there is judged at the end of the exit delay.
      passes: (trigger) => exitDelayMs > 0 && trigger.definition.policy.entry !== 'none',
      armedBeside: (trigger, place, condition) => verdictBeside(trigger, place, condition.key, at, key).armed,
    });
  };

  const timerRow = (key: string, at: number): TimerRow => ({
    id: `${ARMING_TIMER}|${key}`,
    kind: ARMING_TIMER,
    at,
    payload: { subject: key },
  });

  /** Keeps a new state, tells its triggers, and writes who did it. */
  const put = (
    batch: Batch,
    key: string,
    before: ArmingState,
    after: ArmingState,
    at: number,
    why: { who: string; detail: string; order?: ArmingFacts['order'] } | null,
  ): void => {
    if (after === before) return;
    const subject = subjectOf(key);
    spoken.add(subject.scope);
    book.set(batch, key, after);
    const due = armingDue(after);
    if (due !== armingDue(before)) {
      const { id } = timerRow(key, 0);
      batch.timers.set(id, due === null ? null : timerRow(key, due));
    }
    if (why !== null) {
      const { who, detail, order = null } = why;
      const action = `${subject.scope}.${after.phase === 'disarmed' ? 'disarm' : 'arm'}`;
      const facts: ArmingFacts = { kind: 'arming', subject, order, state: after };
      addWrites(batch.change, 'audit', {
        id: sortableId(at),
        at,
        who,
        action,
        subject: nameOf(subject),
        detail,
        facts,
      });
    }
    if (after.phase === before.phase && after.bypassed === before.bypassed) return;
    // Between armed and entry delay nothing is shut or opened.
    const opened = letsRaise(before) !== letsRaise(after) || after.bypassed !== before.bypassed;
    if (opened) parts.retell(batch, (trigger) => concerns(subject, trigger), at);
    const change: ArmingChange = {
      subject,
      name: nameOf(subject),
      from: before.phase,
      phase: after.phase,
      source: after.order?.source ?? null,
      who: after.order?.who ?? null,
      detail: why?.detail ?? after.phase,
      at,
      until: after.delayUntil ?? after.timed?.until ?? null,
      bypassed: [...after.bypassed],
    };
    batch.change.afterCommit.push(() => {
      parts.announce({ kind: 'arming', data: change });
      if (subject.scope === 'site') parts.announce({ kind: 'site', data: { armed: after.phase !== 'disarmed' } });
      for (const callback of callbacks) callback(change);
    });
  };

  const bypassable = (key: string, how: 'force' | 'bypass' | 'normal', open: ReturnType<typeof openConditions>) => {
    if (how !== 'bypass' || open.length <= MOST_BYPASSED) return open;
    log.warn('arming.too-many-open', { subject: key, open: open.length, most: MOST_BYPASSED });
    return open.slice(0, MOST_BYPASSED);
  };

  /** Time first, then the schedule: both may have turned while nobody looked. */
  const turnOne = (batch: Batch, key: string, at: number): void => {
    const subject = subjectOf(key);
    const area = settings(subject);
    const how = area?.unattended ?? 'force';
    let state = stateOf(key);
    const due = armingDue(state);
    if (due !== null && due <= at) {
      const open = how === 'bypass' || state.order?.how === 'bypass' ? openOf(subject, at, 0) : [];
      const after = armingStep(state, { kind: 'time', at, how, open: bypassable(key, 'bypass', open) }).state;
      put(batch, key, state, after, at, { who: 'alarmflow', detail: afterTime(state, after) });
      state = after;
    }
    const scheduleId = areas.scheduleOf(key);
    if (scheduleId === null) {
      const after = armingStep(state, { kind: 'unscheduled', at }).state;
      put(batch, key, state, after, at, { who: 'alarmflow', detail: 'it has no schedule any more' });
      return;
    }
    if (!schedules.known(scheduleId)) return;
    const exitDelayMs = area?.exitDelayMs ?? 0;
    const who = schedules.nameOf(scheduleId);
    const { armed, detail } = schedules.verdict(scheduleId, at);
    const scheduled = (open: ReturnType<typeof openConditions>): ArmingState =>
      armingStep(state, {
        kind: 'schedule',
        at,
        armed,
        who,
        turnedSince: (since) => schedules.turnedBetween(scheduleId, since, at),
        how,
        exitDelayMs,
        open,
      }).state;
    let after = scheduled([]);
    if (after === state) return;
    if (how === 'bypass' && after.phase !== 'disarmed' && state.phase === 'disarmed') {
      after = scheduled(bypassable(key, how, openOf(subject, at, exitDelayMs)));
    }
    put(batch, key, state, after, at, {
      who: `schedule "${who}"`,
      detail: `${detail}${listBypassed(after)}`,
    });
  };

  const order = (batch: Batch, wanted: ArmingOrder, at: number): void => {
    const { subject, how, source, who, forMs } = wanted;
    checkOrder(wanted);
    if (subject.scope === 'area' && areas.get(subject.id) === undefined) unknown(subject);
    if (subject.scope === 'trigger' && !triggers.has(subject.id)) unknown(subject);
    const key = subjectKey(subject);
    turnOne(batch, key, at);
    const before = stateOf(key);
    const armed = wanted.armed === 'toggle' ? before.phase === 'disarmed' : wanted.armed;
    const exitDelayMs = settings(subject)?.exitDelayMs ?? 0;
    let open = armed ? openOf(subject, at, exitDelayMs) : [];
    // At an input nobody reads a refusal.
    if (source === 'input') open = bypassable(key, how, open);
    if (armed && how === 'bypass' && open.length > MOST_BYPASSED) {
      throw userError(
        'E_AREA_OPEN',
        `${open.length} conditions of ${called(subject)} are open; at most ${MOST_BYPASSED} can be bypassed: force it, or find out why so many hold`,
      );
    }
    const { state, refused } = armingStep(before, {
      kind: 'order',
      at,
      armed,
      how,
      source,
      who,
      forMs,
      exitDelayMs,
      open,
    });
    if (refused.length > 0) {
      throw userError(
        'E_AREA_OPEN',
        `${sentence(called(subject))} cannot be armed while something is open: ${listOpen(refused)}. Close it, or arm with "force" (what is open is treated like a period that begins) or "bypass" (what is open is left out until it is disarmed)`,
      );
    }
    const said = [
      armed ? 'armed' : 'disarmed',
      armed && how !== 'normal' && open.length > 0 ? ` (${how}; open: ${listOpen(open)})` : '',
      forMs === null ? '' : `, for ${duration(forMs)}`,
      state.phase === 'exit-delay' && before.phase === 'disarmed' ? `, exit delay ${duration(exitDelayMs)}` : '',
      source === 'user' ? '' : `, by ${source}`,
    ].join('');
    put(batch, key, before, state, at, { who, detail: said, order: { armed, how, source, forMs } });
  };

  const unknown = (subject: ArmingSubject): never => {
    throw userError(
      'E_UNKNOWN_SUBJECT',
      `The deployed flows have no ${subject.scope} "${subject.id}" to arm or disarm: see "alarmflow arming" for what they have`,
    );
  };

  const keysToTurn = (): Set<string> => {
    const keys = new Set<string>(areas.scheduledKeys());
    for (const [key, state] of book.entries()) {
      if (armingDue(state) !== null || state.order?.source === 'schedule' || state.timed?.back?.source === 'schedule') {
        keys.add(key);
      }
    }
    return keys;
  };

  return {
    resume(rows, siteArmed) {
      for (const row of [...book.resume(rows), ...inputs.resume(rows)]) log.warn('arming.row-unknown', { row: row.id });
      for (const [key] of book.entries()) spoken.add(subjectOf(key).scope);
      if (siteArmed !== false || book.get('site:site') !== undefined) return;
      const order = { armed: false, how: 'force', source: 'user', who: 'an earlier version', at: clock.now() } as const;
      spoken.add('site');
      book.remember('site:site', { ...neverOrdered, phase: 'disarmed', order });
      takenOver = true;
    },
    defineArea: (area) => areas.define(area),
    defineProgram: (program) => areas.defineProgram(program),
    detach: (nodeId) => areas.detach(nodeId),
    flowsStarted(batch, at) {
      const site = book.get('site:site');
      if (takenOver && site !== undefined) book.set(batch, 'site:site', site);
      takenOver = false;
      for (const areaId of areas.sweep()) {
        inputs.forget(batch, areaId);
        const key = `area:${areaId}`;
        if (book.get(key) !== undefined) batch.timers.set(timerRow(key, 0).id, null);
        book.delete(batch, key);
      }
      for (const key of keysToTurn()) turnOne(batch, key, at);
    },
    timers: () =>
      [...book.entries()].flatMap(([key, state]) => {
        const due = armingDue(state);
        return due === null ? [] : [timerRow(key, due)];
      }),
    area: (id) => (id === null ? areas.site() : areas.get(id)),
    scheduleIds: () => areas.scheduleIds(),
    verdict: (trigger, place, key, at) => verdictBeside(trigger, place, key, at, null),
    actionArming(nodeId, at) {
      const state = book.get(`action:${nodeId}`);
      if (state === undefined || phaseAt(state, at) === 'armed') return { armed: true, detail: 'armed' };
      const name = called({ scope: 'action', id: nodeId });
      const { armed, detail } = armingVerdict({
        at,
        around: [{ scope: 'action', name, state, atDisarm: 'end' }],
        policy: { arming: 'follow', entry: 'none' },
        entry: null,
        condition: null,
      });
      return { armed, detail };
    },
    order,
    input(batch, event) {
      return inputs.ordersOf(batch, event, areas.all()).map(({ area, act, name }) => {
        const subject: ArmingSubject = area.covers === 'site' ? theSite : { scope: 'area', id: area.id };
        const at = event.receivedAt;
        const who = `${name} of ${parts.deviceName(event.deviceId)}`;
        const armed = act === 'toggle' ? phaseAt(stateOf(subjectKey(subject)), at) === 'disarmed' : act === 'arm';
        order(batch, { subject, armed, how: area.unattended, source: 'input', who, forMs: null }, at);
        return `input ${who} ${armed ? 'arms' : 'disarms'} ${called(subject)}`;
      });
    },
    entered(batch, areaId, until) {
      const key = areaId === null ? 'site:site' : `area:${areaId}`;
      const at = clock.now();
      const before = stateOf(key);
      const { state } = armingStep(before, { kind: 'entered', at, until });
      const detail = `entry delay: ${duration(until - at)} to disarm`;
      put(batch, key, before, state, at, { who: 'alarmflow', detail });
    },
    turn(batch, at, key) {
      for (const one of key === undefined ? keysToTurn() : [key]) turnOne(batch, one, at);
    },
    wordOf(trigger, at) {
      const { areaId } = trigger.definition.policy;
      const own = trigger.definition.filter.deviceIds;
      const place = own?.length === 1 && own[0] !== undefined ? { deviceId: own[0] } : null;
      if (verdictBeside(trigger, place, null, at, null).armed) return null;
      const leaving = ['site:site', ...(areaId === null ? [] : [`area:${areaId}`])];
      return leaving.some((key) => phaseAt(stateOf(key), at) === 'exit-delay') ? 'exit delay' : 'disarmed';
    },
    carryOver(batch, byMs) {
      const at = clock.now();
      for (const [key, state] of [...book.entries()]) {
        put(batch, key, state, armingStep(state, { kind: 'wall-set', at, byMs }).state, at, null);
      }
    },
    state: (subject) => stateOf(subjectKey(subject)),
    subjects: () => [...book.entries()].map(([key]) => subjectOf(key)),
    areas: () => areas.all(),
    called,
    nameOf,
    open: (subject, at) => openOf(subject, at, 0),
    onChange(callback) {
      callbacks.push(callback);
    },
  };
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const letsRaise = ({ phase }: ArmingState): boolean => phase === 'armed' || phase === 'entry-delay';

/** Whether the arming of a trigger may be another when the subject has turned. */
function concerns(subject: ArmingSubject, trigger: Trigger): boolean {
  const { policy } = trigger.definition;
  switch (subject.scope) {
    case 'action':
      return false;
    case 'trigger':
      return trigger.id === subject.id;
    case 'area':
      return policy.areaId === subject.id && policy.arming === 'follow';
    default:
      return policy.arming === 'follow';
  }
}

const listBypassed = (state: ArmingState): string =>
  state.bypassed.length === 0 ? '' : `; bypassed: ${listOpen(state.bypassed)}`;

function afterTime(before: ArmingState, after: ArmingState): string {
  const delay =
    before.delayUntil === null || before.delayUntil === after.delayUntil
      ? []
      : [`${before.phase === 'exit-delay' ? 'exit' : 'entry'} delay over`];
  const timed = before.timed !== null && after.timed === null ? ['timed order over'] : [];
  return `${[...delay, ...timed].join(', ')}: ${after.phase}${listBypassed(after)}`;
}
