/**
 * Types of the console API (`/api/v1`), the only thing that `ui/` and the engine share.
 * JSON over HTTP; times are wall milliseconds; errors are `ApiError` with a 4xx or 5xx status.
 */
import type { ActionRow } from '../domain/actions';
import type { Alarm, Decision } from '../domain/alarms';
import type { ArmingChange, ArmingOrder, ArmingRow, ArmingSubject } from '../domain/arming';
import type { DeviceStatus } from '../domain/devices';
import type { AlarmMedia } from '../domain/media';
import type { HoldKind, OutputState } from '../domain/outputs';
import type { Popup, PopupLevel } from '../domain/popups';
import type { CaughtMail, ExplainedEvent } from '../domain/record';
import type { Shelf } from '../domain/shelves';
import type { GivenSubscription, ShownSubscription } from '../domain/web-push';
import type { GateCheck, TriggerCheck, WhyAnswer } from '../domain/why';
import type { DryRunState } from './dry-run';

/** GET /api/v1/why/event/:id, /why/alarm/:id, /why?trigger=&device=&at= : {WhyAnswer} */
export type {
  ActionRow,
  Alarm,
  AlarmMedia,
  ArmingChange,
  ArmingRow,
  ArmingSubject,
  CaughtMail,
  Decision,
  DeviceStatus,
  ExplainedEvent,
  GateCheck,
  GivenSubscription,
  OutputState,
  Popup,
  PopupLevel,
  Shelf,
  ShownSubscription,
  TriggerCheck,
  WhyAnswer,
};

export type Role = 'viewer' | 'operator' | 'administrator';

export interface ApiError {
  error: { code: string; message: string };
}

/** GET /api/v1/session */
export interface Session {
  /** Null while nobody is logged in; then every other call answers 401. */
  user: { name: string; role: Role } | null;
  /** No users are set up: the console is open to this machine only. */
  open: boolean;
  /** Sent back as `x-alarmflow-csrf` with every call that changes something. */
  csrf: string;
  version: string;
  siteName: string;
  demo: boolean;
}

/** GET /api/v1/words: what event types are called. */
export interface Words {
  types: Record<string, string>;
}

/** GET /api/v1/site; POST /api/v1/site {armed} (operator) */
export interface Site {
  name: string;
  armed: boolean;
  dryRun: DryRunState;
  /** Why nothing can be kept and devices are therefore refused, in words; null: all is well. */
  trouble: string | null;
  /** Where the flow editor lives, or null when it runs headless. */
  editorPath: string | null;
}

/**
 * GET /api/v1/dry-run; POST /api/v1/dry-run {on} (administrator): the whole site only writes down what it would do. Both
 * answer with DryRunState.
 */
export type { DryRunState };

/** GET /api/v1/arming: the site first, then areas, devices and channels, triggers, actions. */
export interface ArmingPage {
  arming: ArmingRow[];
}

/** POST /api/v1/arming (operator) answers with ArmingPage. */
export type ArmingCall = Pick<ArmingOrder, 'subject'> & {
  armed: boolean;
  /** Default `normal`: refused with E_AREA_OPEN (409) while something is open. */
  how?: ArmingOrder['how'];
  /** For so many minutes only. */
  forMinutes?: number;
};

/**
 * POST /api/v1/devices/:id/capture {parts?, megabytes?, seconds?} (administrator): what the device sends, as a file for
 * `alarmflow decode`, while it comes.
 *
 * GET /api/v1/devices: {devices}; GET /api/v1/devices/:id/ingest (administrator) tells where the device pushes: {path}
 */
export interface DeviceRow {
  id: string;
  name: string;
  driver: string;
  /** host:port; empty for a device that has none (it pushes, or sends traps). */
  address: string;
  status: DeviceStatus;
}

/**
 * GET /api/v1/outputs: {outputs}; POST /api/v1/outputs/:id/mode {mode}, POST /api/v1/outputs/:id/reset and
 * POST /api/v1/outputs/reset (operator)
 */
export interface OutputRow extends OutputState {
  deviceName: string;
  /** What it is, in words ("siren 1", "camera, channel 2"). */
  words: string;
  /** How it is on, in words ("sound 3, volume 80"); empty: in no special way. */
  mannerWords: string;
  /** Every open console sounds while it is on. */
  soundsHere: boolean;
  /** From when the times of its sound count; null: it has no number of times, or is on by hand. */
  soundsSince: number | null;
  /** It is held and not driven: a dry run of the site, or of every node that works on it. */
  dryRun: boolean;
  /** Who holds it, in words ("Thermal alarm on Hall camera, until 12 s after the clear"). */
  heldBy: {
    leaseId: string;
    alarmId: string | null;
    label: string;
    endsAt: number | null;
    /** What kind of hold it is, which says what its end depends on. */
    kind: HoldKind;
    /** `endsAt` is the end of the hold; else it is the longest time on. */
    countsDown: boolean;
    /** 0–100. */
    priority: number;
    mannerWords: string;
    /** Of several that hold it this one says how it is on. */
    decides: boolean;
  }[];
}

/** GET /api/v1/events?limit=&before=&after=&deviceId=&type= */
export interface EventPage {
  events: ExplainedEvent[];
}

/**
 * GET /api/v1/alarms?live=1|0&limit=&before=&acknowledgedAs=false-alarm ;
 * POST /api/v1/alarms/:id/acknowledge {as?: 'false-alarm'}, /reset (operator)
 */
export interface AlarmPage {
  alarms: Alarm[];
}

/** GET /api/v1/alarms/:id */
export interface AlarmDetails {
  alarm: Alarm;
  decisions: Decision[];
  actions: ActionRow[];
  /** Its pictures and clips, the oldest first; each is read at /api/v1/media/:id, clips in parts. */
  media: AlarmMedia[];
}

/**
 * GET /api/v1/shelves, what is shelved; POST /api/v1/shelves {scope, id, key?, minutes | oneShot: true, reason?} and
 * DELETE /api/v1/shelves/:id (operator) answer with the same.
 */
export interface ShelfPage {
  shelves: Shelf[];
}

/**
 * GET /api/v1/actions?status=&trouble=1&alarmId=&before=<key>&limit= , the newest first (`trouble`: failed or too late; `before`: those
 * asked for before that one); POST /api/v1/actions/:key/retry (operator)
 */
export interface ActionPage {
  actions: ActionRow[];
}

/** GET /api/v1/mails — the demo's mail catcher; attachments are read at /api/v1/media/:id */
export interface MailPage {
  mails: CaughtMail[];
}

/** GET /api/v1/demo — scenes of the demo site; POST /api/v1/demo/:scene fires one (operator) */
export interface DemoScenes {
  scenes: { id: string; title: string; description: string }[];
}

/**
 * GET /api/v1/popups, the most severe first; POST /api/v1/popups/:id/acknowledge {as?: 'false-alarm'} acknowledges its
 * alarm, /close closes it for everybody (operator). GET /api/v1/popups/:id/tour/:stop is a picture of that camera, now.
 */
export interface PopupPage {
  popups: Popup[];
}

/**
 * GET /api/v1/push; POST /api/v1/push/subscriptions {GivenSubscription}, DELETE /api/v1/push/subscriptions/:id (one's
 * own; an administrator any) answer with the same. POST /api/v1/push/subscriptions/:id/test answers {PushTest}.
 */
export interface PushPage {
  /** For `pushManager.subscribe`, base64url. */
  publicKey: string;
  /** One's own; an administrator's are those of everybody. */
  subscriptions: ShownSubscription[];
  /** Who asks, as subscriptions name them. */
  user: string;
}

export interface PushTest {
  ok: boolean;
  detail: string;
}

/**
 * One message of GET /api/v1/stream (server-sent events; the SSE event name is `kind`). Beside them `beat` comes every
 * 15 s: who hears none for longer has lost its connection.
 */
export type StreamMessage =
  | { kind: 'event'; data: ExplainedEvent }
  | { kind: 'decision'; data: Decision }
  | { kind: 'alarm'; data: Alarm }
  | { kind: 'output'; data: OutputRow }
  | { kind: 'device'; data: DeviceRow }
  | { kind: 'action'; data: ActionRow }
  | { kind: 'mail'; data: CaughtMail }
  | { kind: 'shelves'; data: ShelfPage }
  | { kind: 'popups'; data: PopupPage }
  | { kind: 'site'; data: Site }
  | { kind: 'arming'; data: ArmingChange };
