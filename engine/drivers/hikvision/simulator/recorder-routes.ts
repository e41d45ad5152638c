import { textOf } from '../document';
import {
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
import type { SimulatedCamera, SimulatedPort } from './recorder';

const cameraStatus = (camera: SimulatedCamera, at: Resources): Draft => ({
  id: camera.channel,
  sourceInputPortDescriptor: { ipAddress: `192.0.2.${camera.channel}`, managePortNo: 8000 },
  ...(at.faults.has('status-without-online') ? {} : { online: camera.online }),
  chanDetectResult: camera.online ? 'connect' : camera.reason,
});

const port = (p: SimulatedPort, side: 'input' | 'output'): Draft => ({
  ioPortID: p.id,
  ioPortType: side,
  ioState: p.on ? 'active' : 'inactive',
});

const find = (list: readonly SimulatedPort[], id: string): SimulatedPort | undefined =>
  list.find((p) => p.id === Number(id));

function trigger(r: ResourceRequest, id: string, at: Resources): ResourceAnswer {
  const output = find(at.recorder?.outputs ?? [], id);
  if (!output) return status(r.url, 400, 6, 'Invalid XML Content', 'badXmlContent');
  const root = documentOf(r.body);
  const wanted = root && textOf(root, 'outputState');
  if (wanted !== 'high' && wanted !== 'low') return status(r.url, 400, 5, 'Invalid XML Format', 'badXmlFormat');
  output.on = wanted === 'high';
  at.command(`camera output ${id} ${output.on ? 'on' : 'off'}`);
  return ok(r.url);
}

/** What only a recorder has (PROTOCOLS §1.4, §1.7). */
export const recorderRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/ContentMgmt\/InputProxy\/channels$/,
    (r, _p, at) =>
      at.recorder
        ? xml('InputProxyChannelList', {
            InputProxyChannel: at.recorder.cameras.map((c) => ({ id: c.channel, name: c.name })),
          })
        : notSupported(r.url),
  ],
  [
    /^GET \/ISAPI\/ContentMgmt\/InputProxy\/channels\/status$/,
    (r, _p, at) =>
      at.recorder && !at.faults.has('no-camera-status')
        ? xml('InputProxyChannelStatusList', {
            InputProxyChannelStatus: at.recorder.cameras.map((c) => cameraStatus(c, at)),
          })
        : notSupported(r.url),
  ],
  [
    /^GET \/ISAPI\/ContentMgmt\/IOProxy\/(inputs|outputs)$/,
    (r, [side], at) => {
      if (!at.recorder) return notSupported(r.url);
      const name = side === 'inputs' ? 'IOProxyInputPort' : 'IOProxyOutputPort';
      const list = side === 'inputs' ? at.recorder.inputs : at.recorder.outputs;
      return xml(`${name}List`, { [name]: list.map((p) => ({ id: p.id, name: p.name })) });
    },
  ],
  [
    /^GET \/ISAPI\/ContentMgmt\/IOProxy\/(inputs|outputs)\/(\d+)\/status$/,
    (r, [side = '', id = ''], at) => {
      const list = side === 'inputs' ? at.recorder?.inputs : at.recorder?.outputs;
      const found = find(list ?? [], id);
      return found && !at.faults.has('output-status-missing')
        ? xml('IOPortStatus', port(found, side === 'inputs' ? 'input' : 'output'))
        : notSupported(r.url);
    },
  ],
  [/^PUT \/ISAPI\/ContentMgmt\/IOProxy\/outputs\/(\d+)\/trigger$/, (r, [id = ''], at) => trigger(r, id, at)],
];
