import type { EventTarget, EventType, KnownEventType } from '../../domain/events';

/** What the `index` of a code counts (PROTOCOLS §2.2). */
export type CodePlace =
  /** A video channel, from 0. */
  | 'channel'
  /** An alarm input of the device itself. */
  | 'input'
  /** The channel of a camera behind a recorder whose own input is meant. */
  | 'camera-input'
  /** An input of an extension box. */
  | 'box-input'
  /** An input that others set over the network. */
  | 'network-input'
  /** An alarm output. */
  | 'output'
  /** Nothing: the event is about the device. */
  | 'device';

/** What the driver knows of one code of the device. */
export interface CodeNature {
  type: EventType;
  place: CodePlace;
  /**
   * `lasting`: Start … Stop, or Pulse; `ignored`: no news (a sign of life all the same);
   * `notice`: worth a line in the log; `clock`: a notice after which the clock is read anew.
   */
  life: 'lasting' | 'ignored' | 'notice' | 'clock';
  /** Its Stop may never come: so many milliseconds of silence count as the end; meanwhile the state is read (§2.2). */
  quietMs?: number;
  /** The rule tells one open condition from another. */
  ruleKey: boolean;
  target?: EventTarget;
  /** Codes that speak of one condition. */
  family: string;
}

/** Long enough for three readings of the state, so that a disk that stays broken doesn't seem to be mended. */
export const QUIET_MS = 30_000;

type Table = Record<string, Omit<CodeNature, 'family'> & { family?: string }>;
type Entry = Table[string];

const on = (type: KnownEventType, place: CodePlace = 'channel', more: Partial<Entry> = {}): Entry => ({
  type,
  place,
  life: 'lasting',
  ruleKey: false,
  ...more,
});
const rule = (type: KnownEventType, more: Partial<Entry> = {}): Entry =>
  on(type, 'channel', { ruleKey: true, ...more });
const device = (type: KnownEventType): Entry => on(type, 'device', { quietMs: QUIET_MS });
const silent = (code: string, life: 'ignored' | 'notice' | 'clock'): Entry => ({
  type: `vendor:${code}`,
  place: 'device',
  life,
  ruleKey: false,
});

/** Codes as the device spells them (PROTOCOLS §2.3, §10). */
const table: Table = {
  VideoMotion: on('motion'),
  MotionDetect: on('motion', 'channel', { family: 'VideoMotion' }),
  SmartMotionHuman: on('motion', 'channel', { target: 'human' }),
  SmartMotionVehicle: on('motion', 'channel', { target: 'vehicle' }),
  VideoMotionInfo: silent('VideoMotionInfo', 'ignored'),
  VideoLoss: on('video-loss'),
  VideoBlind: on('tamper'),
  VideoUnFocus: on('defocus'),
  VideoAbnormalDetection: on('video-fault'),
  SceneChange: on('scene-change'),
  AlarmLocal: on('digital-input', 'input'),
  AlarmIPC: on('digital-input', 'camera-input'),
  AlarmExtend: on('digital-input', 'box-input'),
  AlarmExtended: on('digital-input', 'box-input'),
  AlarmBox: on('digital-input', 'box-input'),
  AlarmBoxAlarm: on('digital-input', 'box-input'),
  AlarmNet: on('digital-input', 'network-input'),
  AlarmOutput: on('relay-state', 'output'),
  PIRAlarm: on('pir'),
  CrossLineDetection: rule('line-crossing'),
  CrossFenceDetection: rule('line-crossing'),
  CrossRegionDetection: rule('intrusion'),
  LeftDetection: rule('object-left'),
  TakenAwayDetection: rule('object-removed'),
  WanderDetection: rule('loitering'),
  RioterDetection: rule('group'),
  CrowdDetection: rule('group'),
  ParkingDetection: rule('parking'),
  MoveDetection: rule('fast-moving'),
  FaceDetection: on('face'),
  FaceRecognition: on('face'),
  NumberStat: rule('people-count'),
  ManNumDetection: rule('people-count'),
  QueueNumDetection: rule('people-count'),
  TrafficJunction: on('plate'),
  AudioMutation: on('audio'),
  AudioAnomaly: on('audio'),
  StorageNotExist: device('storage-missing'),
  StorageFailure: device('storage-fault'),
  StorageLowSpace: device('storage-full'),
  NetAbort: device('network-fault'),
  IPConflict: device('ip-conflict'),
  MACConflict: device('mac-conflict'),
  LoginFailure: device('login-failure'),
  SafetyAbnormal: device('device-fault'),
  RemoteIPModified: device('device-fault'),
  FanSpeed: device('fan-fault'),
  PowerFault: device('power-fault'),
  RecordLoss: on('record-fault'),
  HeatImagingTemper: rule('temperature-alarm'),
  HotSpotWarning: rule('temperature-alarm'),
  ColdSpotWarning: rule('temperature-alarm'),
  BetweenRuleTempDiff: rule('temperature-difference'),
  FireWarning: on('fire', 'channel', { family: 'FireWarning' }),
  FireWarningInfo: on('fire', 'channel', { family: 'FireWarning' }),
  FireDetection: rule('fire'),
  SmokeDetection: rule('smoke'),
  Reboot: silent('Reboot', 'notice'),
  ShutDown: silent('ShutDown', 'notice'),
  TimeChange: silent('TimeChange', 'clock'),
  NTPAdjustTime: silent('NTPAdjustTime', 'clock'),
  NewFile: silent('NewFile', 'ignored'),
  RtspSessionDisconnect: silent('RtspSessionDisconnect', 'ignored'),
};

const natures: ReadonlyMap<string, CodeNature> = new Map(
  Object.entries(table).map(([code, entry]) => [code.toLowerCase(), { ...entry, family: entry.family ?? code }]),
);

/** The code that a type usually comes by: the first in the table. */
const usual = new Map<EventType, string>();
for (const { type, life, family } of natures.values())
  if (life === 'lasting' && !usual.has(type)) usual.set(type, family);

/**
 * What tells a condition from the usual one of its type at the same place: plain motion goes on when that of a human
 * has ended, because each code has a Stop of its own (PROTOCOLS §0.5, §2.3). Inputs and outputs differ by their place.
 */
export function conditionOf(
  type: EventType,
  { family, place }: Pick<CodeNature, 'family' | 'place'>,
): string | undefined {
  if (place !== 'channel' && place !== 'device') return undefined;
  const other = usual.get(type);
  return other === undefined || other === family ? undefined : family;
}

/** The nature of a code in any spelling of its letters; an unknown one passes as `vendor:<code>` (T9). */
export function natureOf(code: string): CodeNature {
  const known = natures.get(code.toLowerCase());
  if (known) return known;
  if (/^AlarmExtend/i.test(code)) return { ...on('digital-input', 'box-input'), family: code };
  return {
    type: `vendor:${code}`,
    place: 'channel',
    life: 'lasting',
    quietMs: QUIET_MS,
    ruleKey: false,
    family: code,
  };
}

/** Codes of states that hold for long and matter: read after every (re)connection (PROTOCOLS §2.2). */
export const stateCodes: readonly string[] = [
  'VideoMotion',
  'VideoLoss',
  'VideoBlind',
  'HeatImagingTemper',
  'FireWarning',
  'StorageNotExist',
  'StorageFailure',
  'StorageLowSpace',
];

/** Event types that a code can become, for pick lists. */
export function typesOf(code: string): EventType[] {
  const nature = natureOf(code);
  if (nature.life !== 'lasting') return [];
  if (nature.family === 'CrossRegionDetection') return ['intrusion', 'region-enter', 'region-exit'];
  if (nature.family === 'AlarmLocal') return ['digital-input', 'pir'];
  if (nature.family === 'HeatImagingTemper') return ['temperature-alarm', 'temperature-difference'];
  return [nature.type];
}

/** All codes that have a type of their own. */
export const knownCodes: readonly string[] = Object.keys(table);
