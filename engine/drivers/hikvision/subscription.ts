import type { Log } from '../../domain/log';
import { type FramedPart, toXml } from '../wire';
import { childrenOf, type DocumentNode, findNode, looksLikeDocument, readDocuments, textOf } from './document';
import { natureOf } from './names';
import { isVendorName } from './option-words';
import type { EventFilter } from './options';

export const SUBSCRIBE_PATH = '/ISAPI/Event/notification/subscribeEvent';
export const SUBSCRIBE_CAPABILITY = '/ISAPI/Event/notification/subscribeEventCap';
/** Subscriptions that end without a part, one after another, before the alert stream is used instead. */
const MOST_BARREN = 3;

export interface SubscriptionOptions {
  mode: 'auto' | 'subscription' | 'alert-stream';
  heartbeatSeconds: number;
  filter: EventFilter | null;
  /** What the device says of its subscriptions; null: it has none. */
  capability(signal: AbortSignal): Promise<DocumentNode | null>;
  log: Log;
}

/** Subscribes to the events of a device (PROTOCOLS §1.2): its heart-beat and its types are ours to choose. */
export interface Subscription {
  /** Body of the request, or null where the alert stream is to be used. */
  request(signal: AbortSignal): Promise<string | null>;
  /** The device doesn't take it: from now on its alert stream is used. */
  refused(reason: string): void;
  /** A stream of a subscription is over. */
  over(delivered: boolean): void;
  /** A part of the stream: the first one tells the subscription's number. */
  seen(part: FramedPart): void;
  /** Path of the request that ends it, or null. */
  endPath(): string | null;
}

export function createSubscription(options: SubscriptionOptions): Subscription {
  const { mode, filter, log } = options;
  let given = mode === 'alert-stream';
  let capability: DocumentNode | null | undefined;
  let id: string | null = null;
  let barren = 0;

  /** The device's own names for the wanted types; null: all. */
  function typesFor(told: DocumentNode | null): string[] | null {
    if (!filter || !told) return null;
    const offered = typesIn(told);
    const wanted = offered.filter(
      (name) => filter.names.has(name.toLowerCase()) || filter.types.has(natureOf(name).type),
    );
    // What the list lacks may still come by another name: then all are asked for and the rest is left out here.
    return wanted.length > 0 ? wanted : null;
  }

  return {
    async request(signal) {
      id = null;
      if (given) return null;
      capability ??= await options.capability(signal);
      if (!capability && mode === 'auto') return null;
      const types = typesFor(capability);
      const child = (name: string, text: string): { name: string; text: string } => ({ name, text });
      return toXml({
        name: 'SubscribeEvent',
        attributes: { version: '2.0', xmlns: 'http://www.isapi.org/ver20/XMLSchema' },
        children: [
          child('heartbeat', String(heartbeatFor(options.heartbeatSeconds, capability))),
          child('channelMode', 'all'),
          child('eventMode', types ? 'list' : 'all'),
          ...(types
            ? [
                {
                  name: 'EventList',
                  children: types.map((type) => ({
                    name: 'Event',
                    children: [child('type', type), child('pictureURLType', 'binary')],
                  })),
                },
              ]
            : []),
        ],
      });
    },
    refused(reason) {
      if (mode === 'subscription') return;
      given = true;
      log.info('hikvision.subscription-refused', { reason, instead: 'alert stream' });
    },
    over(delivered) {
      barren = delivered ? 0 : barren + 1;
      if (barren < MOST_BARREN || mode === 'subscription') return;
      given = true;
      log.info('hikvision.subscription-barren', { times: barren, instead: 'alert stream' });
    },
    seen(part) {
      if (id !== null || part.kind === 'fault' || !looksLikeDocument(part.body)) return;
      const root = responseIn(part.body);
      const number = textOf(root, 'id', 'ID');
      if (root && number && /^[\w-]{1,64}$/.test(number)) id = number;
      const failed = root && findNode(root, 'FailedEventList');
      const names = failed ? typesIn(failed) : [];
      if (names.length > 0) log.warn('hikvision.types-not-subscribed', { types: names.slice(0, 20).join(',') });
    },
    endPath: () => (id === null ? null : `/ISAPI/Event/notification/unSubscribeEvent?ID=${id}`),
  };
}

function responseIn(body: Buffer): DocumentNode | undefined {
  try {
    return readDocuments(body).find((root) => root.name.toLowerCase() === 'subscribeeventresponse');
  } catch {
    // The reader reports what it cannot read.
    return undefined;
  }
}

/** Names of event types in a capability, `<type opt="a,b">` or one element each. */
export function typesIn(root: DocumentNode): string[] {
  const names: string[] = [];
  const visit = (node: DocumentNode): void => {
    for (const type of childrenOf(node, 'type')) {
      const listed = type.attributes?.opt ?? type.text;
      names.push(...listed.split(',').map((name) => name.trim()));
    }
    for (const c of node.children) visit(c);
  };
  visit(root);
  return [...new Set(names.filter(isVendorName))].slice(0, 256);
}

function heartbeatFor(seconds: number, capability: DocumentNode | null): number {
  const node = capability && findNode(capability, 'heartbeat');
  const bound = (name: 'min' | 'max', otherwise: number): number => {
    const text = node?.attributes?.[name];
    return text && /^\d{1,5}$/.test(text) ? Number(text) : otherwise;
  };
  return Math.min(bound('max', 30), Math.max(bound('min', 1), seconds));
}
