/** Turns what the engine writes to its record into report entries, and keeps what a summary and a comparison need. */
import type { ActionRow } from '../domain/actions';
import type { Alarm, Decision, MessageAlarm } from '../domain/alarms';
import type { DeviceEvent } from '../domain/events';
import type { OutputDefinition } from '../domain/outputs';
import type { FlowMessageRow, RecordWrites } from '../domain/record';
import { keyParts } from '../gates';
import type { LeftOutNode } from './flow-census';
import type {
  ActionEntry,
  DecisionEntry,
  OutputSpans,
  ReportEntry,
  SimulatedAlarm,
  SimulationResult,
  SimulationSummary,
} from './report';

/** What a device event is called beside its type. */
type Placed = Pick<Alarm, 'channel' | 'input' | 'rule' | 'target'> & Pick<DeviceEvent, 'temperature'>;

function placeOf(about: Placed): string {
  return [
    about.channel === undefined ? null : `channel ${about.channel}`,
    about.input === undefined ? null : `input ${about.input}`,
    about.rule === undefined ? null : `rule ${about.rule}`,
    about.target ?? null,
    about.temperature?.value === undefined ? null : `${about.temperature.value} ${about.temperature.unit}`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

function messageDetail({ reminder, escalation, flood }: MessageAlarm): string {
  return [
    reminder === undefined ? null : `reminder ${reminder}`,
    escalation === undefined ? null : `step ${escalation.step}, round ${escalation.round}`,
    flood === undefined ? null : `stands for ${flood.raises} raises`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

const listed = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));

/** Parameters of an action that tell people what it would have done; every value is shortened. */
function actionDetail({ kind, params }: ActionRow): string {
  const told: Record<string, string[]> = {
    email: ['to', 'subject'],
    'ptz-preset': ['channel', 'preset'],
    snapshot: ['channel'],
    log: ['level', 'text'],
    'sftp-upload': ['path', 'directory', 'fileName'],
    upload: ['path'],
    'snmp-trap': ['receiverId'],
  };
  return (told[kind] ?? Object.keys(params))
    .filter((name) => params[name] !== undefined && params[name] !== null && params[name] !== '')
    .map((name) => `${name} ${listed(params[name]).slice(0, 120)}`)
    .join(', ');
}

export interface Collector {
  /** Everything that the engine has written together. */
  written(writes: RecordWrites): void;
  /** A device was told to switch. `manner`: how, in words. */
  switched(id: string, on: boolean, manner?: string): void;
  reached(node: LeftOutNode): void;
  complained(text: string): void;
  /** The input that is being worked on: decisions name its line. */
  from(line: number | null): void;
  event(): void;
  order(): void;
  /** The number of an alarm in the report. */
  numberOf(alarmId: string | null): number | null;
  result(to: number, warnings: string[]): SimulationResult;
}

export interface CollectorOptions {
  now(): number;
  deviceName(id: string): string;
  triggerName(id: string): string;
  output(id: string): Pick<OutputDefinition, 'name' | 'deviceId' | 'kind'> | undefined;
  /** Gets every entry as it happens; null: only the summary is wanted. */
  onEntry: ((entry: ReportEntry) => void) | null;
}

export function createCollector(options: CollectorOptions): Collector {
  const { now, deviceName, triggerName } = options;
  const from = now();
  const tell = (entry: ReportEntry): void => options.onEntry?.(entry);
  const alarms = new Map<string, SimulatedAlarm>();
  const actions: SimulationResult['actions'] = [];
  const outputs = new Map<string, OutputSpans>();
  /** How each output was last on, in words. */
  const manners = new Map<string, string>();
  const leftOut = new Map<string, SimulationSummary['leftOut'][number]>();
  const seenActions = new Set<string>();
  let line: number | null = null;
  const counts = {
    events: 0,
    orders: 0,
    raised: 0,
    escalated: 0,
    reminded: 0,
    cleared: 0,
    ended: 0,
    merged: 0,
    unheard: 0,
  };
  const refused: Record<string, number> = {};
  const actionCounts: Record<string, number> = {};
  const heldBackCounts: Record<string, number> = {};

  const numberOf = (alarmId: string | null): number | null =>
    alarmId === null ? null : (alarms.get(alarmId)?.alarm ?? null);

  function sawAlarm(alarm: Alarm): void {
    const known = alarms.get(alarm.id);
    const entry: SimulatedAlarm = {
      alarm: known?.alarm ?? alarms.size + 1,
      triggerId: alarm.triggerId,
      trigger: alarm.triggerName,
      key: alarm.key,
      device: alarm.deviceName,
      type: alarm.type,
      place: known?.place ?? placeOf({ ...alarm, temperature: alarm.event.temperature }),
      level: alarm.level,
      count: alarm.count,
      raisedAt: alarm.raisedAt,
      clearedAt: alarm.clearedAt,
      endedAt: alarm.endedAt,
      endReason: alarm.endReason,
    };
    alarms.set(alarm.id, entry);
  }

  /** What the key of a condition tells of it: time decided on it, and there is neither event nor alarm. */
  function conditionOf(key: string): Pick<DecisionEntry, 'device' | 'type' | 'place'> {
    const parts = new Map(keyParts(key));
    const deviceId = parts.get('device');
    const words = ['channel', 'input', 'rule', 'target', 'object'].flatMap((part) => {
      const value = parts.get(part);
      return value === undefined ? [] : [part === 'target' ? value : `${part} ${value}`];
    });
    return {
      device: deviceId === undefined ? null : deviceName(deviceId),
      type: parts.get('type') ?? null,
      place: words.join(', '),
    };
  }

  function count({ outcome, reason }: Decision): void {
    switch (outcome) {
      case 'raised':
      case 'escalated':
      case 'reminded':
      case 'cleared':
      case 'ended':
      case 'merged':
        counts[outcome]++;
        return;
      case 'refused':
        refused[reason] = (refused[reason] ?? 0) + 1;
        return;
      case 'no-trigger':
        counts.unheard++;
    }
  }

  function decided(decision: Decision, events: readonly DeviceEvent[]): void {
    count(decision);
    if (options.onEntry === null) return;
    const event = decision.eventId === null ? undefined : events.find(({ id }) => id === decision.eventId);
    const alarm = decision.alarmId === null ? undefined : alarms.get(decision.alarmId);
    tell({
      kind: 'decision',
      at: decision.at,
      outcome: decision.outcome,
      reason: decision.reason,
      detail: decision.detail,
      triggerId: decision.triggerId,
      trigger: decision.triggerId === null ? null : triggerName(decision.triggerId),
      alarm: alarm?.alarm ?? null,
      ...(event
        ? { device: deviceName(event.deviceId), type: event.type, place: placeOf(event) }
        : alarm
          ? { device: alarm.device, type: alarm.type, place: alarm.place }
          : conditionOf(decision.key ?? '')),
      key: decision.key ?? '',
      line: event ? line : null,
    });
  }

  function sent({ triggerId, alarmId, createdAt, message }: FlowMessageRow): void {
    const { alarm } = message;
    tell({
      kind: 'message',
      at: createdAt,
      phase: alarm.phase,
      triggerId,
      trigger: alarm.triggerName,
      alarm: numberOf(alarmId),
      device: alarm.deviceName,
      type: alarm.type,
      place: placeOf(alarm),
      detail: messageDetail(alarm),
    });
  }

  function asked(row: ActionRow): void {
    if (seenActions.has(row.key)) return;
    seenActions.add(row.key);
    const heldBack = row.status === 'queued' ? null : (row.summary ?? row.status);
    const counts = heldBack === null ? actionCounts : heldBackCounts;
    counts[row.kind] = (counts[row.kind] ?? 0) + 1;
    const entry: ActionEntry = {
      kind: 'action',
      at: now(),
      action: row.kind,
      nodeId: row.nodeId,
      node: row.nodeName || row.nodeId,
      phase: row.phase,
      alarm: numberOf(row.alarmId),
      trigger: row.alarm?.triggerName ?? null,
      device: row.deviceId === null ? null : deviceName(row.deviceId),
      detail: actionDetail(row),
      heldBack,
      params: row.params,
    };
    const { at, action, nodeId, node, phase, alarm, detail } = entry;
    if (heldBack === null) actions.push({ at, action, nodeId, node, phase, alarm, detail });
    tell(entry);
  }

  return {
    written(writes) {
      for (const alarm of writes.alarms ?? []) sawAlarm(alarm);
      for (const decision of writes.decisions ?? []) decided(decision, writes.events ?? []);
      for (const row of writes.flowMessages ?? []) sent(row);
      for (const row of writes.actions ?? []) asked(row);
    },
    switched(id, on, manner = '') {
      const at = now();
      const output = options.output(id);
      const deviceId = output?.deviceId ?? id.split('/')[0] ?? id;
      const known = outputs.get(id) ?? {
        id,
        name: output?.name ?? id,
        device: deviceName(deviceId),
        spans: [],
        onMs: 0,
      };
      outputs.set(id, known);
      const last = known.spans.at(-1);
      const isOn = last !== undefined && last.to === null;
      if (isOn === on && (!on || manners.get(id) === manner)) return;
      manners.set(id, manner);
      if (isOn === on) {
        // On as before, but in another way: another alarm decides now.
      } else if (on) known.spans.push({ from: at, to: null });
      else if (last) {
        last.to = at;
        known.onMs += at - last.from;
      }
      tell({
        kind: 'output',
        at,
        id,
        name: known.name,
        device: known.device,
        on,
        what: output?.kind ?? 'relay',
        manner,
      });
    },
    reached(node) {
      const known = leftOut.get(node.id) ?? {
        nodeId: node.id,
        node: node.name,
        type: node.type,
        why: node.why,
        messages: 0,
      };
      known.messages++;
      leftOut.set(node.id, known);
      tell({ kind: 'left-out', at: now(), nodeId: node.id, node: node.name, type: node.type, why: node.why });
    },
    complained: (text) => tell({ kind: 'complaint', at: now(), text }),
    from(given) {
      line = given;
    },
    event: () => void counts.events++,
    order: () => void counts.orders++,
    numberOf,
    result(to, warnings) {
      return {
        summary: {
          from,
          to,
          ...counts,
          refused,
          actions: actionCounts,
          heldBack: heldBackCounts,
          outputs: [...outputs.values()]
            .map((output) => ({
              ...output,
              onMs:
                output.onMs + output.spans.reduce((open, span) => open + (span.to === null ? to - span.from : 0), 0),
            }))
            .sort((a, b) => (a.id < b.id ? -1 : 1)),
          leftOut: [...leftOut.values()],
        },
        alarms: [...alarms.values()],
        actions,
        warnings,
      };
    },
  };
}
