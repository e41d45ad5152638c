import type { Scene, SceneRequest } from './scenes';

/** A document to be, as XML or JSON; a list repeats its name. */
export interface Draft {
  [name: string]: string | number | boolean | Draft | (string | number | Draft)[] | undefined;
}

/** Who reports. */
export interface Reporter {
  ipAddress: string;
  port: number;
  macAddress: string;
  serialNumber: string;
  channelName(channel: number): string;
  thermalChannel: number;
  /** How this device writes a channel in its alerts; absent: as channelID. */
  channelNumbers?(channel: number): { channelID?: number | string; dynChannelID?: number };
  /** Number from which on inputs belong to the cameras behind it; absent: it has none. */
  cameraInputsFrom?: number;
}

export interface AlertValues {
  scene: Scene;
  request: SceneRequest;
  state: 'active' | 'inactive';
  count: number;
  dateTime: string;
  pictures: number;
  retransmitted: boolean;
}

/** The fields of one alert in the order in which devices send them (PROTOCOLS §1.4). */
export function alertDraft(values: AlertValues, reporter: Reporter): Draft {
  const { scene, request, state } = values;
  const channel = request.channel ?? (scene.place === 'thermal' ? reporter.thermalChannel : 1);
  if (scene.body === 'psia')
    return {
      channelID: channel + 32,
      dateTime: values.dateTime,
      activePostCount: values.count,
      eventType: scene.eventType,
      eventState: state,
      Extensions: {
        serialNumber: `${reporter.serialNumber}\n`,
        eventPush: `${scene.eventType}&&${reporter.serialNumber}`,
      },
    };
  return {
    ipAddress: reporter.ipAddress,
    portNo: reporter.port,
    protocol: 'HTTP',
    macAddress: reporter.macAddress,
    ...(scene.place === 'device'
      ? { channelID: 0 }
      : (reporter.channelNumbers?.(channel) ?? {
          dynChannelID: scene.place === 'thermal' ? channel : undefined,
          channelID: channel,
        })),
    dateTime: values.dateTime,
    activePostCount: values.count,
    eventType: scene.eventType,
    eventState: state,
    eventDescription: request.description ?? scene.description,
    ...bodyOf(values, reporter),
    channelName: scene.place === 'device' ? '' : reporter.channelName(channel),
    detectionPictureTransType: values.pictures > 0 ? 'binary' : undefined,
    detectionPicturesNumber: values.pictures > 0 ? values.pictures : undefined,
    isDataRetransmission: values.retransmitted ? true : undefined,
  };
}

/** The sign of life of old and new cameras: videoloss, inactive (PROTOCOLS §1.5). */
export function heartbeatDraft(dateTime: string, reporter: Reporter): Draft {
  return {
    ipAddress: reporter.ipAddress,
    portNo: reporter.port,
    protocol: 'HTTP',
    macAddress: reporter.macAddress,
    channelID: 1,
    dateTime,
    activePostCount: 0,
    eventType: 'videoloss',
    eventState: 'inactive',
    eventDescription: 'videoloss alarm',
    channelName: '',
  };
}

const square = (x: number, y: number, size: number): Draft => ({
  RegionCoordinates: [
    { positionX: x, positionY: y },
    { positionX: x + size, positionY: y },
    { positionX: x + size, positionY: y + size },
    { positionX: x, positionY: y + size },
  ],
});

function bodyOf({ scene, request, state }: AlertValues, reporter: Reporter): Draft {
  // Devices often end a condition without naming its region.
  if (state === 'inactive' && scene.body !== 'input' && request.rule === undefined) return {};
  const rule = request.rule ?? 1;
  const entry = (fields: Draft): Draft => ({ DetectionRegionList: { DetectionRegionEntry: [fields] } });
  const temperature = request.temperature ?? 71.5;
  const high = { elevation: 0, azimuth: 0, absoluteZoom: 0.1 };
  switch (scene.body) {
    case 'input':
      return (request.input ?? 1) >= (reporter.cameraInputsFrom ?? Number.POSITIVE_INFINITY)
        ? { inputIOPortID: '', dynInputIOPortID: request.input }
        : { inputIOPortID: request.input ?? 1 };
    case 'line':
      return entry({
        regionID: rule,
        sensitivityLevel: 50,
        RegionCoordinatesList: {
          RegionCoordinates: [
            { positionX: 250, positionY: 600 },
            { positionX: 750, positionY: 620 },
          ],
        },
        detectionTarget: request.target ?? 'human',
        direction: request.direction,
      });
    case 'region':
      return entry({
        regionID: rule,
        sensitivityLevel: 50,
        RegionCoordinatesList: square(200, 300, 400),
        detectionTarget: request.target ?? 'human',
        TargetRect: { X: 0.31, Y: 0.42, width: 0.1, height: 0.25 },
      });
    case 'thermal':
      return entry({
        regionID: rule,
        RegionCoordinatesList: square(400, 350, 200),
        [scene.eventType]: {
          thermometryUnit: 'celsius',
          ruleTemperature: request.threshold ?? (scene.eventType === 'TMPA' ? 50 : 55),
          currTemperature: temperature,
          ruleCalibType: 'region',
          ruleType: 'highest temperature above the limit',
          MaximumTemperaturePoint: { RegionCoordinates: { positionX: 512, positionY: 437 } },
          AbsoluteHigh: high,
          presetNo: 1,
        },
      });
    case 'difference':
      return entry({
        regionID: rule,
        [scene.eventType]: {
          thermometryUnit: 'celsius',
          ruleTemperature: request.threshold ?? 15,
          currTemperature: request.temperature ?? 18.2,
          ruleCalibType: 'region',
          ruleType: 'difference above the limit',
          AbsoluteHigh: high,
        },
      });
    case 'fire':
      return {
        DetectionRegionList: {
          DetectionRegionEntry: [
            flame(1, 680, 120, temperature - 33),
            flame(2, 410, 330, temperature),
            flame(3, 30, 470, temperature - 38),
          ],
        },
      };
    case 'reading':
      return {
        TemperatureIntervalMeasurement: {
          ruleID: rule,
          ruleName: 'Press',
          ruleCalibType: 'region',
          thermometryUnit: 'celsius',
          MaxTemperature: temperature,
          MinTemperature: temperature - 22,
          AverageTemperature: temperature - 9,
          presetNo: 1,
        },
      };
    case 'duration':
      return { DurationList: { Duration: [{ relationEvent: 'fielddetection' }] } };
    default:
      return {};
  }
}

const flame = (id: number, x: number, y: number, degrees: number): Draft => ({
  regionID: id,
  RegionCoordinatesList: square(x, y, 30),
  FireDetection: {
    FireRegion: { x, y, width: 30, height: 30 },
    HighestPoint: { x: x + 12, y: y + 9 },
    temperatureUnit: 'celsius',
    fireMaxTemperature: Math.round(degrees * 10) / 10,
    targetDistance: -1,
    AbsoluteHigh: { elevation: 0, azimuth: 0, absoluteZoom: 0 },
  },
});

const escapeText = (text: string): string =>
  text.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'));

function elements(draft: Draft, eol: string): string {
  const one = (name: string, value: Draft[string]): string => {
    if (value === undefined) return '';
    if (Array.isArray(value)) return value.map((item) => one(name, item)).join('');
    if (typeof value === 'object') return `<${name}>${eol}${elements(value, eol)}</${name}>${eol}`;
    return `<${name}>${escapeText(String(value))}</${name}>${eol}`;
  };
  return Object.entries(draft)
    .map(([name, value]) => one(name, value))
    .join('');
}

/** XML as such devices write it: usually without declaration. */
export function xmlText(
  root: string,
  draft: Draft,
  options: { namespace?: string | null; version?: string; eol?: string; declaration?: boolean } = {},
): string {
  const { namespace = 'http://www.hikvision.com/ver20/XMLSchema', version = '2.0', eol = '\r\n' } = options;
  const declaration = options.declaration ? `<?xml version="1.0" encoding="UTF-8"?>${eol}` : '';
  const name = namespace === null ? '' : ` version="${version}" xmlns="${namespace}"`;
  return `${declaration}<${root}${name}>${eol}${elements(draft, eol)}</${root}>${eol}`;
}

/** An answer of the device about a request (PROTOCOLS §1.1). */
export const responseStatus = (url: string, code: number, text: string, sub: string): string =>
  xmlText(
    'ResponseStatus',
    { requestURL: url, statusCode: code, statusString: text, subStatusCode: sub },
    { declaration: true },
  );
