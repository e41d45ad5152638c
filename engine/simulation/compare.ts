/** What one simulation does more, less or otherwise than another: the changed flow beside the one that runs. */

import type { EventType } from '../domain/events';
import { conditionType } from '../domain/events';
import type { SimulatedAlarm, SimulationResult } from './report';
import { spanText } from './times';

/** An alarm that both raise, at other times. */
export interface MovedAlarm {
  before: SimulatedAlarm;
  after: SimulatedAlarm;
}

export interface OutputDifference {
  id: string;
  name: string;
  device: string;
  beforeMs: number;
  afterMs: number;
  switchedBefore: number;
  switchedAfter: number;
}

export interface ActionDifference {
  node: string;
  nodeId: string;
  action: string;
  before: number;
  after: number;
}

export interface Comparison {
  /** Raised by the changed flow only. */
  more: SimulatedAlarm[];
  /** Raised by the other flow only. */
  less: SimulatedAlarm[];
  moved: MovedAlarm[];
  same: number;
  outputs: OutputDifference[];
  actions: ActionDifference[];
}

/** One condition of one trigger, whichever flow it runs in. */
const conditionOf = (alarm: SimulatedAlarm): string =>
  JSON.stringify([alarm.triggerId, alarm.key, conditionType(alarm.type as EventType)]);

const endOf = (alarm: SimulatedAlarm): number => alarm.endedAt ?? Number.POSITIVE_INFINITY;

const overlap = (a: SimulatedAlarm, b: SimulatedAlarm): boolean => a.raisedAt <= endOf(b) && b.raisedAt <= endOf(a);

const isSame = (a: SimulatedAlarm, b: SimulatedAlarm): boolean =>
  a.raisedAt === b.raisedAt && a.clearedAt === b.clearedAt && a.endedAt === b.endedAt && a.level === b.level;

/**
 * Alarms of one condition belong together when their lives overlap, in the order of their raises: then a longer
 * filtering time moves an alarm and does not make it two.
 */
export function compare(before: SimulationResult, after: SimulationResult): Comparison {
  const result: Comparison = { more: [], less: [], moved: [], same: 0, outputs: [], actions: [] };
  const former = Map.groupBy(before.alarms, conditionOf);
  const changed = Map.groupBy(after.alarms, conditionOf);
  for (const key of new Set([...former.keys(), ...changed.keys()])) {
    const left = former.get(key) ?? [];
    const right = changed.get(key) ?? [];
    let at = 0;
    for (const alarm of left) {
      while (at < right.length && !overlap(alarm, right[at]!) && right[at]!.raisedAt < alarm.raisedAt)
        result.more.push(right[at++]!);
      const partner = right[at];
      if (partner === undefined || !overlap(alarm, partner)) {
        result.less.push(alarm);
        continue;
      }
      at++;
      if (isSame(alarm, partner)) result.same++;
      else result.moved.push({ before: alarm, after: partner });
    }
    result.more.push(...right.slice(at));
  }
  const byRaise = (a: SimulatedAlarm, b: SimulatedAlarm): number => a.raisedAt - b.raisedAt || a.alarm - b.alarm;
  result.more.sort(byRaise);
  result.less.sort(byRaise);
  result.moved.sort((a, b) => byRaise(a.after, b.after));
  result.outputs = compareOutputs(before, after);
  result.actions = compareActions(before, after);
  return result;
}

function compareOutputs(before: SimulationResult, after: SimulationResult): OutputDifference[] {
  const former = new Map(before.summary.outputs.map((output) => [output.id, output]));
  const changed = new Map(after.summary.outputs.map((output) => [output.id, output]));
  return [...new Set([...former.keys(), ...changed.keys()])].sort().flatMap((id) => {
    const left = former.get(id);
    const right = changed.get(id);
    const one = (right ?? left)!;
    const difference: OutputDifference = {
      id,
      name: one.name,
      device: one.device,
      beforeMs: left?.onMs ?? 0,
      afterMs: right?.onMs ?? 0,
      switchedBefore: left?.spans.length ?? 0,
      switchedAfter: right?.spans.length ?? 0,
    };
    const isEqual =
      difference.beforeMs === difference.afterMs && difference.switchedBefore === difference.switchedAfter;
    return isEqual ? [] : [difference];
  });
}

function compareActions(before: SimulationResult, after: SimulationResult): ActionDifference[] {
  const differences = new Map<string, ActionDifference>();
  for (const [which, { actions }] of [
    ['before', before],
    ['after', after],
  ] as const)
    for (const { nodeId, node, action } of actions) {
      const known = differences.get(nodeId) ?? { nodeId, node, action, before: 0, after: 0 };
      differences.set(nodeId, { ...known, node, [which]: known[which] + 1 });
    }
  return [...differences.values()].filter((difference) => difference.before !== difference.after);
}

/** "3 alarms more, 12 less, Siren (Hall camera) on 41 min less"; or that there is no difference. */
export function comparisonSentence({ more, less, moved, outputs, actions }: Comparison): string {
  const parts: string[] = [];
  if (more.length > 0) parts.push(`${more.length} alarm${more.length === 1 ? '' : 's'} more`);
  if (less.length > 0)
    parts.push(more.length > 0 ? `${less.length} less` : `${less.length} alarm${less.length === 1 ? '' : 's'} less`);
  if (moved.length > 0) parts.push(`${moved.length} at other times`);
  for (const { name, device, beforeMs, afterMs, switchedBefore, switchedAfter } of outputs) {
    const by = afterMs - beforeMs;
    parts.push(
      by === 0
        ? `${name} (${device}) on as long, ${switchedAfter} times instead of ${switchedBefore}`
        : `${name} (${device}) on ${spanText(Math.abs(by))} ${by > 0 ? 'more' : 'less'}`,
    );
  }
  for (const { node, action, before, after } of actions)
    parts.push(`${Math.abs(after - before)} ${action} by "${node}" ${after > before ? 'more' : 'less'}`);
  return parts.length === 0 ? 'no difference' : parts.join(', ');
}
