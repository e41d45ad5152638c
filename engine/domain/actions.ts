import type { AlarmPhase, MessageAlarm } from './alarms';
import type { EventType } from './events';

/** Which one-shot actions exist; each has one file in `engine/actions`. */
export type ActionKind =
  | 'email'
  | 'upload'
  | 'snapshot'
  /** Local recording of an alarm, from before it began until after it ended. */
  | 'record'
  /** One file of such a recording; asked for by the recording itself. */
  | 'record-clip'
  | 'log'
  | 'snmp-trap'
  | 'notify'
  | 'mqtt-publish'
  | 'modbus-write'
  | 'show-message'
  | 'web-push'
  | 'device-trigger'
  /** Calls a preset once; the node `ptz` holds a camera instead and takes part in the arbitration. */
  | 'ptz-preset'
  /** Rows of versions before `upload`; carried out, not asked for any more. */
  | 'sftp-upload';

/**
 * Life of an action row (DESIGN §3).
 * queued → running → done | failed (dead letter) | expired (past its deadline) | skipped (nothing to do, with reason);
 * running → retrying → running …
 */
export type ActionStatus = 'queued' | 'running' | 'retrying' | 'done' | 'failed' | 'expired' | 'skipped';

export const finalActionStatuses: readonly ActionStatus[] = ['done', 'failed', 'expired', 'skipped'];

/** One action that was asked for; exists before its job does (transactional outbox). */
export interface ActionRow {
  /** Stable: `${alarmId}:${nodeId}:${phase}` or `msg:${nodeId}:${messageId}`; makes doubled requests one. */
  key: string;
  alarmId: string | null;
  nodeId: string;
  nodeName: string;
  kind: ActionKind;
  phase: AlarmPhase | 'message';
  /** The device it works on, where there is one. */
  deviceId: string | null;
  /** Parameters of the kind; never a secret. */
  params: Record<string, unknown>;
  /** The alarm as it was when the action was asked for, for templates; null for plain messages. */
  alarm: MessageAlarm | null;
  requestedAt: number;
  /** Not started after this moment: it is recorded as expired. */
  deadlineAt: number;
  status: ActionStatus;
  attempts: number;
  /** What happened, in words for people. */
  summary: string | null;
  errorCode: string | null;
  finishedAt: number | null;
  /** Time that the last attempt took. */
  durationMs: number | null;
}

/** What a row holds of its life before anybody has worked on it. */
export const untried = {
  status: 'queued',
  attempts: 0,
  summary: null,
  errorCode: null,
  finishedAt: null,
  durationMs: null,
} as const satisfies Partial<ActionRow>;

/** How often one action node acts for alarms of one type (REQUIREMENTS M7, M8). */
export interface ActionInterval {
  /** Milliseconds from an action that went out, in which further ones of its type are held back; 0: none. */
  everyMs: number;
  /** Where what was held back is summed up: in the next one that goes out, or in one of its own when the time is over. */
  tell: 'next' | 'digest';
}

/** What an interval has held back, as the parameter `heldBack` of the action that sums it up. */
export interface HeldBack {
  /** How many in all. */
  count: number;
  firstAt: number;
  lastAt: number;
  /** By device, type and phase, in the order in which they came first; at most 50. */
  groups: HeldBackGroup[];
  /** How many belong to no group, because there were too many. */
  others: number;
}

export interface HeldBackGroup {
  deviceName: string;
  type: EventType | 'message';
  phase: AlarmPhase | 'message';
  count: number;
  firstAt: number;
  lastAt: number;
}

/** What an action reports when it has done its work. */
export interface ActionResult {
  /** `done`, or `skipped` when there was rightly nothing to do. */
  status: 'done' | 'skipped';
  /** One sentence for people ("mail to 2 receivers accepted by mail.example:587"). */
  summary: string;
}

/** Everything a handler is given for one attempt. */
export interface ActionRun {
  row: ActionRow;
  /** 1 for the first try. */
  attempt: number;
  /** Aborts at the deadline or when the process stops. */
  signal: AbortSignal;
  /** A person presses the test button of the node: says "test" wherever people see it, and is not summed up. */
  test?: true;
}

/**
 * One kind of linkage action. `execute` must be safe to run twice for one key: what it sends carries an identity
 * made from the key (Message-ID, file path). It throws AlarmflowError; only `operational` ones are tried again.
 */
export interface ActionHandler {
  readonly kind: ActionKind;
  /** CPU-heavy kinds run in their own queue, so that locks are renewed in time (DESIGN §5). */
  readonly heavy: boolean;
  /**
   * What this row may have to wait for: pictures, clips and large transfers, the turn and the answer of a device, or a
   * mail server's turn. Each has a queue of its own, so that text goes out at once however many rows wait for a dead
   * camera, and what is not mail however many wait for a mail server. Absent: nothing.
   */
  waitsFor?(row: ActionRow): 'pictures' | 'devices' | 'mails' | null;
  /** How long after the request the action still makes sense, unless the node says otherwise. */
  readonly defaultDeadlineMs: number;
  /** Tries in all, the first included. */
  readonly attempts: number;
  /**
   * What it does must not be done twice: each try is on disk before it begins, so that a try after a crash is told by
   * `attempt` that there was one before. Absent: twice is harmless.
   */
  readonly once?: true;
  /** Checks the parameters when the action is asked for; throws a user error that names the field. */
  check(params: Record<string, unknown>): void;
  execute(run: ActionRun): Promise<ActionResult>;
  /**
   * What it would do, in one sentence, without doing any of it ("mail to 2 receivers by mail.example:587"): for a dry
   * run. Absent: the kind and the node's name say enough.
   */
  rehearse?(row: ActionRow): string;
}
