import type { EventDraft, EventRegion, EventTarget } from '../../domain/events';
import { parseDeviceTime } from '../device-time';
import { type ChannelMap, channelFrom } from './channel-map';
import { childOf, childrenOf, type DocumentNode, numberOf, textOf } from './document';
import { type EventNature, natureOf } from './names';
import {
  boxOf,
  dropAbsent,
  fireBox,
  pointsOf,
  type Reading,
  readingsOf,
  temperatureOf,
  thermalElement,
} from './thermal';
import { wirelessSensorIn } from './wireless-sensor';

/** What is known of the device that an alert is read for. */
export interface AlertSetting {
  /** Zone of the device's clock, for times without an offset; null: that of this machine. */
  timeZone: string | null;
  /** Channels that the device really has, or null while unknown. */
  channels: ChannelMap | null;
  /** `camera` when the device is known to be none that numbers its IP channels from 33. */
  family: 'camera' | 'recorder' | null;
  /** The device's present time in milliseconds, as far as known; decides in the hour a clock shows twice. */
  near: number | null;
}

/** An alert as understood, before its place in the life of a condition is known. */
export interface Alert {
  nature: EventNature;
  state: 'active' | 'inactive' | null;
  /** The continuing notice of an event that was reported before (eventType `duration`). */
  continuing: boolean;
  draft: Omit<EventDraft, 'phase'>;
}

/** What a document turned out to be. */
export type DocumentMeaning =
  | { kind: 'alerts'; alerts: Alert[] }
  | { kind: 'notice'; text: string }
  | { kind: 'unknown'; reason: string };

/** Events keep at most this much of what was sent. */
const RAW_LIMIT = 64 * 1024;
/** Longer texts are no names; devices are not trusted to keep them short. */
const TEXT_LIMIT = 512;

/** What a document of the alert stream or a push means (PROTOCOLS §1.4, §1.6). */
export function understand(root: DocumentNode, source: string, setting: AlertSetting): DocumentMeaning {
  const name = root.name.toLowerCase();
  if (name === 'subscribeeventresponse')
    return { kind: 'notice', text: `subscription ${textOf(root, 'id') ?? ''} accepted`.replace('  ', ' ') };
  if (
    name === 'responsestatus' ||
    (name === '' && textOf(root, 'statusCode', 'errorCode') && !textOf(root, 'eventType'))
  )
    return { kind: 'notice', text: describeStatus(root) };
  const raw = redact(source);
  const alert = textOf(root, 'eventType') === undefined ? findAlert(root) : root;
  if (alert) return { kind: 'alerts', alerts: alertsOf(alert, raw, setting) };
  if (name === 'thermometryuploadlist' || childOf(root, 'ThermometryUploadList'))
    return { kind: 'alerts', alerts: readingsOf(root).map((r) => readingAlert(r, 'ThermometryUpload', raw, setting)) };
  return { kind: 'unknown', reason: `the document "${clip(root.name || 'JSON object', 60)}" holds no eventType` };
}

/** The alert inside a wrapper. */
const findAlert = (root: DocumentNode): DocumentNode | undefined =>
  root.children.find((c) => textOf(c, 'eventType') !== undefined);

function describeStatus(root: DocumentNode): string {
  const parts = ['statusCode', 'statusString', 'subStatusCode', 'errorMsg'].map((n) => textOf(root, n));
  return `ResponseStatus ${parts.filter((p) => p !== undefined).join(' ')}`.slice(0, TEXT_LIMIT);
}

function alertsOf(node: DocumentNode, raw: string, setting: AlertSetting): Alert[] {
  const vendorType = clip(textOf(node, 'eventType') ?? '', 128);
  const state = stateOf(node);
  if (vendorType.toLowerCase() !== 'duration') {
    const nature = natureOf(vendorType);
    if (nature.type !== 'temperature-reading') return [alertOf(node, vendorType, nature, state, false, raw, setting)];
    const common = alertOf(node, vendorType, nature, state, false, raw, setting);
    const readings = readingsOf(node);
    if (readings.length === 0) return [common];
    return readings.map((r) => {
      const reading = readingAlert(r, vendorType, raw, setting);
      return {
        ...common,
        draft: {
          ...common.draft,
          ...dropAbsent({ ...reading.draft, deviceTime: undefined }),
          ...timesOf(common, reading),
        },
      };
    });
  }
  const related = childrenOf(childOf(node, 'DurationList'), 'Duration')
    .concat(childrenOf(node, 'Duration'))
    .map((d) => textOf(d, 'relationEvent'))
    .filter((name) => name !== undefined);
  const names = [...new Set(related)].slice(0, 16);
  if (names.length === 0) return [alertOf(node, vendorType, natureOf(vendorType), state, true, raw, setting)];
  return names.map((name) => alertOf(node, vendorType, natureOf(clip(name, 128)), state, true, raw, setting));
}

/** The reading's own time where it has one that can be read, else that of the report. */
function timesOf(common: Alert, reading: Alert): Pick<EventDraft, 'deviceTime' | 'deviceAt'> {
  const own = reading.draft.deviceAt !== null ? reading.draft : common.draft;
  return { deviceTime: own.deviceTime, deviceAt: own.deviceAt };
}

function stateOf(node: DocumentNode): Alert['state'] {
  const text = textOf(node, 'eventState')?.toLowerCase();
  if (text === 'active' || text === 'true' || text === 'start') return 'active';
  if (text === 'inactive' || text === 'false' || text === 'stop') return 'inactive';
  return null;
}

function alertOf(
  node: DocumentNode,
  vendorType: string,
  nature: EventNature,
  state: Alert['state'],
  continuing: boolean,
  raw: string,
  setting: AlertSetting,
): Alert {
  const sensor = nature.type === 'wireless-sensor' ? wirelessSensorIn(node) : undefined;
  const input = nature.type === 'digital-input' ? textOf(node, 'inputIOPortID', 'dynInputIOPortID') : sensor?.input;
  const regions = regionsOf(node, nature);
  const main = mainRegion(regions);
  const deviceTime = textOf(node, 'dateTime') ?? null;
  const temperature = main?.region.temperature ?? sensor?.temperature;
  const channel = nature.type === 'digital-input' ? undefined : channelOf(node, setting);
  const channelName =
    textOf(node, 'channelName') ?? (channel === undefined ? undefined : setting.channels?.names.get(channel));
  const draft: Alert['draft'] = {
    type: (main && refineType(nature, main.element)) ?? nature.type,
    vendorType,
    level: nature.level,
    channel,
    input: input === undefined ? undefined : clip(input, 64),
    rule: main?.region.id,
    objectId: clipped(main && textOf(main.entry, 'targetID', 'objectID')),
    target: main?.region.target ?? targetOf(node),
    direction: directionOf(main?.entry) ?? directionOf(node),
    temperature,
    regions: regions.length > 0 ? regions.map((r) => r.region) : undefined,
    channelName: clipped(channelName),
    description: clipped(sensor?.name ?? textOf(node, 'eventDescription')),
    deviceTime: deviceTime === null ? null : clip(deviceTime, 64),
    deviceAt: deviceTime === null ? null : parseDeviceTime(deviceTime, setting.timeZone, setting.near),
    repeat: numberOf(node, 'activePostCount'),
    retransmitted: textOf(node, 'isDataRetransmission')?.toLowerCase() === 'true' ? true : undefined,
    quietMs: nature.quietMs,
    picturesAnnounced: numberOf(node, 'detectionPicturesNumber'),
    raw,
  };
  if (draft.type !== nature.type) draft.level = draft.type.endsWith('prealarm') ? 'pre-alarm' : 'alarm';
  return { nature, state, continuing, draft: dropAbsent(draft) };
}

function readingAlert(reading: Reading, vendorType: string, raw: string, setting: AlertSetting): Alert {
  const nature = natureOf('temperatureIntervalMeasurement');
  const deviceTime = reading.time ?? null;
  return {
    nature,
    state: 'active',
    continuing: false,
    draft: dropAbsent({
      type: nature.type,
      vendorType,
      rule: clipped(reading.rule),
      temperature: reading.temperature,
      description: clipped(reading.name),
      deviceTime: deviceTime === null ? null : clip(deviceTime, 64),
      deviceAt: deviceTime === null ? null : parseDeviceTime(deviceTime, setting.timeZone, setting.near),
      raw,
    }),
  };
}

interface Region {
  region: EventRegion;
  entry: DocumentNode;
  /** TMA, FireDetection …; absent in regions that measure nothing. */
  element: DocumentNode | undefined;
}

const MAX_REGIONS = 64;

function regionsOf(node: DocumentNode, nature: EventNature): Region[] {
  const entries = childrenOf(childOf(node, 'DetectionRegionList'), 'DetectionRegionEntry').slice(0, MAX_REGIONS);
  // JSON puts one property named after the event beside the other fields instead of a region list.
  const own = thermalElement(node);
  if (entries.length === 0 && own && nature.type !== 'temperature-reading') entries.push(node);
  return entries.map((entry) => {
    const element = thermalElement(entry);
    const box = childOf(entry, 'TargetRect');
    const id = textOf(entry, 'regionID') ?? textOf(element, 'ruleID', 'regionID');
    return {
      entry,
      element,
      region: dropAbsent({
        id: clipped(id),
        points: pointsOf(childOf(entry, 'RegionCoordinatesList')),
        box: (box && boxOf(box)) ?? (element && fireBox(element)),
        target: targetOf(entry),
        temperature: element && temperatureOf(element),
      }),
    };
  });
}

/** The hottest region, else the first that has a number: the hottest is not necessarily first (PROTOCOLS §1.6). */
function mainRegion(regions: Region[]): Region | undefined {
  let hottest: Region | undefined;
  for (const r of regions) {
    const value = r.region.temperature?.value;
    if (value !== undefined && value > (hottest?.region.temperature?.value ?? Number.NEGATIVE_INFINITY)) hottest = r;
  }
  return hottest ?? regions.find((r) => r.region.id !== undefined) ?? regions[0];
}

/** `thermometry` says only in its element, or in its alarm level, whether it is the pre-alarm. */
function refineType(nature: EventNature, element: DocumentNode | undefined): EventNature['type'] | undefined {
  if (nature.type !== 'temperature-alarm' || !element) return undefined;
  if (textOf(element, 'alarmLevel') === '0') return 'temperature-prealarm';
  const named = natureOf(element.name).type;
  return named.startsWith('temperature-') && named !== 'temperature-reading' ? named : undefined;
}

/** The video channel from 1; absent for the device itself. */
const channelOf = (node: DocumentNode, setting: AlertSetting): number | undefined =>
  channelFrom([numberOf(node, 'channelID'), numberOf(node, 'dynChannelID')], setting.channels, setting.family);

function targetOf(entry: DocumentNode | undefined): EventTarget | undefined {
  const text = textOf(entry, 'detectionTarget', 'targetType')?.toLowerCase();
  if (text === undefined) return undefined;
  if (text === 'human' || text === 'person' || text === 'people') return 'human';
  if (['vehicle', 'car', 'truck', 'bus', 'nonmotor', 'non-motor', 'motorvehicle'].includes(text)) return 'vehicle';
  return 'other';
}

function directionOf(entry: DocumentNode | undefined): EventDraft['direction'] {
  const text = textOf(entry, 'crossDirection', 'direction', 'directionSensitivity')?.toLowerCase();
  if (text === undefined) return undefined;
  if (/^(left-?right|left-?to-?right|a-?(to|>)?-?b|forward|enter)$/.test(text)) return 'a-to-b';
  if (/^(right-?left|right-?to-?left|b-?(to|>)?-?a|backward|reverse|leave)$/.test(text)) return 'b-to-a';
  return /^(any|both|bothway|double|all)$/.test(text) ? 'both' : undefined;
}

const clip = (text: string, limit: number): string => (text.length > limit ? text.slice(0, limit) : text);
const clipped = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : clip(text, TEXT_LIMIT);

const secretElement =
  /(<(?:[\w-]{1,40}:)?(?:password|passwd|pwd|secret|token|loginPassword|adminPassword)(?:\s[^<>]{0,200})?>)[^<]{0,1000}/gi;
const secretProperty =
  /("(?:password|passwd|pwd|secret|token|loginPassword|adminPassword)"\s{0,8}:\s{0,8})"[^"]{0,1000}"/gi;

/** What was sent, without secrets, at most 64 KiB. */
export function redact(source: string): string {
  return clip(source, RAW_LIMIT).replace(secretElement, '$1***').replace(secretProperty, '$1"***"');
}
