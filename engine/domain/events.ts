import type { OperandMessage } from './combinations';
/**
 * What a device reported, in words that no maker owns. The list is PROTOCOLS §10, completed from the
 * triggers that the manuals promise (REQUIREMENTS T1–T15).
 */
export const knownEventTypes = [
  'motion',
  'line-crossing',
  'intrusion',
  'region-enter',
  'region-exit',
  'loitering',
  'group',
  'fast-moving',
  'parking',
  'object-left',
  'object-removed',
  'face',
  'people-count',
  'plate',
  'pir',
  'wireless-sensor',
  'digital-input',
  'relay-state',
  'temperature-prealarm',
  'temperature-alarm',
  'temperature-difference-prealarm',
  'temperature-difference',
  'temperature-reading',
  'fire',
  'smoke',
  'smoke-and-fire',
  'ship',
  'video-loss',
  'tamper',
  'scene-change',
  'defocus',
  'video-fault',
  'audio',
  'storage-missing',
  'storage-fault',
  'storage-full',
  'raid-fault',
  'network-fault',
  'ip-conflict',
  'mac-conflict',
  'login-failure',
  'record-fault',
  'fan-fault',
  'overheat',
  'power-fault',
  'device-fault',
  'source-online',
  'source-offline',
  'credentials-refused',
  /** Of a file server: files that waited for it were dropped, because there were too many or they were too old. */
  'upload-queue-full',
  /** Of an alarm centre: it has not taken several signs of life in a row. */
  'centre-unreachable',
  /** Something may be on where a device was before it was moved or removed, and nothing switches it off. */
  'output-left-on',
  /** A message of any other Node-RED node, offered through the linkage node. */
  'message',
] as const;

export type KnownEventType = (typeof knownEventTypes)[number];

/** A known type, or the device's own name behind `vendor:`. An unknown event never vanishes (T9). */
export type EventType = KnownEventType | `vendor:${string}`;

/**
 * Where the event stands in the life of its condition (PROTOCOLS §0.5).
 * `start` it begins; `refresh` it goes on; `stop` it ended; `pulse` it has no end of its own;
 * `snapshot` state told at subscription, no edge.
 */
export type EventPhase = 'start' | 'refresh' | 'stop' | 'pulse' | 'snapshot';

export type EventLevel = 'pre-alarm' | 'alarm';
export type EventTarget = 'human' | 'vehicle' | 'other';
export type TemperatureUnit = 'celsius' | 'fahrenheit' | 'kelvin';

/** Temperatures of a thermal event, in the device's own unit. */
export interface EventTemperature {
  unit: TemperatureUnit;
  /** What was measured. */
  value?: number;
  /** Highest, lowest and average of a line or an area, where the device tells them apart. */
  maximum?: number;
  minimum?: number;
  average?: number;
  /** Value and threshold are differences of temperatures, in degrees of the unit. */
  difference?: boolean;
  /** The limit of the device's rule. */
  threshold?: number;
  /** The rule in the device's words ("the highest temperature is higher than the set value"). */
  ruleType?: string;
  /** What was measured: a point, a line or an area. */
  calibration?: 'point' | 'line' | 'region';
  /** Hottest place, each 0–1 of width and height, when told. */
  point?: { x: number; y: number };
  /** PTZ preset the rule belongs to. */
  preset?: number;
}

/** One region of an event (Hikvision DetectionRegionEntry, Dahua DetectRegion …). */
export interface EventRegion {
  id?: string;
  /** Corner points, each 0–1 of width and height. */
  points?: { x: number; y: number }[];
  /** Rectangle around what was found (a person, a flame), each 0–1 of width and height. */
  box?: { x: number; y: number; width: number; height: number };
  target?: EventTarget;
  temperature?: EventTemperature;
}

/** A picture that came with the event; its bytes lie in the media store. */
export interface PictureRef {
  mediaId: string;
  contentType: string;
  /** Size in bytes. */
  size: number;
  name?: string;
}

/** What a driver understands from bytes, before the engine gives it an identity. */
export interface EventDraft {
  type: EventType;
  /** The event's name as the device spells it. */
  vendorType: string;
  phase: EventPhase;
  level?: EventLevel;
  /** Video channel, counted from 1; absent where the event belongs to the device or to an input. */
  channel?: number;
  /** Alarm input as the device numbers it. */
  input?: string;
  /** Address of who sent it, where one device receives of many (notifications of SNMP). */
  sender?: string;
  /** Alarm output as the device numbers it. */
  output?: string;
  /** Rule, line or region of the device that fired. */
  rule?: string;
  /** Object that moved, where the device tracks objects. */
  objectId?: string;
  /**
   * What tells this condition from another of its type at its place, where the device ends each by itself (plain motion
   * and that of a human): an alarm of its own. Start and stop carry the same; absent for the usual one.
   */
  condition?: string;
  target?: EventTarget;
  direction?: 'a-to-b' | 'b-to-a' | 'both';
  temperature?: EventTemperature;
  regions?: EventRegion[];
  channelName?: string;
  description?: string;
  /** Time as the device wrote it, untouched. */
  deviceTime: string | null;
  /** The same in milliseconds since the epoch, or null where it cannot be read or has no known zone. */
  deviceAt: number | null;
  /** The device's repeat counter (Hikvision activePostCount). */
  repeat?: number;
  /** Sent by the device as a stored event (Hikvision isDataRetransmission). */
  retransmitted?: boolean;
  /**
   * The device may never send an end: the condition counts as over when nothing came for this long, in milliseconds.
   * A trigger's own quiet time goes before it.
   */
  quietMs?: number;
  /** Which operand of a combination the message is about. */
  operand?: OperandMessage;
  /** How many pictures the device says will follow. */
  picturesAnnounced?: number;
  /** The payload as text, secrets removed, at most 64 KiB. */
  raw: string;
}

/** One event as the engine keeps it. */
export interface DeviceEvent extends Omit<EventDraft, 'picturesAnnounced'> {
  /** Sortable and unique. */
  id: string;
  /** Stable id of the device's config node. */
  deviceId: string;
  /** Our wall time at receipt, milliseconds. */
  receivedAt: number;
  /** Its device time is not to be trusted: unreadable, or far from the device's own clock (PROTOCOLS §0.4). */
  clockSuspect: boolean;
  /** Replayed from before; acts only where the trigger allows late events. */
  late: boolean;
  pictures: PictureRef[];
}

/** Pre-alarm and alarm of one rule are one alarm that escalates (T1): both names stand for the same condition. */
const conditionOf: Partial<Record<KnownEventType, KnownEventType>> = {
  'temperature-prealarm': 'temperature-alarm',
  'temperature-difference-prealarm': 'temperature-difference',
};

/** The type that names the condition: the pre-alarm's is its alarm's, any other is its own. */
export const conditionType = (type: EventType): EventType => conditionOf[type as KnownEventType] ?? type;

/** What devices tell without anything having happened: no filter for any type is meant for them. */
export const quietTypes: ReadonlySet<EventType> = new Set<EventType>([
  'message',
  'relay-state',
  'source-online',
  'temperature-reading',
]);

/** Types whose alarms no flood control may hold back (PEERS 14). */
export const lifeSafetyTypes: ReadonlySet<EventType> = new Set<EventType>([
  'fire',
  'smoke',
  'smoke-and-fire',
  'temperature-alarm',
  'temperature-difference',
]);
