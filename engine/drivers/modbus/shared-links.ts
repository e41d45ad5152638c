import type { Clock } from '../../clock/clock';
import { type BoardLink, type BoardLinkOptions, createBoardLink } from './board-link';

interface Shared {
  link: BoardLink;
  spacing: { spacingMs: number };
  users: number;
}

const byClock = new WeakMap<Clock, Map<string, Shared>>();

/**
 * The connection to a board, shared by all who ask for the same address and framing: the units behind one gateway, and
 * the test of a device that is in use, for many boards take no second connection. `release` is harmless twice.
 */
export function shareBoardLink(options: BoardLinkOptions): { link: BoardLink; release(): void } {
  const { host, port, framing, spacingMs, clock } = options;
  const links = byClock.get(clock) ?? new Map<string, Shared>();
  byClock.set(clock, links);
  const key = `${framing} ${port} ${host.toLowerCase()}`;
  let shared = links.get(key);
  if (!shared) {
    const spacing = { ...options };
    shared = { link: createBoardLink(spacing), spacing, users: 0 };
    links.set(key, shared);
  }
  const mine = shared;
  mine.users++;
  mine.spacing.spacingMs = Math.max(mine.spacing.spacingMs, spacingMs);
  let held = true;
  return {
    link: mine.link,
    release() {
      if (!held) return;
      held = false;
      if (--mine.users > 0) return;
      if (links.get(key) === mine) links.delete(key);
      mine.link.close();
    },
  };
}
