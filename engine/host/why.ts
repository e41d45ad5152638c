/**
 * Answers to "why" and "why not": joins the journal, the triggers as they are now, actions and outputs.
 * Reads only; safe to ask at any time.
 */
import { decidedCheck, type Inspection, nearChecks } from '../alarms';
import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { Alarm, Decision } from '../domain/alarms';
import { userError } from '../domain/errors';
import { eventTypeLabel } from '../domain/event-words';
import type { DeviceEvent } from '../domain/events';
import type { RecordReader } from '../domain/record';
import type { TriggerDefinition } from '../domain/triggers';
import type { FollowedAction, FollowedAlarm, TriggerCheck, WhyAnswer, WhyRecord } from '../domain/why';
import { duration } from '../gates';
import type { OutputRow } from './console-api';
import { verdictOnAlarm, verdictOnEvent, verdictOnSupposed } from './why-verdict';

/** How long after the time at which a gate was to open its consequence is looked for. */
const LOOK_AFTER_MS = 60_000;
const MOST_LATER = 1_000;
const MOST_SHOWN_LATER = 20;
const MOST_ALARMS = 5;
const MOST_LISTED = 12;

export interface Why {
  /** @throws E_UNKNOWN_EVENT (user) */
  event(id: string): Promise<WhyAnswer>;
  /** @throws E_UNKNOWN_ALARM (user) */
  alarm(id: string): Promise<WhyAnswer>;
  /**
   * What would become of an event of this trigger.
   *
   * @param trigger its id, or its name
   * @param device id or name of the device that it came from; else any that suits the filter
   * @param at when; now unless said otherwise
   * @throws E_UNKNOWN_TRIGGER, E_AMBIGUOUS_TRIGGER, E_UNKNOWN_DEVICE (user)
   */
  trigger(asked: { trigger: string; device?: string; at?: number }): Promise<WhyAnswer>;
}

export function createWhy(parts: {
  record: Pick<RecordReader, 'event' | 'alarm'> & WhyRecord;
  inspection: Inspection;
  outputs(): OutputRow[];
  /** Devices that the flow has. */
  devices(): { id: string; name: string }[];
  deviceName(id: string): string;
  clock: Clock;
}): Why {
  const { record, inspection, deviceName, clock } = parts;

  const definitionsById = (): Map<string, TriggerDefinition> =>
    new Map(inspection.definitions().map((definition) => [definition.id, definition]));

  /** What came later of a decision that left something open. */
  async function laterOf(decision: Decision, definition: TriggerDefinition | undefined): Promise<Decision[]> {
    const { outcome, triggerId, opensAt } = decision;
    if (triggerId === null || (outcome !== 'pending' && outcome !== 'refused')) return [];
    const patienceMs = outcome === 'pending' ? (definition?.policy.repeat?.withinMs ?? 0) : 0;
    if (opensAt === undefined && patienceMs === 0) return [];
    const withinMs = Math.max(0, opensAt === undefined ? patienceMs : opensAt - decision.at) + LOOK_AFTER_MS;
    const all = await record.decisionsOf({ triggerId, after: decision.id, withinMs, limit: MOST_LATER });
    const own = all.filter((other) => other.key === decision.key);
    if (outcome === 'refused') {
      // Only a raise that time or arming made belongs to an event that was refused.
      const first = own.find((other) => other.outcome === 'raised');
      return first !== undefined && first.eventId === null ? [first] : [];
    }
    const settled = own.findIndex((other) => other.outcome !== 'pending');
    return own.slice(0, settled < 0 ? MOST_SHOWN_LATER : Math.min(settled + 1, MOST_SHOWN_LATER));
  }

  async function follow(alarmIds: Iterable<string>): Promise<FollowedAlarm[]> {
    const followed: FollowedAlarm[] = [];
    for (const id of [...new Set(alarmIds)].slice(0, MOST_ALARMS)) {
      const found = await record.alarm(id);
      if (found !== null) followed.push(followedAlarm(found.alarm, found.decisions, found.actions));
    }
    return followed;
  }

  function followedAlarm(alarm: Alarm, decisions: Decision[], actions: ActionRow[]): FollowedAlarm {
    const outputs = parts.outputs().flatMap((output) =>
      output.heldBy
        .filter((holder) => holder.alarmId === alarm.id)
        .map((holder) => ({
          outputId: output.id,
          name: `${output.name} (${output.deviceName})`,
          endsAt: holder.endsAt,
          detail: heldUntil(holder, output),
        })),
    );
    return {
      alarm,
      life: folded(decisions.toReversed()),
      waitsFor: alarm.endedAt === null ? waitsFor(alarm, outputs) : null,
      actions: actions.map(followedAction).reverse(),
      outputs,
    };
  }

  function waitsFor(alarm: Alarm, outputs: FollowedAlarm['outputs']): string {
    const waiting = inspection.waiting(alarm.id);
    const now = clock.now();
    const left = (at: number): string => duration(at - now);
    if (waiting === null) return 'it is taken up when the flows have started';
    if (waiting.clearsAt !== null)
      return `the off-delay: it clears in ${left(waiting.clearsAt)} unless it begins again`;
    if (waiting.phase === 'active') {
      return waiting.quietAt === null
        ? 'the end of its condition'
        : `the end of its condition, told or implied: without news it counts as ended in ${left(waiting.quietAt)}`;
    }
    if (waiting.latched) return 'somebody to acknowledge it: it is latched';
    if (outputs.length > 0) return `${outputs.map((output) => `${output.name}: ${output.detail}`).join('; ')}`;
    return 'its last messages to reach their actions';
  }

  async function checksOf(
    event: DeviceEvent,
    decisions: Decision[],
  ): Promise<{ checks: TriggerCheck[]; alarmIds: Set<string> }> {
    const definitions = definitionsById();
    const checks: TriggerCheck[] = [];
    const alarmIds = new Set<string>();
    let until: number | null = null;
    for (const decision of decisions) {
      const definition = decision.triggerId === null ? undefined : definitions.get(decision.triggerId);
      if (decision.triggerId === null) continue;
      const check = decidedCheck(decision, definition, deviceName);
      check.later = await laterOf(decision, definition);
      checks.push(check);
      for (const { alarmId, at } of [decision, ...check.later]) {
        if (alarmId !== null) alarmIds.add(alarmId);
        if (check.later.length > 0 || decision.opensAt !== undefined) {
          until = Math.max(until ?? 0, at, decision.opensAt ?? 0);
        }
      }
    }
    if (until !== null) {
      const span = { from: event.receivedAt, until: until + LOOK_AFTER_MS, limit: MOST_ALARMS };
      for (const alarm of await record.alarmsOfEvent({ eventId: event.id, ...span })) alarmIds.add(alarm.id);
    }
    const decided = new Set(checks.flatMap((check) => (check.triggerId === null ? [] : [check.triggerId])));
    return {
      checks: [...checks, ...nearChecks([...definitions.values()], event, decided, deviceName)],
      alarmIds,
    };
  }

  const notesOn = (checks: TriggerCheck[]): string[] => {
    const known = new Set(inspection.definitions().map((definition) => definition.id));
    return checks
      .filter((check) => check.relation === 'decided' && check.triggerId !== null && !known.has(check.triggerId))
      .map((check) => `Trigger ${check.triggerId} is no longer in the flow: its settings are not known any more.`);
  };

  const titleOf = (event: Pick<DeviceEvent, 'type' | 'phase' | 'deviceId' | 'channel' | 'input'>): string => {
    const place =
      event.channel !== undefined ? `, channel ${event.channel}` : event.input ? `, input ${event.input}` : '';
    return `${eventTypeLabel(event.type)} (${event.phase}) of ${deviceName(event.deviceId)}${place}`;
  };

  function findTrigger(asked: string): TriggerDefinition {
    const all = inspection.definitions();
    const byId = all.find((definition) => definition.id === asked);
    if (byId) return byId;
    const wanted = asked.trim().toLowerCase();
    const named = all.filter((definition) => definition.name.trim().toLowerCase() === wanted);
    if (named.length === 1) return named[0]!;
    if (named.length > 1) {
      throw userError(
        'E_AMBIGUOUS_TRIGGER',
        `${named.length} triggers are called "${asked}": name one by its id, ${named.map(({ id }) => id).join(' or ')}`,
      );
    }
    const others = all.slice(0, MOST_LISTED).map(({ name, id }) => `"${name}" (${id})`);
    throw userError(
      'E_UNKNOWN_TRIGGER',
      `The deployed flow has no trigger "${asked}"; it has ${others.join(', ') || 'none'}${all.length > MOST_LISTED ? ` and ${all.length - MOST_LISTED} more` : ''}`,
    );
  }

  function findDevice(asked: string): string {
    const all = parts.devices();
    const found =
      all.find((device) => device.id === asked) ??
      all.find((device) => device.name.trim().toLowerCase() === asked.trim().toLowerCase());
    if (found) return found.id;
    const others = all.slice(0, MOST_LISTED).map(({ name, id }) => `"${name}" (${id})`);
    throw userError(
      'E_UNKNOWN_DEVICE',
      `The deployed flow has no device "${asked}"; it has ${others.join(', ') || 'none'}`,
    );
  }

  return {
    async event(id) {
      const found = await record.event(id);
      if (!found) {
        throw userError('E_UNKNOWN_EVENT', `There is no event "${id}"; it may be older than the record keeps`);
      }
      const { event, decisions } = found;
      const { checks, alarmIds } = await checksOf(event, decisions);
      return {
        subject: { kind: 'event', id, at: event.receivedAt, title: titleOf(event) },
        verdict: verdictOnEvent(checks, titleOf(event)),
        notes: notesOn(checks),
        triggers: checks,
        followed: await follow(alarmIds),
      };
    },

    async alarm(id) {
      const found = await record.alarm(id);
      if (!found) {
        throw userError('E_UNKNOWN_ALARM', `There is no alarm "${id}"; it may be older than the record keeps`);
      }
      const { alarm } = found;
      const followed = followedAlarm(alarm, found.decisions, found.actions);
      const definition = definitionsById().get(alarm.triggerId);
      const raise = followed.life.find((decision) => decision.outcome === 'raised');
      const checks = raise === undefined ? [] : [decidedCheck(raise, definition, deviceName)];
      return {
        subject: {
          kind: 'alarm',
          id,
          at: alarm.raisedAt,
          title: `${alarm.triggerName}: ${titleOf({ ...alarm.event, phase: alarm.event.phase })}`,
        },
        verdict: verdictOnAlarm(followed, raise ?? null, clock.now()),
        notes: notesOn(checks),
        triggers: checks,
        followed: [followed],
      };
    },

    async trigger({ trigger, device, at: asked }) {
      const definition = findTrigger(trigger);
      const now = clock.now();
      const at = asked ?? now;
      const deviceId = device === undefined ? undefined : findDevice(device);
      const checks = inspection.suppose(definition.id, { at, ...(deviceId !== undefined && { deviceId }) });
      const notes =
        at < now
          ? ['Schedules are told for that moment; everything else (arming, windows, running alarms) as it is now.']
          : at > now
            ? ['Told for that moment, if nothing else happens until then.']
            : [];
      return {
        subject: { kind: 'trigger', id: definition.id, at, title: definition.name },
        verdict: verdictOnSupposed(checks, definition.name),
        notes,
        triggers: checks,
        followed: await follow(checks.flatMap((check) => (check.alarmId === null ? [] : [check.alarmId]))),
      };
    },
  };
}

const followedAction = (row: ActionRow): FollowedAction => ({
  key: row.key,
  nodeName: row.nodeName,
  kind: row.kind,
  phase: row.phase,
  status: row.status,
  summary: row.summary,
  errorCode: row.errorCode,
  attempts: row.attempts,
  durationMs: row.durationMs,
  requestedAt: row.requestedAt,
  finishedAt: row.finishedAt,
});

function heldUntil(holder: OutputRow['heldBy'][number], output: OutputRow): string {
  const state = output.confirmed === null ? 'not confirmed yet' : output.confirmed ? 'confirmed on' : 'confirmed off';
  const why = output.lastError === null ? '' : `; ${output.lastError}`;
  const held = holder.countsDown
    ? 'held until its countdown ends'
    : holder.endsAt === null
      ? 'held while the alarm lasts'
      : 'held while the alarm lasts, at most until its cap';
  return `${held} (${state}${why})`;
}

/** Decisions that say the same one after another, as a device repeats itself, told once. */
function folded(decisions: readonly Decision[]): Decision[] {
  const told: Decision[] = [];
  let times = 1;
  for (const [index, decision] of decisions.entries()) {
    const before = decisions[index - 1];
    const again =
      before !== undefined &&
      decision.outcome === before.outcome &&
      decision.reason === before.reason &&
      decision.detail === before.detail;
    times = again ? times + 1 : 1;
    if (!again) told.push(decision);
    else told.push({ ...told.pop()!, detail: `${decision.detail} (${times} times)` });
  }
  return told;
}
