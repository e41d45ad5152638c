import type { AlarmPhase, MessageAlarm } from './alarms';

/** Which one-shot actions exist; each has one file in `engine/actions`. */
export type ActionKind = 'email' | 'ptz-preset' | 'snapshot' | 'log' | 'sftp-upload' | 'snmp-trap';

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
}

/**
 * One kind of linkage action. `execute` must be safe to run twice for one key: what it sends carries an identity
 * made from the key (Message-ID, file path). It throws AlarmflowError; only `operational` ones are tried again.
 */
export interface ActionHandler {
  readonly kind: ActionKind;
  /** CPU-heavy kinds run in their own queue, so that locks are renewed in time (DESIGN §5). */
  readonly heavy: boolean;
  /** How long after the request the action still makes sense, unless the node says otherwise. */
  readonly defaultDeadlineMs: number;
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Checks the parameters when the action is asked for; throws a user error that names the field. */
  check(params: Record<string, unknown>): void;
  execute(run: ActionRun): Promise<ActionResult>;
}
