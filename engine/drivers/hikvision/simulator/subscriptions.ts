import { childrenOf, findNode, numberOf, textOf } from '../document';
import { documentOf } from './answers';

/** What a request for a subscription asks for; null where it is none. */
export function readSubscription(body: Buffer): { heartbeatMs: number; types: string[] | null } | null {
  const root = documentOf(body);
  const seconds = root && numberOf(root, 'heartbeat');
  const mode = root && textOf(root, 'eventMode');
  if (!root || seconds === undefined || seconds < 1 || seconds > 30) return null;
  const list = childrenOf(findNode(root, 'EventList'), 'Event').map((event) => textOf(event, 'type') ?? '');
  if (mode === 'all') return { heartbeatMs: seconds * 1000, types: null };
  return mode === 'list' && list.length > 0 ? { heartbeatMs: seconds * 1000, types: list } : null;
}
