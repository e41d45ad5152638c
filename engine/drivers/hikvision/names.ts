import type { EventLevel, EventType, KnownEventType } from '../../domain/events';

/**
 * How the condition behind an event name lives (PROTOCOLS §1.5).
 * `lasting`: active … inactive; `pulse`: no end of its own; `beat`: a sign of life.
 */
export type ConditionLife = 'lasting' | 'pulse' | 'beat';

/** What the driver knows of one event name of the device. */
export interface EventNature {
  type: EventType;
  life: ConditionLife;
  /** Milliseconds of silence that count as the end; absent where the device reliably sends one. */
  quietMs?: number;
  level?: EventLevel;
  /** The region number tells one open condition from another; elsewhere it only says where. */
  ruleKey: boolean;
}

/** VMD repeats about once a second and often just falls silent (§1.5). */
const MOTION_QUIET_MS = 5_000;
/** Upper end of the default for sources that may never send an end (§0.5). */
const QUIET_MS = 10_000;
/** Of an alarm input whose state can't be read. */
export const INPUT_QUIET_MS = QUIET_MS;
/** Fire and picture loss repeat slowly; a short silence must not end them. */
const SLOW_QUIET_MS = 30_000;

const lasting = (type: KnownEventType, quietMs?: number, more: Partial<EventNature> = {}): EventNature => ({
  type,
  life: 'lasting',
  quietMs,
  ruleKey: false,
  ...more,
});
const region = (type: KnownEventType): EventNature => lasting(type, QUIET_MS, { ruleKey: true });
const pulse = (type: KnownEventType): EventNature => ({ type, life: 'pulse', ruleKey: false });
const thermal = (type: KnownEventType, level: EventLevel): EventNature =>
  lasting(type, undefined, { level, ruleKey: true });

/**
 * Event names, lower case, of stream, push and `/ISAPI/Event/triggers`; the last one spells some differently
 * (PROTOCOLS §1.5, §1.6, §10).
 */
const natures: Readonly<Record<string, EventNature>> = {
  vmd: lasting('motion', MOTION_QUIET_MS),
  movedetection: lasting('motion', MOTION_QUIET_MS),
  motiondetection: lasting('motion', MOTION_QUIET_MS),
  linedetection: pulse('line-crossing'),
  fielddetection: region('intrusion'),
  regionentrance: region('region-enter'),
  regionexiting: region('region-exit'),
  loitering: region('loitering'),
  group: region('group'),
  groupdetection: region('group'),
  rapidmove: region('fast-moving'),
  parking: region('parking'),
  unattendedbaggage: region('object-left'),
  attendedbaggage: region('object-removed'),
  facedetection: lasting('face', QUIET_MS),
  facesnap: pulse('face'),
  peoplecounting: pulse('people-count'),
  anpr: pulse('plate'),
  vehicledetection: pulse('plate'),
  pir: lasting('pir', QUIET_MS),
  wlsensor: lasting('wireless-sensor', QUIET_MS),
  io: lasting('digital-input', INPUT_QUIET_MS),
  softio: lasting('digital-input', INPUT_QUIET_MS),
  tmpa: thermal('temperature-prealarm', 'pre-alarm'),
  tma: thermal('temperature-alarm', 'alarm'),
  tdpa: thermal('temperature-difference-prealarm', 'pre-alarm'),
  tda: thermal('temperature-difference', 'alarm'),
  thermometry: thermal('temperature-alarm', 'alarm'),
  thermometryalarm: thermal('temperature-alarm', 'alarm'),
  temperaturealarm: thermal('temperature-alarm', 'alarm'),
  firedetection: lasting('fire', SLOW_QUIET_MS),
  smokedetection: lasting('smoke', SLOW_QUIET_MS),
  smokeandfiredetection: lasting('smoke-and-fire', SLOW_QUIET_MS),
  shipsdetection: lasting('ship', SLOW_QUIET_MS),
  temperatureintervalmeasurement: pulse('temperature-reading'),
  videoloss: lasting('video-loss', SLOW_QUIET_MS),
  shelteralarm: lasting('tamper', QUIET_MS),
  tamperdetection: lasting('tamper', QUIET_MS),
  scenechangedetection: lasting('scene-change', QUIET_MS),
  defocus: lasting('defocus', QUIET_MS),
  defocusdetection: lasting('defocus', QUIET_MS),
  badvideo: lasting('video-fault', QUIET_MS),
  videomismatch: lasting('video-fault', QUIET_MS),
  audioexception: lasting('audio', QUIET_MS),
  diskfull: lasting('storage-full', QUIET_MS),
  diskerror: lasting('storage-fault', QUIET_MS),
  storagedetection: lasting('storage-fault', QUIET_MS),
  raidfailure: lasting('raid-fault', QUIET_MS),
  raidexception: lasting('raid-fault', QUIET_MS),
  nicbroken: lasting('network-fault', QUIET_MS),
  ipconflict: lasting('ip-conflict', QUIET_MS),
  macconflict: lasting('mac-conflict', QUIET_MS),
  illaccess: lasting('login-failure', QUIET_MS),
  recordingfailure: lasting('record-fault', QUIET_MS),
  recordexception: lasting('record-fault', QUIET_MS),
  fanfailure: lasting('fan-fault', QUIET_MS),
  overheat: lasting('overheat', QUIET_MS),
  poepowerexception: lasting('power-fault', QUIET_MS),
  spareexception: lasting('device-fault', QUIET_MS),
  heartbeat: { type: 'vendor:heartBeat', life: 'beat', ruleKey: false },
};

/** All names that are known, lower case. */
export const knownNames: readonly string[] = Object.keys(natures);

/** The nature of an event name in any spelling; an unknown one passes as `vendor:<name>`. */
export function natureOf(vendorType: string): EventNature {
  const key = vendorType.trim().toLowerCase();
  // An own-property check: names such as "constructor" come from outside.
  const known = Object.hasOwn(natures, key) ? natures[key] : undefined;
  return known ?? { type: `vendor:${vendorType.trim()}`, life: 'lasting', quietMs: QUIET_MS, ruleKey: false };
}
