import type { EventDraft, EventPhase, EventType, KnownEventType } from '../../domain/events';
import { canonicalType } from '../http-push';

/** What the name of a camera's event means. */
export interface EventNature {
  type: EventType;
  /** The name itself says where in its life the condition is (`virestore`). */
  phase?: EventPhase;
  level?: EventDraft['level'];
  input?: string;
}

/** Triggers of event_i* (PROTOCOLS §3.2) and the words of the web pages, without blanks and signs. */
const names: Readonly<Record<string, KnownEventType>> = {
  motion: 'motion',
  motiondetection: 'motion',
  motionalarm: 'motion',
  smartmotion: 'motion',
  md: 'motion',
  pir: 'pir',
  tampering: 'tamper',
  tamperingdetection: 'tamper',
  cameratampering: 'tamper',
  videotampering: 'tamper',
  volalarm: 'audio',
  audio: 'audio',
  audiodetection: 'audio',
  audioabnormal: 'audio',
  audioabnormaldetection: 'audio',
  soundalarm: 'audio',
  visignal: 'video-loss',
  virestore: 'video-loss',
  videoloss: 'video-loss',
  signalloss: 'video-loss',
  linecrossing: 'line-crossing',
  singlelinecrossing: 'line-crossing',
  doublelinecrossing: 'line-crossing',
  virtualfence: 'line-crossing',
  tripwire: 'line-crossing',
  intrusion: 'intrusion',
  intrusiondetection: 'intrusion',
  perimeterintrusion: 'intrusion',
  enterarea: 'region-enter',
  regionenter: 'region-enter',
  leavearea: 'region-exit',
  regionexit: 'region-exit',
  loitering: 'loitering',
  loiteringdetection: 'loitering',
  multiloitering: 'loitering',
  crowd: 'group',
  crowddetection: 'group',
  parking: 'parking',
  parkingviolation: 'parking',
  unattendedobject: 'object-left',
  unattendedobjectdetection: 'object-left',
  abandonedobject: 'object-left',
  missingobject: 'object-removed',
  missingobjectdetection: 'object-removed',
  facedetection: 'face',
  smokeflame: 'smoke-and-fire',
  smokeandflame: 'smoke-and-fire',
  smokeflamedetection: 'smoke-and-fire',
  smokeandflamedetection: 'smoke-and-fire',
  firespot: 'fire',
  firespotdetection: 'fire',
  firedetection: 'fire',
  smokedetection: 'smoke',
  temperature: 'temperature-alarm',
  temperaturealarm: 'temperature-alarm',
  thermal: 'temperature-alarm',
  thermalalarm: 'temperature-alarm',
  temperaturewarning: 'temperature-prealarm',
  temperatureprealarm: 'temperature-prealarm',
  temperaturedifference: 'temperature-difference',
  temperaturedifferencealarm: 'temperature-difference',
  temperaturedifferencewarning: 'temperature-difference-prealarm',
  temperaturedifferenceprealarm: 'temperature-difference-prealarm',
  diskfull: 'storage-full',
  sdfull: 'storage-full',
  diskerror: 'storage-fault',
  sdfail: 'storage-fault',
  nodisk: 'storage-missing',
  networkalarm: 'network-fault',
  networkfail: 'network-fault',
  ipconflict: 'ip-conflict',
};

const WARNINGS: ReadonlySet<string> = new Set(['temperature-prealarm', 'temperature-difference-prealarm']);
const ALARMS: ReadonlySet<string> = new Set(['temperature-alarm', 'temperature-difference']);

/** The nature of an event name in any spelling; an unknown one passes as `vendor:<name>`. */
export function natureOf(name: string): EventNature {
  const key = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const input = /^(di|vi|digitalinput|virtualinput|alarmin|alarminput|io|input)(\d{0,3})$/.exec(key);
  if (input) {
    const number = input[2] ?? '';
    const virtual = input[1] === 'vi' || input[1] === 'virtualinput';
    return { type: 'digital-input', ...(number === '' ? {} : { input: virtual ? `vi${number}` : number }) };
  }
  // An own-property check: names such as "constructor" come from outside.
  const known = Object.hasOwn(names, key) ? names[key] : undefined;
  const type = known ?? canonicalType(name.trim()) ?? (`vendor:${name.trim().slice(0, 100)}` as const);
  const nature: EventNature = { type };
  if (key === 'virestore') nature.phase = 'stop';
  if (WARNINGS.has(type)) nature.level = 'pre-alarm';
  if (ALARMS.has(type)) nature.level = 'alarm';
  return nature;
}

/** What a camera of this line can tell. */
export const eventTypes: readonly EventType[] = [
  ...new Set([...Object.values(names), 'digital-input' as const, 'relay-state' as const]),
];
