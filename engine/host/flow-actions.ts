/**
 * What action and relay nodes ask for, on its way to the executor and the outputs: the stable key, the arming of the
 * single action (REQUIREMENTS S3), its interval (M7, M8). What is not done is on record with its reason (L12).
 */
import type { Alarms } from '../alarms';
import type { Clock } from '../clock/clock';
import { type ActionHandler, type ActionRow, untried } from '../domain/actions';
import type { Decision } from '../domain/alarms';
import { asAlarmflowError, userError } from '../domain/errors';
import { heldBackByFlood } from '../domain/flood-notices';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { heldOutput, outputId } from '../domain/outputs';
import { addWrites, type Change, emptyChange, type RecordWriter, type StandingRow } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import { DRY_PARAM } from '../executor';
import type { ActionRequest, OutputRequest } from '../index';
import type { Outputs } from '../outputs';
import { createActionIntervals } from './action-intervals';

export interface FlowActionsParts {
  handlers: ActionHandler[];
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  alarms: Pick<Alarms, 'alarm' | 'actionArming' | 'onArming'>;
  outputs: Pick<Outputs, 'request' | 'releaseNode'>;
  /** Whether an id is that of a device, and not of a node that stands for one. */
  isDevice(id: string): boolean;
  /** Hands rows that are on disk to the queue. */
  submit(rows: ActionRow[]): Promise<void>;
  /** A row is on disk; it may be one that says why nothing is done. */
  recorded(row: ActionRow): void;
  /** Nothing that is known of an output may drive it; absent: all are driven. */
  outputIsDry?(id: string): boolean;
  /** The whole site only writes down what it would do. Absent: it acts. */
  siteIsDry?(): boolean;
  /** Recordings that follow their alarms; absent: nothing is recorded here. */
  recordings?: FlowRecordings;
  /** Why the device cannot do what is asked, as far as is known; absent: nothing is known. */
  problemOf?(request: ActionRequest | OutputRequest): string | null;
}

/** What the flow asks of recordings. */
export interface FlowRecordings {
  /** Begins what a row asks for, in the change that writes it; the answer takes it back. */
  begin(row: ActionRow, change: Change): () => void;
  /** A disarmed node records nothing any more. */
  releaseNode(nodeId: string): Promise<void>;
}

export interface FlowActions {
  /** @param setBackMs by how much the wall clock was set back while the process was away */
  resume(rows: readonly StandingRow[], setBackMs?: number): void;
  /** Nodes that are gone leave nothing behind. */
  flowsStarted(isThere: (nodeId: string) => boolean): Promise<void>;
  requestAction(request: ActionRequest): Promise<{ key: string; accepted: boolean }>;
  requestOutput(request: OutputRequest): Promise<void>;
}

export function createFlowActions(parts: FlowActionsParts): FlowActions {
  const { alarms, clock, log, outputs, writer } = parts;

  const handlerOf = (kind: ActionRow['kind']): ActionHandler | undefined =>
    parts.handlers.find((candidate) => candidate.kind === kind);

  /** Why a node may not act now, or null. */
  function disarmed(nodeId: string, at: number): string | null {
    const { armed, detail } = alarms.actionArming(nodeId, at);
    return armed ? null : detail;
  }

  /** The row is on disk: shown, and handed to the queue unless it says why nothing is done. */
  async function recorded(row: ActionRow): Promise<void> {
    parts.recorded(row);
    if (row.status === 'queued') await parts.submit([row]);
  }

  const intervals = createActionIntervals({
    writer,
    clock,
    log,
    timers: parts.timers,
    isLive: (alarmId) => alarms.alarm(alarmId) !== undefined,
    deadlineMs: ({ kind }) => handlerOf(kind)?.defaultDeadlineMs ?? 0,
    refused: (row) => skippedIf(disarmed(row.nodeId, row.requestedAt), row),
    recorded,
  });

  /** A disarmed relay must not stay on. */
  alarms.onArming(({ subject }) => {
    if (subject.scope !== 'action' || disarmed(subject.id, clock.now()) === null) return;
    parts.recordings?.releaseNode(subject.id).catch((thrown: unknown) => {
      log.error('recording.not-ended', { node: subject.id, error: asAlarmflowError(thrown).message });
    });
    outputs.releaseNode(subject.id).catch((thrown: unknown) => {
      log.error('output.not-released', { node: subject.id, error: asAlarmflowError(thrown).message });
    });
  });

  /** What is worth knowing of a request, in the journal of its alarm. */
  const noted = (request: ActionRequest | OutputRequest, reason: string, detail: string): Decision => {
    const at = clock.now();
    const { alarm } = request;
    return {
      id: sortableId(at),
      at,
      eventId: null,
      triggerId: alarm?.triggerId ?? null,
      alarmId: alarm?.id ?? null,
      outcome: 'noted',
      reason,
      detail,
    };
  };

  const titleOf = ({ nodeName, nodeId }: { nodeName: string; nodeId: string }): string => nodeName || nodeId;

  function problemsOf(request: ActionRequest | OutputRequest): Decision[] {
    const problem = parts.problemOf?.(request) ?? null;
    if (problem === null) return [];
    log.warn('node.device-cannot', { node: request.nodeId, problem });
    return [noted(request, 'device-cannot', `Node "${titleOf(request)}": ${problem}`)];
  }

  function rowOf(request: ActionRequest, handler: ActionHandler): ActionRow {
    const { alarm } = request;
    const now = clock.now();
    return {
      key: actionKey(request),
      alarmId: alarm?.id ?? null,
      nodeId: request.nodeId,
      nodeName: request.nodeName,
      kind: request.kind,
      phase: alarm?.phase ?? 'message',
      deviceId: request.deviceId ?? (alarm && parts.isDevice(alarm.deviceId) ? alarm.deviceId : null),
      params: request.dryRun ? { ...request.params, [DRY_PARAM]: true } : request.params,
      alarm,
      requestedAt: now,
      deadlineAt: (alarm ? phaseTime(alarm, now) : now) + (request.deadlineMs ?? handler.defaultDeadlineMs),
      ...untried,
    };
  }

  return {
    resume: intervals.resume,
    flowsStarted: intervals.keepOnly,

    async requestAction(request) {
      const handler = handlerOf(request.kind);
      if (!handler)
        throw userError(
          'E_UNKNOWN_ACTION',
          `Node "${request.nodeName || request.nodeId}" asks for the action "${request.kind}", which this version does not have: update alarmflow or remove the node`,
        );
      handler.check(request.params);
      const asked = rowOf(request, handler);
      const change = emptyChange();
      const refused = skippedIf(disarmed(asked.nodeId, asked.requestedAt) ?? groupedByFlood(asked), asked);
      const { row, undo } = refused
        ? { row: refused, undo: () => undefined }
        : intervals.judge(asked, request.interval, change);
      addWrites(change, 'actions', row);
      const dry = request.dryRun === true || (parts.siteIsDry?.() ?? false);
      const records = row.kind === 'record' && row.status === 'queued' && !dry;
      const unrecord = records ? parts.recordings?.begin(row, change) : undefined;
      const problems = row.status === 'queued' ? problemsOf(request) : [];
      if (problems.length > 0) addWrites(change, 'decisions', ...problems);
      try {
        await writer.commit(change.writes);
      } catch (thrown) {
        unrecord?.();
        undo();
        throw thrown;
      }
      for (const follow of change.afterCommit) follow();
      await recorded(row);
      return { key: row.key, accepted: row.status === 'queued' };
    },

    async requestOutput(request) {
      const at = clock.now();
      const asks = request.alarm !== null || request.condition;
      const reason = asks ? disarmed(request.nodeId, at) : null;
      if (reason === null) {
        const id = outputId(request.deviceId, request.kind ?? 'relay', heldOutput(request));
        const dry = parts.outputIsDry?.(id) ?? false;
        const decisions = asks ? problemsOf(request) : [];
        if (asks && (dry || request.dryRun)) {
          const detail = `Dry run of node "${titleOf(request)}": would hold ${request.kind ?? 'relay'} output ${request.output}`;
          decisions.push(noted(request, 'dry-run', detail));
        }
        if (decisions.length > 0) await writer.commit({ decisions });
        // Another node drives this output for real: a claim that only pretends must not.
        if (request.dryRun && !dry) return undefined;
        return outputs.request(request);
      }
      const { alarm, nodeId, nodeName, deviceId, kind = 'relay', output } = request;
      log.info('output.claim-refused', {
        node: nodeId,
        device: deviceId,
        kind,
        output,
        alarm: alarm?.id ?? null,
        reason,
      });
      const node = kind === 'relay' ? 'Relay node' : 'Node';
      const detail = `${node} "${nodeName || nodeId}" does not take its output: ${reason}`;
      await writer.commit({
        decisions: [
          {
            id: sortableId(at),
            at,
            eventId: null,
            triggerId: alarm?.triggerId ?? null,
            alarmId: alarm?.id ?? null,
            outcome: 'refused',
            reason: 'disarmed',
            detail,
          },
        ],
      });
    },
  };
}

/** The row as one that says why it is not done, or null when there is no reason. */
function skippedIf(reason: string | null, row: ActionRow): ActionRow | null {
  if (reason === null) return null;
  return { ...row, status: 'skipped', summary: `Not done: ${reason}`, finishedAt: row.requestedAt, durationMs: 0 };
}

/** Why the alarm's own notice is not sent while notices of its area are grouped, or null. */
const groupedByFlood = ({ kind, alarm }: ActionRow): string | null =>
  heldBackByFlood(kind, alarm) ? `a flood of alarms in ${alarm?.flood?.area}: one notice stands for them` : null;

/**
 * The stable key of DESIGN §3. Raise and end happen once in an alarm's life; the others may come again,
 * so their message tells them apart, and a message keeps its id when it is sent again after a crash.
 */
export function actionKey(request: Pick<ActionRequest, 'nodeId' | 'alarm' | 'messageId'>): string {
  const { alarm, nodeId, messageId } = request;
  if (!alarm) return `msg:${nodeId}:${messageId}`;
  const once =
    (alarm.phase === 'raise' || alarm.phase === 'end') && !alarm.escalation && alarm.floodNotice === undefined;
  return once ? `${alarm.id}:${nodeId}:${alarm.phase}` : `${alarm.id}:${nodeId}:${alarm.phase}:${messageId}`;
}

/** The moment a message speaks of: deadlines count from it, so that a message sent again after a crash is no younger. */
function phaseTime(alarm: NonNullable<ActionRequest['alarm']>, now: number): number {
  // A step of an escalation speaks of itself, however long ago the alarm was raised.
  if (alarm.escalation) return now;
  switch (alarm.phase) {
    case 'raise':
      return alarm.floodNotice ?? alarm.raisedAt;
    case 'clear':
      return alarm.clearedAt ?? now;
    case 'end':
      return alarm.endedAt ?? now;
    default:
      return now;
  }
}
