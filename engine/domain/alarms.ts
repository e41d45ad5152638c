import type { DeviceEvent, EventLevel, EventType } from './events';
import type { AlarmFlood } from './flood';

/** Where an alarm stands (DESIGN §1, after ISA-18.2 and OPC UA Part 9). */
export type AlarmState = 'normal' | 'pending' | 'active' | 'clearing';

/** What an alarm's message tells the flow (DESIGN §7). */
export type AlarmPhase = 'raise' | 'escalate' | 'remind' | 'clear' | 'end';

/** Why an alarm came to its end. */
export type EndReason =
  | 'cleared'
  | 'implied-stop'
  | 'disarmed'
  | 'window-closed'
  | 'reset'
  | 'trigger-removed'
  | 'device-removed';

/** What an acknowledgement may say beside that somebody has seen the alarm. */
export type AcknowledgedAs = 'false-alarm';

/** Ends to which an alarm comes by itself; all others are somebody's doing and release at once (DESIGN §1.5). */
export const naturalEnds: ReadonlySet<EndReason> = new Set<EndReason>(['cleared', 'implied-stop']);

/** Parts of an event that tell one alarm of a trigger from another. */
export type AlarmKeyPart =
  | 'device'
  | 'channel'
  | 'input'
  | 'type'
  | 'rule'
  | 'target'
  /** The object that the device tracks (M9 "single alarm"); its rule and target where the device names no object. */
  | 'object';

/** One alarm, from its raise to its end. Times are wall milliseconds. */
export interface Alarm {
  /** Stable, derived once at the raise; the same after a restart. */
  id: string;
  /** Node id of the trigger. */
  triggerId: string;
  triggerName: string;
  /** What told it from the trigger's other alarms; canonical text. */
  key: string;
  /** `site/device/channel/type`. */
  topic: string;
  deviceId: string;
  deviceName: string;
  type: EventType;
  level: EventLevel;
  channel?: number;
  input?: string;
  rule?: string;
  target?: string;
  state: AlarmState;
  /** Starts and pulses that fell into this alarm, the raising one included. */
  count: number;
  raisedAt: number;
  /** Last time the condition was seen. */
  seenAt: number;
  clearedAt: number | null;
  endedAt: number | null;
  endReason: EndReason | null;
  latched: boolean;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  /** What whoever acknowledged it took it for; absent: an alarm like any other, or nobody has acknowledged. */
  acknowledgedAs?: AcknowledgedAs;
  /** Set where it fell into a flood of its area, or was the first of one. */
  flood?: AlarmFlood;
  /** The event that raised it, pictures and temperatures included; `raw` is left out. */
  event: Omit<DeviceEvent, 'raw'>;
}

/** An alarm as one message carries it. */
export type MessageAlarm = Alarm & {
  phase: AlarmPhase;
  /** Which reminder this is, from 1 (phase `remind`). */
  reminder?: number;
  /**
   * Set by an escalation node, with the outputs of it that the message goes to. What is wired behind it acts on the
   * phase `escalate`, whatever phases its dialog names.
   */
  escalation?: { nodeId: string; step: number; round: number; outputs: number[] };
  /** Set on a notice for several raises (phase `raise`): tells it from the alarm's own message and from other notices. */
  floodNotice?: number;
};

/** What goes along the wire (DESIGN §7). */
export interface AlarmMessage {
  /** Unique per message; the same when it is sent again after a crash. */
  messageId: string;
  payload: boolean;
  topic: string;
  alarm: MessageAlarm;
}

/** Reasons for which an event raises nothing, in the order in which the gates ask (DESIGN §1). */
export const refusalReasons = [
  'disabled',
  'filter',
  'late',
  'duplicate',
  'shelved',
  'disarmed',
  'not-armed',
  'on-delay',
  'anti-dither',
  'flood',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** What became of an event, or of time passing, at one trigger. */
export type DecisionOutcome =
  | 'raised'
  | 'escalated'
  | 'merged'
  | 'pending'
  | 'refused'
  | 'cleared'
  | 'clearing'
  | 'ended'
  | 'acknowledged'
  | 'reminded'
  | 'no-trigger'
  | 'no-alarm'
  /** Nothing was decided; something about it is worth knowing (a dry run, a device that cannot do it). */
  | 'noted';

/** One line of the journal: a decision and its reason. */
export interface Decision {
  id: string;
  at: number;
  /** The event that was decided on; null where time or a person decided. */
  eventId: string | null;
  triggerId: string | null;
  alarmId: string | null;
  outcome: DecisionOutcome;
  /** Why: a refusal reason, an end reason, or the input that led here. */
  reason: string;
  /** A sentence for people, with the values that decided ("anti-dither 10 s, 4.2 s left"). */
  detail: string;
  /** Which condition of the trigger it is about, as canonical text; absent where the trigger was asked as a whole. */
  key?: string;
  /** When the gate that refused, or made it wait, was to open, as known at that moment; absent where no time was. */
  opensAt?: number;
}
