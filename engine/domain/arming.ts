/**
 * Arming and disarming (REQUIREMENTS S3, S4): the words that gates, alarms, actions, nodes and console share.
 * `engine/gates/arming.ts` decides; `engine/alarms` keeps what stands.
 */

/** What can be armed and disarmed by itself, from the widest to the narrowest. */
export const armingScopes = ['site', 'area', 'device', 'channel', 'trigger', 'action'] as const;
export type ArmingScope = (typeof armingScopes)[number];

/** One thing that is armed or disarmed. */
export interface ArmingSubject {
  scope: ArmingScope;
  /** `site` for the site, `<device node id>/<channel from 1>` for a channel, the node id for all else. */
  id: string;
}

export const theSite: ArmingSubject = { scope: 'site', id: 'site' };

/** Who or what has ordered it. */
export type ArmingSource = 'schedule' | 'input' | 'user' | 'api' | 'node';

/**
 * How to arm while something is open, that is while a condition of one of its triggers holds:
 * `normal` is refused and names it; `force` arms, and each trigger raises or not as it does at a window's opening;
 * `bypass` arms, and what is open raises nothing until the subject is disarmed or armed anew.
 */
export const armingWays = ['normal', 'force', 'bypass'] as const;
export type ArmingWay = (typeof armingWays)[number];

/** An order to arm or disarm. The newest order of a subject stands. */
export interface ArmingOrder {
  subject: ArmingSubject;
  /** `toggle` disarms what is armed, or about to be, and arms what is not. */
  armed: boolean | 'toggle';
  /** Without meaning for disarming. */
  how: ArmingWay;
  source: ArmingSource;
  /** User, node or input, by name. */
  who: string;
  /** For so long only, then back to what it was before; null: until the next order. */
  forMs: number | null;
}

/**
 * Where a subject stands. `exit-delay`: ordered to be armed and not yet; `entry-delay`: armed, somebody has come in by
 * an entry route and has until its end to disarm.
 */
export type ArmingPhase = 'disarmed' | 'exit-delay' | 'armed' | 'entry-delay';

/** An alarm input that arms and disarms (Dahua manual 5.10.3, "Disarming"). */
export interface ArmingInput {
  /** Device node whose input it is. */
  deviceId: string;
  /** As the device numbers it. */
  input: string;
  /** Normally open: active while the device reports it; normally closed: active while it does not. */
  contact: 'open' | 'closed';
  /**
   * `active-disarms` and `active-arms`: a switch, whose position at rest means the opposite; `pulse-toggles`: a button
   * or key switch, each press of which disarms what is armed and arms what is not.
   */
  meaning: 'active-disarms' | 'active-arms' | 'pulse-toggles';
}

/** An area as the flow defines it, or what the whole site does in the same matters. */
export interface AreaDefinition {
  /** Node id. */
  id: string;
  name: string;
  /** `site`: it says what is to become of the site's own arming; its subject is the site. */
  covers: 'area' | 'site';
  /** Arms at the beginning of each period and disarms at its end; null: orders alone count. */
  scheduleId: string | null;
  exitDelayMs: number;
  entryDelayMs: number;
  /** What becomes of running alarms when it is disarmed (DESIGN §1.5). */
  atDisarm: 'end' | 'let-run';
  /** How schedule and inputs arm: nobody is there to read a refusal. */
  unattended: Exclude<ArmingWay, 'normal'>;
  inputs: ArmingInput[];
  /** More raises than `raises` within `withinMs` group the notices (flood control); null: never. */
  flood: { raises: number; withinMs: number } | null;
}

/** A subject that a flow arms and disarms by a schedule, without being an area. */
export interface ArmingProgram {
  /** Id of the node that says so. */
  nodeId: string;
  subject: ArmingSubject;
  scheduleId: string;
}

/** A condition that holds while its trigger is, or is to be, armed. */
export interface OpenCondition {
  triggerId: string;
  triggerName: string;
  /** Tells the conditions of one trigger apart. */
  key: string;
  deviceName: string;
  /** Since when it holds (wall milliseconds). */
  since: number;
}

/** One subject as people see it. */
export interface ArmingRow {
  subject: ArmingSubject;
  name: string;
  phase: ArmingPhase;
  /** Whether this subject by itself lets alarms be raised. */
  armed: boolean;
  /** A sentence: what stands, by whose order, since when, what comes next. */
  detail: string;
  /** The order that stands; null: nobody has ever given one. */
  order: { armed: boolean; how: ArmingWay; source: ArmingSource; who: string; at: number } | null;
  /** End of the running exit or entry delay (wall milliseconds). */
  delayUntil: number | null;
  /** When a timed order ends, and what it goes back to. */
  back: { at: number; armed: boolean } | null;
  /** What holds now in its triggers. */
  open: OpenCondition[];
  bypassed: OpenCondition[];
  /** Area of a trigger; null for all else. */
  areaId: string | null;
  /** What all scopes together say, for triggers; null for all else. */
  verdict: { armed: boolean; detail: string } | null;
}

/** A subject has turned; told when it is on disk. */
export interface ArmingChange {
  subject: ArmingSubject;
  name: string;
  from: ArmingPhase;
  phase: ArmingPhase;
  source: ArmingSource | null;
  who: string | null;
  detail: string;
  at: number;
  until: number | null;
  bypassed: OpenCondition[];
}

/** What the gates are told of all scopes around one trigger at one moment. */
export interface ArmingVerdict {
  armed: boolean;
  /** A sentence for people: which scope decided, by whose order, and what comes next. */
  detail: string;
  /** What becomes of a running alarm when this verdict is "disarmed" (DESIGN §1.5). */
  atDisarm: 'end' | 'let-run';
  /** An entry route waits until then before it raises (wall milliseconds); null: it raises at once. */
  entryUntil: number | null;
  /** When a verdict of "disarmed" ends by itself (a timed order, a schedule); absent or null: when somebody arms. */
  armsAt?: number | null;
}

/** Where nobody has said anything about arming. */
export const armedAlways: ArmingVerdict = {
  armed: true,
  detail: 'always armed',
  atDisarm: 'end',
  entryUntil: null,
};
