/**
 * An alarm in the form in which cameras and recorders report to an HTTP listening host: EventNotificationAlert, bare or
 * with its pictures as a form (PROTOCOLS §1.3, §1.4). For receivers that take the alarms of such devices, and no others.
 */
import { isoTime } from '../../clock/clock';
import type { ActionRow } from '../../domain/actions';
import { eventTypeLabel } from '../../domain/event-words';
import type { EventTemperature, EventType, KnownEventType } from '../../domain/events';
import { momentOf } from '../alarm-values';
import type { AlarmPicture } from '../pictures';
import { oneLine } from '../template';
import { isActive } from './machine-values';
import { xmlText } from './xml-template';

/** Names of the events as the devices spell them; what they have no name for is told by the nearest one. */
const names: Readonly<Record<KnownEventType, string>> = {
  motion: 'VMD',
  'line-crossing': 'linedetection',
  intrusion: 'fielddetection',
  'region-enter': 'regionEntrance',
  'region-exit': 'regionExiting',
  loitering: 'loitering',
  group: 'group',
  'fast-moving': 'rapidMove',
  parking: 'parking',
  'object-left': 'unattendedBaggage',
  'object-removed': 'attendedBaggage',
  face: 'facedetection',
  'people-count': 'PeopleCounting',
  plate: 'ANPR',
  pir: 'PIR',
  'wireless-sensor': 'WLSensor',
  'digital-input': 'IO',
  'relay-state': 'softIO',
  'temperature-prealarm': 'TMPA',
  'temperature-alarm': 'TMA',
  'temperature-difference-prealarm': 'TDPA',
  'temperature-difference': 'TDA',
  'temperature-reading': 'TMA',
  fire: 'fireDetection',
  smoke: 'smokeDetection',
  'smoke-and-fire': 'smokeAndFireDetection',
  ship: 'shipsDetection',
  'video-loss': 'videoloss',
  tamper: 'shelteralarm',
  'scene-change': 'scenechangedetection',
  defocus: 'defocus',
  'video-fault': 'badvideo',
  audio: 'audioexception',
  'storage-missing': 'diskerror',
  'storage-fault': 'diskerror',
  'storage-full': 'diskfull',
  'raid-fault': 'raidException',
  'network-fault': 'nicbroken',
  'ip-conflict': 'ipconflict',
  'mac-conflict': 'macconflict',
  'login-failure': 'illAccess',
  'record-fault': 'recordException',
  'fan-fault': 'fanFailure',
  overheat: 'overheat',
  'power-fault': 'poePowerException',
  'device-fault': 'spareException',
  'source-online': 'spareException',
  'source-offline': 'spareException',
  'credentials-refused': 'spareException',
  'upload-queue-full': 'diskfull',
  'centre-unreachable': 'nicbroken',
  'output-left-on': 'spareException',
  message: 'softIO',
};

/** The devices' name of a type; a vendor's own passes where it is a plain word. */
export function isapiName(type: EventType | null): string {
  if (type === null) return names.message;
  if (Object.hasOwn(names, type)) return names[type as KnownEventType];
  const own = type.replace(/^vendor:/, '');
  return /^[A-Za-z][\w-]{0,63}$/.test(own) ? own : names['device-fault'];
}

/** Who the receiver takes us for. */
export interface IsapiSender {
  /** Many receivers know a device by its address. */
  ipAddress: string;
  /** `02:…`; others by this. */
  macAddress: string;
}

interface Element {
  [name: string]: string | number | Element | Element[] | undefined;
}

const LONGEST_TEXT = 500;

/** In UTC, with seconds and offset, as devices write it. */
const deviceTime = (at: number): string => isoTime(at).replace(/\.\d+Z$/, '+00:00');

const unitNames = { celsius: 'celsius', fahrenheit: 'fahrenheit', kelvin: 'kelvin' } as const;

function measured(temperature: EventTemperature): Element {
  return {
    thermometryUnit: unitNames[temperature.unit],
    ruleTemperature: temperature.threshold,
    currTemperature: temperature.value,
    ruleCalibType: temperature.calibration,
    ruleType: temperature.ruleType,
    presetNo: temperature.preset,
  };
}

const flames: ReadonlySet<string> = new Set(['fireDetection', 'smokeDetection', 'smokeAndFireDetection']);
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The element that carries what was measured is named after its event (PROTOCOLS §1.6). */
function measurement(eventType: string, temperature: EventTemperature): Element {
  if (/^T[MD]P?A$/.test(eventType)) return { [eventType]: measured(temperature) };
  if (!flames.has(eventType)) return {};
  const kind = eventType === 'smokeDetection' ? 'smokeMaxTemperature' : 'fireMaxTemperature';
  return { [capital(eventType)]: { temperatureUnit: unitNames[temperature.unit], [kind]: temperature.value } };
}

function regionOf(row: ActionRow, eventType: string): Element | undefined {
  const { alarm } = row;
  const event = alarm?.event;
  const temperature = event?.temperature ?? event?.regions?.find((region) => region.temperature)?.temperature;
  const rule = alarm?.rule;
  const region: Element = {
    regionID: rule,
    detectionTarget: alarm?.target === 'other' ? 'others' : alarm?.target,
    direction: event?.direction === undefined ? undefined : directions[event.direction],
    ...(temperature ? measurement(eventType, temperature) : {}),
  };
  const says = Object.values(region).some((value) => value !== undefined);
  return says ? { DetectionRegionEntry: { ...region, regionID: rule ?? 1 } } : undefined;
}

const directions = { 'a-to-b': 'left-right', 'b-to-a': 'right-left', both: 'any' } as const;

const write = (name: string, value: Element[string]): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((one) => write(name, one)).join('');
  const inner = typeof value === 'object' ? `\n${writeAll(value)}` : xmlText(String(value));
  return `<${name}>${inner}</${name}>\n`;
};
const writeAll = (element: Element): string =>
  Object.entries(element)
    .map(([name, value]) => write(name, value))
    .join('');

/**
 * One alert. A clear and an end of an alarm are `inactive`, all else is `active`.
 * @param pictures how many follow it
 */
export function isapiAlert(row: ActionRow, siteName: string, sender: IsapiSender, pictures: number): string {
  const { alarm } = row;
  const eventType = isapiName(alarm?.type ?? null);
  const about = alarm ? `${eventTypeLabel(alarm.type)} (${alarm.triggerName})` : `Message from ${row.nodeName}`;
  const said = alarm?.event?.description;
  const input = eventType === 'IO' || eventType === 'softIO' ? (/\d+/.exec(alarm?.input ?? '')?.[0] ?? '1') : undefined;
  const fields: Element = {
    ipAddress: sender.ipAddress,
    portNo: 80,
    protocol: 'HTTP',
    macAddress: sender.macAddress,
    channelID: alarm?.channel ?? (input === undefined ? 1 : 0),
    dateTime: deviceTime(momentOf(row)),
    activePostCount: Math.max(1, alarm?.count ?? 1),
    eventType,
    eventState: isActive(row) ? 'active' : 'inactive',
    eventDescription: oneLine(said ? `${about}: ${said}` : about).slice(0, LONGEST_TEXT),
    inputIOPortID: input,
    DetectionRegionList: regionOf(row, eventType),
    channelName: oneLine(
      [siteName, alarm?.deviceName ?? '', alarm?.event?.channelName ?? ''].filter(Boolean).join(' / '),
    ).slice(0, LONGEST_TEXT),
    detectionPictureTransType: pictures > 0 ? 'binary' : undefined,
    detectionPicturesNumber: pictures > 0 ? pictures : undefined,
  };
  return `<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">\n${writeAll(fields)}</EventNotificationAlert>\n`;
}

/** The sign of life that cameras send: `videoloss`, inactive, with a count of 0 (PROTOCOLS §1.5). */
export function isapiHeartbeat(at: number, sender: IsapiSender): string {
  const fields: Element = {
    ipAddress: sender.ipAddress,
    portNo: 80,
    protocol: 'HTTP',
    macAddress: sender.macAddress,
    channelID: 1,
    dateTime: deviceTime(at),
    activePostCount: 0,
    eventType: 'videoloss',
    eventState: 'inactive',
    eventDescription: 'videoloss alarm',
  };
  return `<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">\n${writeAll(fields)}</EventNotificationAlert>\n`;
}

/** The alert and its pictures as one form; `boundary` must not occur in them, which an identity of the row never does. */
export function isapiForm(
  eventType: string,
  alert: string,
  pictures: readonly AlarmPicture[],
  boundary: string,
): { contentType: string; bytes: Buffer } {
  const part = (name: string, filename: string, contentType: string, content: Buffer): Buffer[] => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${contentType}\r\nContent-Length: ${content.length}\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ];
  const bytes = Buffer.concat([
    ...part(eventType, `${eventType}.xml`, 'application/xml; charset="UTF-8"', Buffer.from(alert)),
    ...pictures.flatMap(({ filename, contentType, content }, at) =>
      part(`detectionImage${at + 1}`, filename, contentType, content),
    ),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes };
}
