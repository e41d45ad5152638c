import { type AskOptions, askIf } from './ask';
import { childrenOf, type DocumentNode, findNode, numberOf, textOf } from './document';

/** A video channel and what people call it. */
export interface NamedChannel {
  channel: number;
  /** '' where the device has no name for it. */
  name: string;
}

/** An alarm input or output as the device numbers it. */
export interface NamedPort {
  id: string;
  name: string;
}

/** Channels, inputs and outputs of a device, its own and those of the cameras behind a recorder. */
export interface Inventory {
  /** Cameras behind the recorder; null for a device that has none to list. */
  cameras: NamedChannel[] | null;
  /** Channels of its own: a camera's, or the analog ones of a recorder. */
  own: NamedChannel[];
  inputs: NamedPort[];
  outputs: NamedPort[];
  /** Ports of the cameras behind a recorder; their numbers are a row of their own, mostly from 101. */
  cameraInputs: NamedPort[];
  cameraOutputs: NamedPort[];
}

const MOST = 512;
const NAME_LIMIT = 128;

/** Reads what there is (PROTOCOLS §1.1, §1.7). Lists are empty where the device doesn't tell. */
export async function readInventory(options: AskOptions, recorder: boolean): Promise<Inventory> {
  const proxies = recorder ? await askIf(options, '/ISAPI/ContentMgmt/InputProxy/channels') : null;
  const videoInputs = await askIf(options, '/ISAPI/System/Video/inputs/channels');
  return {
    cameras: proxies && channelsOf(proxies, 'InputProxyChannel'),
    own: videoInputs ? channelsOf(videoInputs, 'VideoInputChannel') : [],
    inputs: portsOf(await askIf(options, '/ISAPI/System/IO/inputs')),
    outputs: portsOf(await askIf(options, '/ISAPI/System/IO/outputs')),
    cameraInputs: recorder ? portsOf(await askIf(options, '/ISAPI/ContentMgmt/IOProxy/inputs')) : [],
    cameraOutputs: recorder ? portsOf(await askIf(options, '/ISAPI/ContentMgmt/IOProxy/outputs')) : [],
  };
}

/** Numbers of video channels in the list of streams (`101` is the first stream of channel 1). The zero channel, all
 * pictures in one, has numbers below 100: it is none. */
export function streamedChannels(streams: DocumentNode | null): number[] {
  const ids = childrenOf(streams ?? undefined, 'StreamingChannel').map((c) => numberOf(c, 'id') ?? 0);
  return [...new Set(ids.map((id) => Math.floor(id / 100)).filter((n) => n > 0))];
}

function channelsOf(root: DocumentNode, element: string): NamedChannel[] {
  const list = findNode(root, `${element}List`) ?? root;
  return childrenOf(list, element)
    .slice(0, MOST)
    .flatMap((node) => {
      const channel = numberOf(node, 'id');
      if (channel === undefined || !Number.isInteger(channel) || channel < 1 || channel > 65_535) return [];
      return [{ channel, name: (textOf(node, 'name', 'channelName') ?? '').slice(0, NAME_LIMIT) }];
    });
}

/** `IOInputPort`, `IOOutputPort`, `IOProxyInputPort` …: whatever lies in the list and has a number. */
function portsOf(root: DocumentNode | null): NamedPort[] {
  if (!root) return [];
  return root.children
    .filter((node) => /port$/i.test(node.name))
    .slice(0, MOST)
    .flatMap((node) => {
      const id = textOf(node, 'id');
      if (id === undefined || !/^\d{1,5}$/.test(id)) return [];
      const name = textOf(node, 'name', 'inputName', 'outputName', 'IOName') ?? '';
      return [{ id, name: name.slice(0, NAME_LIMIT) }];
    });
}
