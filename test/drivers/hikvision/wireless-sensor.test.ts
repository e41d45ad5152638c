import { describe, expect, it } from 'vitest';
import { createReader } from '../../../engine/drivers/hikvision/reader';

function told(...bodies: string[]) {
  const reader = createReader({
    setting: () => ({ timeZone: null, channels: null, family: 'camera', near: null }),
    judge: () => ({ late: false, clockSuspect: false }),
    at: () => 0,
  });
  return bodies.flatMap((text) => {
    const body = Buffer.from(text);
    const found = reader.read({ kind: 'part', headers: {}, contentType: 'application/xml', form: 'xml', body });
    return found.flatMap((finding) => (finding.kind === 'event' ? [finding.draft] : []));
  });
}

const alert = (inner: string, state = 'active'): string =>
  `<EventNotificationAlert><channelID>1</channelID><eventType>WLSensor</eventType><eventState>${state}</eventState>${inner}</EventNotificationAlert>`;

describe('wireless sensors', () => {
  it('that alarm at once are conditions of their own, each with its own end', () => {
    const events = told(
      alert('<WLSensorID>3</WLSensorID>'),
      alert('<WLSensorID>4</WLSensorID>'),
      alert('<WLSensorID>3</WLSensorID>'),
      alert('<WLSensorID>3</WLSensorID>', 'inactive'),
      alert('<WLSensorID>4</WLSensorID>'),
    );
    expect(events.map((e) => `${e.type} ${e.phase} ${e.input}`)).toEqual([
      'wireless-sensor start wl:3',
      'wireless-sensor start wl:4',
      'wireless-sensor refresh wl:3',
      'wireless-sensor stop wl:3',
      'wireless-sensor refresh wl:4',
    ]);
  });

  it.each([
    [
      'in an element of their own',
      '<Extensions><wirelessSensor><id>7</id><name>Pump</name><temperature>81.5</temperature></wirelessSensor></Extensions>',
    ],
    ['flat', '<sensorNo>7</sensorNo><sensorName>Pump</sensorName><currTemperature>81.5</currTemperature>'],
    [
      'in a list',
      '<WLSensorList><WLSensor><sensorID>7</sensorID><WLSensorName>Pump</WLSensorName><temperature>81.5</temperature></WLSensor></WLSensorList>',
    ],
  ])('are found with name and temperature %s', (_where, inner) => {
    expect(told(alert(inner))[0]).toMatchObject({
      input: 'wl:7',
      description: 'Pump',
      temperature: { unit: 'celsius', value: 81.5 },
    });
  });

  it('that tell no number pass all the same', () => {
    const [event] = told(alert('<sensor/>'));
    expect(event).toMatchObject({ type: 'wireless-sensor', phase: 'start' });
    expect(event).not.toHaveProperty('input');
  });
});
