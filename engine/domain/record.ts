/**
 * What the engine needs from its record. `engine/store` implements it on PGlite and on PostgreSQL;
 * the parts of the engine know only these interfaces, so none of them imports another.
 */
import type { ActionRow, ActionStatus } from './actions';
import type { AcknowledgedAs, Alarm, AlarmMessage, Decision } from './alarms';
import type { DeviceEvent, PictureRef } from './events';
import type { AlarmMedia, MediaReference } from './media';
import type { OrderFacts } from './order-facts';
import type { Lease, OutputId, OutputState } from './outputs';

/** A timer that outlives the process. */
export interface TimerRow {
  /** `${owner}:${name}`; setting it again replaces it. */
  id: string;
  /** Which handler takes it, e.g. `alarm`, `lease`. */
  kind: string;
  /** Wall milliseconds; it never fires before. */
  at: number;
  payload: Record<string, unknown>;
}

/** State of one alarm key of one trigger, as its machine keeps it; opaque to the record. */
export interface GateStateRow {
  triggerId: string;
  key: string;
  state: unknown;
}

/**
 * What people or earlier events have set and what stands until it is lifted: who is armed, what is shelved, a step of
 * an escalation, the level of a temperature rule. Small, many kinds, each read and written by one part of the engine.
 */
export interface StandingRow {
  /** `${kind}:…`, unique over all kinds. */
  id: string;
  /** Which part of the engine takes it up at the start, e.g. `arming`, `shelf`, `escalation`. */
  kind: string;
  /** That part's own; opaque to the record. */
  doc: unknown;
}

/** A message on its way into the flow; kept until its action nodes have surely had it. */
export interface FlowMessageRow {
  messageId: string;
  triggerId: string;
  alarmId: string;
  createdAt: number;
  message: AlarmMessage;
}

/** Who did what, when (DESIGN §8). */
export interface AuditRow {
  id: string;
  at: number;
  /** User name, or `local` for the machine's own command line. */
  who: string;
  /** e.g. `output.mode`, `alarm.acknowledge`, `site.disarm`, `flow.deploy`, `login.refused`. */
  action: string;
  subject: string;
  detail: string;
  /** What an order was, for simulations; absent: no order, or written by an earlier version. */
  facts?: OrderFacts;
}

export interface AuditQuery {
  /** At most 1,000. */
  limit: number;
  /** Only lines after this id (ids sort by time): the oldest of them. */
  after?: string;
  /** Only lines before this id: the newest of them. */
  before?: string;
  /** Wall milliseconds: only lines from then on, or before then. */
  from?: number;
  to?: number;
  /** Only lines of orders. */
  orders?: boolean;
}

/** Changes that reach the disk together or not at all. Rows replace those with the same key unless said otherwise. */
export interface RecordWrites {
  events?: DeviceEvent[];
  /** Pictures that came after their event; added to those it has. */
  eventPictures?: { eventId: string; pictures: PictureRef[] }[];
  decisions?: Decision[];
  alarms?: Alarm[];
  gateStates?: GateStateRow[];
  gateStatesDeleted?: { triggerId: string; key: string }[];
  timers?: TimerRow[];
  timersDeleted?: string[];
  flowMessages?: FlowMessageRow[];
  flowMessagesSettled?: string[];
  /** New action rows; a key that exists already is left as it is. */
  actions?: ActionRow[];
  leases?: Lease[];
  leasesDeleted?: string[];
  outputs?: OutputState[];
  outputsDeleted?: OutputId[];
  standing?: StandingRow[];
  standingDeleted?: string[];
  audit?: AuditRow[];
  /** What kept files show of alarms; the same file of the same alarm is one row. */
  alarmMedia?: MediaReference[];
}

/**
 * A change that is decided but not yet on disk: the writes, and what to do once they are
 * (send a message, set a timer in memory). Parts that decide together add to one change, so it is atomic.
 */
export interface Change {
  writes: RecordWrites;
  afterCommit: (() => void)[];
  /** Takes back what was changed in memory, called backwards at once when nothing is written; absent: nobody calls it. */
  undo?: (() => void)[];
}

export const emptyChange = (): Change => ({ writes: {}, afterCommit: [] });

/** Adds rows to one list of a change's writes. */
export function addWrites<K extends keyof RecordWrites>(
  change: Change,
  list: K,
  ...rows: NonNullable<RecordWrites[K]>
): void {
  const writes = change.writes as Record<K, unknown[] | undefined>;
  writes[list] = [...(writes[list] ?? []), ...rows];
}

/** What reaches the disk with an order of somebody's or not at all. */
export type RowsBeside = Pick<RecordWrites, 'standing' | 'audit'>;

export function addBeside(change: Change, { standing = [], audit = [] }: RowsBeside = {}): void {
  if (standing.length > 0) addWrites(change, 'standing', ...standing);
  if (audit.length > 0) addWrites(change, 'audit', ...audit);
}

/** The one way to change the engine's record. */
export interface RecordWriter {
  /**
   * Resolves when everything is on disk. Batches of callers that arrive together share one transaction
   * (group commit); each batch stays atomic, and batches keep their order.
   * Throws an operational `E_RECORD_WRITE` when the record cannot be written; nothing of the batch is then kept.
   */
  commit(writes: RecordWrites): Promise<void>;
}

/** Everything the engine resumes from at start. */
export interface ResumeState {
  gateStates: GateStateRow[];
  /** Alarms that have not ended. */
  alarms: Alarm[];
  timers: TimerRow[];
  flowMessages: FlowMessageRow[];
  leases: Lease[];
  outputs: OutputState[];
  standing: StandingRow[];
}

export interface ResumeReader {
  resume(): Promise<ResumeState>;
}

/** What an attempt came to: an outcome for good, or `retrying`. */
export interface ActionOutcome {
  status: ActionStatus;
  summary: string;
  errorCode: string | null;
  finishedAt: number | null;
  durationMs: number;
  /** Attempts so far, this one included; the row keeps the larger number. For rows run without a claim. */
  attempts?: number;
}

/** What the executor needs to run actions once. */
export interface ActionRecord {
  /**
   * Takes a row for one attempt: sets it running, counts the attempt and returns it.
   * Null when the row is gone or has its outcome already: then there is nothing to do.
   */
  claimAction(key: string, at: number): Promise<ActionRow | null>;
  /**
   * Whether this process itself put the row on disk and nobody has claimed it here since; says so once per row.
   * Such a row, with its one job, needs no claim to be safe. A record without this has all rows claimed.
   */
  takeNewAction?(key: string): boolean;
  /** Writes the outcome, or `retrying`; a row that has its outcome keeps it. */
  settleAction(key: string, outcome: ActionOutcome): Promise<void>;
  /** Rows without an outcome, oldest first: what a crash between row and job has left. */
  openActions(limit: number): Promise<ActionRow[]>;
  /** Sets a failed or expired row queued again with a new deadline; null when it is neither. */
  requeueAction(key: string, deadlineAt: number): Promise<ActionRow | null>;
}

/** Small values by name: arming of the site, ingest tokens, secrets wrapped by the host. */
export interface SettingsRecord {
  readSetting<T>(name: string): Promise<T | null>;
  writeSetting(name: string, value: unknown): Promise<void>;
}

export interface EventQuery {
  /** At most 1,000. */
  limit: number;
  /** Only events after this id (ids sort by time). */
  after?: string;
  /** Only events before this id. */
  before?: string;
  deviceId?: string;
  type?: string;
  /** false: without what became of them. */
  decisions?: boolean;
}

/** An event with what became of it. */
export interface ExplainedEvent {
  event: DeviceEvent;
  decisions: Decision[];
}

export interface MediaRecord {
  /**
   * Keeps bytes; resolves to their id when they are on disk.
   * `origin`: what they were made from; what is there already of the same origin is not kept again.
   * @throws E_PICTURE_TOO_LARGE (user), E_MEDIA_WRITE (operational)
   */
  keep(picture: { contentType: string; bytes: Buffer; name?: string; origin?: string }): Promise<string>;
  /** A picture, whole; null where there is none, or where it is too large to be read at one go (see `MediaStore.open`). */
  read(mediaId: string): Promise<{ contentType: string; bytes: Buffer; name?: string } | null>;
}

/** A kept file that is to be read in parts. */
export interface OpenMedia {
  contentType: string;
  /** Size in bytes. */
  size: number;
  name: string | null;
  /** Its bytes from `first` to `last`, both included. */
  bytes(first: number, last: number): AsyncIterable<Buffer>;
}

/** What was kept under an origin. */
export interface KeptFile {
  mediaId: string;
  size: number;
}

/** Pictures, and files of any size that are never whole in memory. */
export interface MediaStore extends MediaRecord {
  /**
   * Keeps a file that `write` makes at the path it is given. Once for an origin: what is there already is not made again.
   * @throws E_MEDIA_WRITE (operational) where the disk is full or refuses, whatever `write` throws
   */
  keepFile(
    file: { contentType: string; name: string; origin: string },
    write: (path: string) => Promise<void>,
  ): Promise<KeptFile>;
  /** What was kept under an origin, or null. */
  ofOrigin(origin: string): Promise<KeptFile | null>;
  open(mediaId: string): Promise<OpenMedia | null>;
}

/** A mail that the demo's catcher has taken. */
export interface CaughtMail {
  id: string;
  receivedAt: number;
  from: string;
  to: string[];
  subject: string;
  text: string;
  messageId: string;
  attachments: { name: string; contentType: string; mediaId: string; size: number }[];
}

/** What the console and the command line read. Newest first. */
export interface RecordReader {
  events(query: EventQuery): Promise<ExplainedEvent[]>;
  event(id: string): Promise<ExplainedEvent | null>;
  alarms(query: { live: boolean; limit: number; before?: string; acknowledgedAs?: AcknowledgedAs }): Promise<Alarm[]>;
  alarm(
    id: string,
  ): Promise<{ alarm: Alarm; decisions: Decision[]; actions: ActionRow[]; media?: AlarmMedia[] } | null>;
  actions(query: {
    status?: ActionStatus;
    /** Only those that failed or came too late. */
    trouble?: boolean;
    alarmId?: string;
    /** Key of an action: only those that were asked for before it. */
    before?: string;
    limit: number;
  }): Promise<ActionRow[]>;
  mails(limit: number): Promise<CaughtMail[]>;
  keepMail(mail: CaughtMail): Promise<void>;
  audit(query: AuditQuery): Promise<AuditRow[]>;
}
