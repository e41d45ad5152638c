/** What the simulated device can be made to report. */
export interface SceneRequest {
  scene: string;
  /** Default active. */
  state?: 'active' | 'inactive';
  channel?: number;
  /** Alarm input, for `alarm-input`. */
  input?: number;
  /** Region or rule number. */
  rule?: number;
  /** Measured temperature. */
  temperature?: number;
  /** Limit of the rule. */
  threshold?: number;
  target?: 'human' | 'vehicle' | 'others';
  direction?: 'left-right' | 'right-left';
  /** Pictures that follow, 0–4. */
  pictures?: number;
  /** How often the device has reported this condition; default counts by itself. */
  repeat?: number;
  /** Repeats `active` every second for so many milliseconds and then sends `inactive`. */
  lastMs?: number;
  /** Wall milliseconds of the event instead of now: a stored one. */
  at?: number;
  retransmission?: boolean;
  description?: string;
}

interface Scene {
  eventType: string;
  title: string;
  description: string;
  body: 'plain' | 'input' | 'region' | 'line' | 'thermal' | 'difference' | 'fire' | 'reading' | 'duration' | 'psia';
  /** `thermal`: channel 2 of a bi-spectrum camera; `device`: no channel. */
  place?: 'thermal' | 'device';
}

const scene = (
  eventType: string,
  title: string,
  description: string,
  body: Scene['body'] = 'plain',
  place?: Scene['place'],
): Scene => ({ eventType, title, description, body, place });

const table = {
  'thermal-alarm': scene('TMA', 'Temperature alarm', 'Temperature Measurement Alarm', 'thermal', 'thermal'),
  'thermal-prealarm': scene(
    'TMPA',
    'Temperature pre-alarm',
    'Temperature Measurement Precautionary Alarm',
    'thermal',
    'thermal',
  ),
  'temperature-difference': scene(
    'TDA',
    'Temperature difference',
    'Temperature Difference Alarm',
    'difference',
    'thermal',
  ),
  'temperature-difference-prealarm': scene(
    'TDPA',
    'Temperature difference pre-alarm',
    'Temperature Difference Precautionary Alarm',
    'difference',
    'thermal',
  ),
  fire: scene('fireDetection', 'Fire', 'fireDetection alarm', 'fire', 'thermal'),
  smoke: scene('smokeDetection', 'Smoke', 'smokeDetection alarm', 'plain', 'thermal'),
  'temperature-reading': scene(
    'temperatureIntervalMeasurement',
    'Temperature reading',
    'temperature interval measurement',
    'reading',
    'thermal',
  ),
  'line-crossing': scene('linedetection', 'Line crossing', 'linedetection alarm', 'line'),
  intrusion: scene('fielddetection', 'Intrusion', 'fielddetection alarm', 'region'),
  'intrusion-duration': scene('duration', 'Intrusion goes on', 'duration alarm', 'duration'),
  'intrusion-psia': scene('fielddetection', 'Intrusion, old recorder form', 'fielddetection alarm', 'psia'),
  'region-enter': scene('regionEntrance', 'Region entrance', 'regionEntrance alarm', 'region'),
  'region-exit': scene('regionExiting', 'Region exiting', 'regionExiting alarm', 'region'),
  loitering: scene('loitering', 'Loitering', 'loitering alarm', 'region'),
  'object-left': scene('unattendedBaggage', 'Object left', 'unattendedBaggage alarm', 'region'),
  'object-removed': scene('attendedBaggage', 'Object removed', 'attendedBaggage alarm', 'region'),
  motion: scene('VMD', 'Motion', 'Motion alarm'),
  'alarm-input': scene('IO', 'Alarm input', 'IO alarm', 'input'),
  pir: scene('PIR', 'PIR', 'PIR alarm'),
  'video-loss': scene('videoloss', 'Video loss', 'videoloss alarm'),
  tamper: scene('shelteralarm', 'Video tampering', 'shelteralarm alarm'),
  'scene-change': scene('scenechangedetection', 'Scene change', 'scenechangedetection alarm'),
  defocus: scene('defocus', 'Defocus', 'defocus alarm'),
  audio: scene('audioexception', 'Audio exception', 'audioexception alarm'),
  'disk-error': scene('diskerror', 'Disk error', 'disk error', 'plain', 'device'),
  'disk-full': scene('diskfull', 'Disk full', 'disk full', 'plain', 'device'),
  'network-broken': scene('nicbroken', 'Network disconnected', 'nicbroken alarm', 'plain', 'device'),
  'ip-conflict': scene('ipconflict', 'IP address conflict', 'ipconflict alarm', 'plain', 'device'),
  'illegal-login': scene('illAccess', 'Illegal login', 'illAccess alarm', 'plain', 'device'),
  'recording-failure': scene('recordingfailure', 'Recording failure', 'recordingfailure alarm', 'plain', 'device'),
  overheat: scene('overheat', 'Overheat', 'overheat alarm', 'plain', 'device'),
  unknown: scene('sparkDetection', 'An event nobody knows', 'sparkDetection alarm'),
} as const satisfies Record<string, Scene>;

export type SceneName = keyof typeof table;
export const sceneNames = Object.keys(table) as SceneName[];

/** Names, titles and what they are on the wire, for pages and listings. */
export const sceneTitles: { name: SceneName; title: string; eventType: string }[] = sceneNames.map((name) => ({
  name,
  title: table[name].title,
  eventType: table[name].eventType,
}));

/** The scene of that name, or undefined. */
export const sceneOf = (name: string): Scene | undefined =>
  Object.hasOwn(table, name) ? table[name as SceneName] : undefined;

export type { Scene };
