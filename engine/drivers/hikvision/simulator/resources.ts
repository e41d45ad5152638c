import { opticalPicture, thermalPicture } from '../../simulated/pictures';
import { textOf } from '../document';
import {
  badContent,
  documentOf,
  notSupported,
  ok,
  type ResourceAnswer,
  type ResourceRequest,
  type RouteOf,
  status,
  xml,
} from './answers';
import type { Resources } from './device-state';
import type { Draft } from './documents';
import { listenerRoutes } from './listener-routes';
import { ptzRoutes } from './ptz-routes';
import { recorderRoutes } from './recorder-routes';
import { sceneTitles } from './scenes';
import { smartRoutes } from './smart';
import { subscriptionRoutes } from './subscription-routes';
import { switchableRoutes } from './switchable-routes';
import { thermometryRoutes } from './thermometry-routes';

type Route = RouteOf<Resources>;

const routes: Route[] = [
  ...recorderRoutes,
  ...thermometryRoutes,
  ...switchableRoutes,
  ...subscriptionRoutes,
  [
    /^GET \/ISAPI\/System\/deviceInfo$/,
    (_r, _p, at) =>
      xml('DeviceInfo', {
        deviceName: at.model === 'nvr' ? 'Recorder & archive' : 'Yard',
        deviceID: '48443030-3030-3030-3030-000000000001',
        model: { thermal: 'SIM-TD2628T', camera: 'SIM-2CD2085', nvr: 'SIM-7608NI' }[at.model],
        serialNumber: at.serialNumber,
        macAddress: at.macAddress,
        firmwareVersion: 'V5.5.326',
        firmwareReleasedDate: 'build 240101',
        deviceType: { thermal: 'IPCamera', camera: 'IPCamera', nvr: 'NVR' }[at.model],
      }),
  ],
  [
    /^GET \/ISAPI\/System\/capabilities$/,
    (_r, _p, at) =>
      xml('DeviceCap', {
        SysCap: { IOCap: { IOInputPortNums: at.hardware.inputs.length, IOOutputPortNums: at.hardware.outputs.length } },
        isSupportPTZ: at.hardware.presets > 0,
        isSupportThermometry: at.model === 'thermal',
        isSupportRealtimeThermometry: at.model === 'thermal',
      }),
  ],
  [/^GET \/ISAPI\/System\/time$/, (_r, _p, at) => xml('Time', { timeMode: 'manual', localTime: at.localTime() })],
  [
    /^PUT \/ISAPI\/System\/time$/,
    (r, _p, at) => {
      const root = documentOf(r.body);
      const text = root && textOf(root, 'localTime');
      return text !== undefined && at.setTime(text) ? ok(r.url) : badContent(r.url);
    },
  ],
  [
    /^GET \/ISAPI\/Event\/triggers$/,
    (r, _p, at) => {
      if (at.faults.has('few-rights')) return status(r.url, 403, 4, 'Invalid Operation', 'lowPrivilege');
      return at.faults.has('triggers-refused') ? notSupported(r.url) : triggers(at);
    },
  ],
  [
    /^GET \/ISAPI\/Event\/triggers\/([A-Za-z]+)-(\d+)$/,
    (r, [type = '', channel = ''], at) =>
      sceneTitles.some((s) => triggerName(s.eventType).toLowerCase() === type.toLowerCase())
        ? xml('EventTrigger', trigger(at, type, Number(channel)))
        : notSupported(r.url),
  ],
  [
    /^GET \/ISAPI\/Streaming\/channels$/,
    (_r, _p, at) =>
      xml('StreamingChannelList', {
        StreamingChannel: [
          ...(at.faults.has('zero-channel') ? [{ id: '001', channelName: 'Zero channel', enabled: true }] : []),
          ...Array.from({ length: at.channels }, (_, i) => ({
            id: `${i + 1}01`,
            channelName: `Channel ${i + 1}`,
            enabled: true,
          })),
        ],
      }),
  ],
  [
    /^GET \/ISAPI\/System\/Video\/inputs\/channels$/,
    (r, _p, at) => {
      const count = at.recorder ? at.recorder.analog : at.channels;
      if (count === 0) return notSupported(r.url);
      const channels = Array.from({ length: count }, (_, i) => ({
        id: i + 1,
        inputPort: i + 1,
        name: at.channelName(i + 1),
      }));
      return xml('VideoInputChannelList', { VideoInputChannel: channels });
    },
  ],
  [
    /^GET \/ISAPI\/System\/IO\/status$/,
    (r, _p, at) =>
      at.faults.has('input-status-missing')
        ? notSupported(r.url)
        : xml('IOPortStatusList', {
            IOPortStatus: [
              ...at.hardware.inputs.map((i) => portStatus(i.id, 'input', i.active)),
              ...at.hardware.outputs.map((o) => portStatus(o.id, 'output', o.on)),
            ],
          }),
  ],
  [
    /^GET \/ISAPI\/System\/IO\/inputs\/(\d+)\/status$/,
    (r, [id], at) => {
      if (at.faults.has('input-status-missing')) return notSupported(r.url);
      const input = at.hardware.inputs.find((i) => i.id === Number(id));
      return input ? xml('IOPortStatus', portStatus(input.id, 'input', input.active)) : badContent(r.url);
    },
  ],
  [/^GET \/ISAPI\/System\/IO\/outputs\/(\d+)\/status$/, (r, [id], at) => readOutput(r, id, at)],
  [/^PUT \/ISAPI\/System\/IO\/outputs\/(\d+)\/trigger$/, (r, [id], at) => setOutput(r, id, at)],
  [
    /^GET \/ISAPI\/System\/IO\/outputs$/,
    (_r, _p, at) =>
      xml('IOOutputPortList', { IOOutputPort: at.hardware.outputs.map((o) => ({ id: o.id, outputName: o.name })) }),
  ],
  [
    /^GET \/ISAPI\/System\/IO\/inputs$/,
    (_r, _p, at) =>
      xml('IOInputPortList', { IOInputPort: at.hardware.inputs.map((i) => ({ id: i.id, name: i.name })) }),
  ],
  [
    /^GET \/ISAPI\/PTZCtrl\/channels$/,
    (r, _p, at) => (at.hardware.presets > 0 ? xml('PTZChannelList', { PTZChannel: [{ id: 1 }] }) : notSupported(r.url)),
  ],
  [
    /^PUT \/ISAPI\/PTZCtrl\/channels\/(\d+)\/presets\/(\d+)\/goto$/,
    (r, [channel, preset], at) => {
      if (at.hardware.presets === 0) return notSupported(r.url);
      if (at.faults.has('error-in-200')) return status(r.url, 200, 4, 'Invalid Operation', 'invalidOperation');
      return at.hardware.gotoPreset(Number(channel), Number(preset)) ? ok(r.url) : badContent(r.url);
    },
  ],
  [
    /^GET \/ISAPI\/(Streaming|ContentMgmt\/StreamingProxy)\/channels\/(\d+)0\d\/picture$/,
    (r, [via, channel], at) => snapshot(r, via === 'Streaming', Number(channel), at),
  ],
  ...ptzRoutes,
  ...listenerRoutes,
  ...smartRoutes,
];

/** Answers one request as the device's firmware would. */
export function answer(request: ResourceRequest, at: Resources): ResourceAnswer {
  const line = `${request.method} ${request.path}`;
  if (at.faults.has('no-rights')) return status(request.url, 403, 4, 'Invalid Operation', 'lowPrivilege');
  if (at.faults.has('not-activated')) return status(request.url, 403, 4, 'Invalid Operation', 'notActivated');
  if (at.faults.has('identity-busy') && /\/(?:deviceInfo|capabilities)$/.test(line))
    return status(request.url, 503, 2, 'Device Busy', 'deviceBusy');
  for (const [pattern, route] of routes) {
    const match = pattern.exec(line);
    if (!match) continue;
    if (request.method === 'PUT' && at.faults.has('busy-once') && !at.spent.has('busy')) {
      at.spent.add('busy');
      return status(request.url, 503, 2, 'Device Busy', 'deviceBusy');
    }
    return route(request, match.slice(1), at);
  }
  const known = routes.some(([pattern]) => ['GET', 'PUT', 'POST'].some((m) => pattern.test(`${m} ${request.path}`)));
  return known
    ? status(request.url, 405, 4, 'Invalid Operation', 'methodNotAllowed')
    : status(request.url, 404, 4, 'Invalid Operation', 'notSupport');
}

const portStatus = (id: number, type: 'input' | 'output', active: boolean): Draft => ({
  ioPortID: id,
  ioPortType: type,
  ioState: active ? 'active' : 'inactive',
});

function readOutput(r: ResourceRequest, id: string | undefined, at: Resources): ResourceAnswer {
  const output = at.hardware.outputs.find((o) => o.id === Number(id));
  if (!output || at.faults.has('output-status-missing')) return notSupported(r.url);
  return xml('IOPortStatus', portStatus(output.id, 'output', output.on));
}

function setOutput(r: ResourceRequest, id: string | undefined, at: Resources): ResourceAnswer {
  const root = documentOf(r.body);
  const wanted = root && textOf(root, 'outputState');
  if (wanted !== 'high' && wanted !== 'low') return status(r.url, 400, 5, 'Invalid XML Format', 'badXmlFormat');
  if (at.faults.has('error-in-200')) return status(r.url, 200, 3, 'Device Error', 'deviceError');
  if (at.faults.has('output-ignored')) return ok(r.url);
  return at.hardware.setOutput(Number(id), wanted === 'high') ? ok(r.url) : badContent(r.url);
}

function snapshot(r: ResourceRequest, direct: boolean, channel: number, at: Resources): ResourceAnswer {
  const jpeg = at.model === 'thermal' && channel === 2 ? thermalPicture : opticalPicture;
  if (channel < 1 || channel > at.channels) return badContent(r.url);
  if (at.faults.has('xml-instead-of-jpeg')) return status(r.url, 200, 4, 'Invalid Operation', 'lowPrivilege');
  if (at.faults.has('snapshot-error-once') && !at.spent.has('snapshot')) {
    at.spent.add('snapshot');
    return status(r.url, 200, 3, 'Device Error', 'deviceError');
  }
  // A recorder serves its network channels only under its proxy.
  const proxied = at.model === 'nvr' || at.faults.has('snapshot-other-path');
  if (proxied && direct) return status(r.url, 200, 6, 'Invalid XML Content', 'badXmlContent');
  if (!proxied && !direct) return notSupported(r.url);
  const body = at.faults.has('truncated-jpeg') ? jpeg.subarray(0, jpeg.length - 300) : jpeg;
  return { status: 200, type: 'image/jpeg', body };
}

/** `/ISAPI/Event/triggers` spells some events otherwise than the wire (PROTOCOLS §1.5). */
const triggerName = (eventType: string): string => {
  if (/^T[DM]P?A$/.test(eventType)) return 'thermometry';
  return eventType === 'shelteralarm' ? 'tamperdetection' : eventType;
};

function trigger(at: Resources, type: string, channel: number): Draft {
  const center = at.faults.has('no-center') ? 'record' : at.faults.has('http-linkage-only') ? 'HTTP' : 'center';
  return {
    id: `${type}-${channel}`,
    eventType: type,
    eventDescription: `${type} Event trigger Information`,
    videoInputChannelID: channel,
    EventTriggerNotificationList: {
      EventTriggerNotification: [
        { id: 'beep', notificationMethod: 'beep' },
        { id: center, notificationMethod: center, notificationRecurrence: 'beginning' },
      ],
    },
  };
}

function triggers(at: Resources): ResourceAnswer {
  const thermalChannel = at.model === 'thermal' ? 2 : 1;
  const wanted = ['VMD', 'linedetection', 'fielddetection', 'tamperdetection', 'IO', 'diskerror'];
  const list = wanted.map((type) => trigger(at, type, 1));
  if (at.model === 'thermal')
    list.push(trigger(at, 'thermometry', thermalChannel), trigger(at, 'fireDetection', thermalChannel));
  return xml('EventNotification', { EventTriggerList: { EventTrigger: list } });
}
