import type { EventTemperature } from '../../domain/events';
import { type DocumentNode, findNode, textOf } from './document';
import { temperatureOf } from './thermal';

/** What an event of a wireless sensor says of it. */
export interface WirelessSensor {
  /** Input that stands for the sensor, `wl:<its number>`; two sensors at once are two alarms. */
  input?: string;
  name?: string;
  temperature?: EventTemperature;
}

/**
 * Nothing public says how the body of such an event looks (PROTOCOLS §1.6, §12), only that the device's settings know a
 * WLSensor with a WLSensorID. These are the spellings that firmware could make of it, tried in order, at any depth.
 */
const numbers = ['WLSensorID', 'wirelessSensorID', 'sensorID', 'WLSensorNo', 'sensorNo', 'detectorID', 'detectorNo'];
const serials = ['sensorSerialNo', 'detectorSerialNo', 'sensorSeq', 'detectorSeq'];
const names = ['WLSensorName', 'wirelessSensorName', 'sensorName', 'detectorName'];
const elements = ['WLSensor', 'wirelessSensor', 'sensor', 'SensorInfo', 'detector'];

const MOST_ID = 60;

export function wirelessSensorIn(alert: DocumentNode): WirelessSensor {
  const element = elements.map((name) => findNode(alert, name)).find((node) => node && node.children.length > 0);
  const id = anywhere(alert, [...numbers, ...serials]) ?? textOf(element, 'id', 'no', 'serialNo');
  const name = anywhere(alert, names) ?? textOf(element, 'name');
  const temperature = (element && temperatureOf(element)) ?? temperatureOf(alert);
  return {
    ...(id === undefined ? {} : { input: `wl:${id.slice(0, MOST_ID)}` }),
    ...(name === undefined ? {} : { name }),
    ...(temperature === undefined ? {} : { temperature }),
  };
}

function anywhere(root: DocumentNode, wanted: readonly string[]): string | undefined {
  for (const name of wanted) {
    const text = findNode(root, name)?.text.trim();
    if (text) return text;
  }
  return undefined;
}
