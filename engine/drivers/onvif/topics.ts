import type { EventTarget, EventType, KnownEventType } from '../../domain/events';

/** Where the source of a topic belongs. */
export type TopicPlace = 'channel' | 'input' | 'output' | 'device';

/** What is known of one topic. */
export interface TopicNature {
  type: EventType;
  /**
   * `state`: raised and cleared by a boolean item, no event without one; `pulse`: no end unless a boolean item tells
   * one; `reading`: a measurement; `info`: told only where asked for; `open`: unknown, judged by what it carries.
   */
  life: 'state' | 'pulse' | 'reading' | 'info' | 'open';
  place: TopicPlace;
  target?: EventTarget;
  /** Only this text of the state item is the condition (a recording job's `Error`). */
  activeText?: string;
  /** Doubles others of its type: left out once one of those was seen on its channel. */
  secondary?: true;
  /** Milliseconds, for sources that may never send an end. */
  quietMs?: number;
}

const QUIET_MS = 10_000;

const state = (type: KnownEventType, place: TopicPlace = 'channel', more: Partial<TopicNature> = {}): TopicNature => ({
  type,
  life: 'state',
  place,
  ...more,
});
const pulse = (type: KnownEventType, place: TopicPlace = 'channel', more: Partial<TopicNature> = {}): TopicNature => ({
  type,
  life: 'pulse',
  place,
  ...more,
});
const person = { target: 'human' } as const;
const car = { target: 'vehicle' } as const;
const other = { target: 'other' } as const;

/** Topic paths without prefixes, lower case (PROTOCOLS §4.4, §10). */
const topics: Readonly<Record<string, TopicNature>> = {
  'ruleengine/cellmotiondetector/motion': state('motion'),
  'ruleengine/motionregiondetector/motion': state('motion'),
  'videosource/motionalarm': state('motion', 'channel', { secondary: true }),
  'videoanalytics/motionalarm': state('motion', 'channel', { secondary: true }),
  'videoanalytics/motiondetection': state('motion'),
  'ruleengine/cellmotiondetector/linecross': state('line-crossing'),
  'ruleengine/cellmotiondetector/people': state('motion', 'channel', person),
  'ruleengine/cellmotiondetector/vehicle': state('motion', 'channel', car),
  'ruleengine/cellmotiondetector/pet': state('motion', 'channel', other),
  'ruleengine/cellmotiondetector/intrusion': state('intrusion'),
  'ruleengine/cellmotiondetector/tpsmartevent': state('motion'),
  'ruleengine/tpsmarteventdetector/tpsmartevent': state('motion'),
  'ruleengine/peopledetector/people': state('motion', 'channel', person),
  'ruleengine/vehicledetector/vehicle': state('motion', 'channel', car),
  'ruleengine/linedetector/crossed': pulse('line-crossing'),
  'ruleengine/fielddetector/objectsinside': state('intrusion'),
  'ruleengine/loiteringdetector/objectisloitering': state('loitering'),
  'ruleengine/countaggregation/counter': pulse('people-count'),
  'ruleengine/tamperdetector/tamper': state('tamper'),
  'ruleengine/objectdetection/object': { type: 'motion', life: 'pulse', place: 'channel', quietMs: QUIET_MS },
  'ruleengine/myruledetector/peopledetect': state('motion', 'channel', person),
  'ruleengine/myruledetector/vehicledetect': state('motion', 'channel', car),
  'ruleengine/myruledetector/dogcatdetect': state('motion', 'channel', other),
  'ruleengine/myruledetector/facedetect': state('face'),
  'ruleengine/myruledetector/package': state('object-left'),
  'videosource/globalscenechange/analyticsservice': state('scene-change'),
  'videosource/globalscenechange/imagingservice': state('scene-change'),
  'videosource/globalscenechange/recordingservice': state('scene-change'),
  'videosource/imagetoodark/analyticsservice': state('video-fault'),
  'videosource/imagetoobright/analyticsservice': state('video-fault'),
  'videosource/imagetooblurry/analyticsservice': state('defocus'),
  'videosource/signalloss': state('video-loss'),
  'videosource/connectionfailed': state('video-loss'),
  'videosource/impairedvisibility': state('tamper'),
  'videosource/tampering': state('tamper'),
  'videosource/radiometryalarm': state('temperature-alarm'),
  'device/trigger/digitalinput': state('digital-input', 'input'),
  'device/trigger/alarmin': state('digital-input', 'input'),
  'device/io/port': state('digital-input', 'input'),
  'device/io/virtualport': state('digital-input', 'input'),
  'device/io/virtualinput': state('digital-input', 'input'),
  'device/trigger/relay': state('relay-state', 'output'),
  'device/sensor/pir': state('pir', 'device'),
  'device/hardwarefailure/storagefailure': state('storage-fault', 'device'),
  'device/hardwarefailure/fanfailure': state('fan-fault', 'device'),
  'device/hardwarefailure/powersupplyfailure': state('power-fault', 'device'),
  'device/hardwarefailure/temperaturecritical': state('overheat', 'device'),
  'device/hardwarefailure/temperatureabove': state('overheat', 'device'),
  'device/securitypolicy/authfailed': pulse('login-failure', 'device'),
  'recordingconfig/jobstate': state('record-fault', 'device', { activeText: 'error' }),
  'ruleengine/radiometry/temperaturealarm': state('temperature-alarm'),
  'audioanalytics/audio/detectedsound': pulse('audio', 'channel', { quietMs: QUIET_MS }),
  'audiosource/triggerlevel': state('audio'),
  'useralarm/iva/humanshapedetect': state('motion', 'channel', person),
  'useralarm/videocover': state('tamper'),
};

/** Families, tried in order where the table has no exact entry. */
const families: readonly [RegExp, TopicNature][] = [
  [/^ruleengine\/.{1,80}\/(?:body)?temperature(?:measurement)?alarm$/, state('temperature-alarm')],
  [
    /^videoanalytics\/radiometry\/(?:spot|box|polygon|line)?temperaturereading$/,
    { type: 'temperature-reading', life: 'reading', place: 'channel' },
  ],
  [/^videosource\/globalscenechange(?:\/|$)/, state('scene-change')],
  [/^videosource\/imagetoo(?:dark|bright)(?:\/|$)/, state('video-fault')],
  [/^videosource\/imagetooblurry(?:\/|$)/, state('defocus')],
  [/^ruleengine\/vmd\d?\/|^cameraapplicationplatform\/(?:vmd|motionguard|objectanalytics)\//, state('motion')],
  [/^cameraapplicationplatform\/fenceguard\//, state('intrusion')],
  [/^cameraapplicationplatform\/loiteringguard\//, state('loitering')],
  [
    /^(?:monitoring|recordingconfig|recordinghistory|ptzcontroller|media|configuration|advancedsecurity|replaycontrol)(?:\/|$)/,
    { type: 'vendor:information', life: 'info', place: 'device' },
  ],
  [
    /^device\/(?:securitypolicy|operationmode|hardwarestatus|status|network|clock)(?:\/|$)|^videosource\/(?:daynightvision|ptzstatus)/,
    { type: 'vendor:information', life: 'info', place: 'device' },
  ],
];

/** Names that makers use as the last step of topics of their own, without separators. */
const words: readonly [RegExp, TopicNature][] = [
  [/^(?:is)?(?:crosslinedetection|linecross(?:ing)?(?:detection)?|tripwire|crossline)$/, pulse('line-crossing')],
  [
    /^(?:crossregiondetection|intrusion(?:detection)?|fielddetection|regionintrusion|objectsinside)$/,
    state('intrusion'),
  ],
  [/^(?:regionentrance|enterregion|entrance)$/, state('region-enter')],
  [/^(?:regionexit(?:ing)?|leaveregion|exiting)$/, state('region-exit')],
  [/^(?:loitering(?:detection)?|wanderdetection)$/, state('loitering')],
  [/^(?:leftdetection|unattendedobject|abandonedobject|objectleft|unattendedbaggage)$/, state('object-left')],
  [/^(?:takenawaydetection|missingobject|objectremoved|attendedbaggage)$/, state('object-removed')],
  [/^(?:facedetect(?:ion)?|facesdetected)$/, state('face')],
  [/^(?:videomotion|motiondetection|motionalarm|motion|smartmotion)$/, state('motion')],
  [
    /^(?:smartmotionhuman|human(?:shape)?detect(?:ion)?|peopledetect(?:ion)?|persondetect(?:ion)?)$/,
    state('motion', 'channel', person),
  ],
  [/^(?:smartmotionvehicle|vehicledetect(?:ion)?)$/, state('motion', 'channel', car)],
  [/^(?:videoblind|videocover|tamper(?:ing)?(?:detection)?|shelteralarm|videotamper)$/, state('tamper')],
  [/^(?:videoloss|signalloss)$/, state('video-loss')],
  [/^(?:scenechange|scenechangedetection)$/, state('scene-change')],
  [/^(?:defocus(?:detection)?|videounfocus)$/, state('defocus')],
  [/^(?:audiodetection|audioanomaly|audiomutation|audioexception|detectedsound|soundalarm)$/, state('audio')],
  [/^(?:pir|pirsensor|piralarm)$/, state('pir')],
  [/^(?:firedetection|firewarning|firealarm)$/, state('fire')],
  [/^(?:smokedetection|smokealarm)$/, state('smoke')],
  [/^(?:temperaturealarm|thermalalarm|radiometryalarm)$/, state('temperature-alarm')],
  [/^(?:alarmin|digitalinput|alarminput|alarmlocal)$/, state('digital-input', 'input')],
  [/^(?:storagefailure|diskerror|storagedisruption)$/, state('storage-fault', 'device')],
  [/^(?:storagenotexist|nodisk)$/, state('storage-missing', 'device')],
  [/^(?:storagelowspace|diskfull|storagefull)$/, state('storage-full', 'device')],
  [/^ipconflict$/, state('ip-conflict', 'device')],
  [/^macconflict$/, state('mac-conflict', 'device')],
  [/^(?:netabort|networklost|nicbroken)$/, state('network-fault', 'device')],
  [/^(?:loginfailure|illaccess|illegallogin)$/, pulse('login-failure', 'device')],
];

const roots = new Set([
  'device',
  'videosource',
  'ruleengine',
  'videoanalytics',
  'audioanalytics',
  'audiosource',
  'recordingconfig',
  'recordinghistory',
  'ptzcontroller',
  'monitoring',
  'useralarm',
  'media',
  'configuration',
]);

const MAX_TOPIC = 512;

/** A topic as the device wrote it, and its path without prefixes. */
export interface Topic {
  /** Without blanks and line breaks, prefixes kept. */
  written: string;
  /** `RuleEngine/CellMotionDetector/Motion` */
  path: string;
}

/**
 * Reads a topic. Prefixes are not compared, blanks and line breaks inside are dropped; a path that two topics were
 * joined into is its last one (`tns1:VideoSource/tns1:Device/Trigger/DigitalInput`). Null when nothing is there.
 */
export function readTopic(text: string): Topic | null {
  const written = text
    .replace(/\s+/g, '')
    .slice(0, MAX_TOPIC)
    .replace(/^\/+|\/+$/g, '');
  const steps = written
    .split('/')
    .map((step) => ({ prefixed: step.includes(':'), name: step.slice(step.lastIndexOf(':') + 1) }));
  const named = steps.filter((step) => step.name !== '');
  if (named.length === 0) return null;
  let from = 0;
  named.forEach((step, i) => {
    if (i > 0 && step.prefixed && roots.has(step.name.toLowerCase())) from = i;
  });
  return {
    written,
    path: named
      .slice(from)
      .map((step) => step.name)
      .join('/'),
  };
}

/** What is known of a topic path; an unknown one passes as `vendor:<path>`. */
export function natureOfTopic(path: string): TopicNature {
  const key = path.toLowerCase();
  // An own-property check: names such as "constructor" come from outside.
  const exact = Object.hasOwn(topics, key) ? topics[key] : undefined;
  if (exact) return exact;
  const family = families.find(([pattern]) => pattern.test(key))?.[1];
  if (family) return family.life === 'info' ? { ...family, type: `vendor:${path}` } : family;
  const last = key.slice(key.lastIndexOf('/') + 1).replace(/[^a-z0-9]/g, '');
  const word = words.find(([pattern]) => pattern.test(last))?.[1];
  // A guess by the last word: without an end of the device's own it must not last for ever.
  if (word) return { quietMs: QUIET_MS, ...word };
  return { type: `vendor:${path}`, life: 'open', place: 'channel', quietMs: QUIET_MS };
}

/** What a rule of the device's analysis reports: by its topics where the device tells them, else by its kind. */
export function typeOfRule(kind: string, written: readonly string[]): EventType {
  for (const text of written) {
    const topic = readTopic(text);
    if (topic) return natureOfTopic(topic.path).type;
  }
  const prefix = `ruleengine/${kind.toLowerCase()}/`;
  const known = Object.keys(topics).find((path) => path.startsWith(prefix));
  return known ? natureOfTopic(known).type : natureOfTopic(`RuleEngine/${kind}`).type;
}
