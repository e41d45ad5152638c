/** Nodes that a deploy moves, e.g. by "selection to subflow": a deploy of what has changed leaves them running. */

const placesIn = (flows: readonly unknown[]): Map<string, unknown> => {
  const places = new Map<string, unknown>();
  for (const entry of flows) {
    if (typeof entry !== 'object' || entry === null) continue;
    const { id, z } = entry as { id?: unknown; z?: unknown };
    if (typeof id === 'string') places.set(id, z ?? '');
  }
  return places;
};

/**
 * Whether a node of the flow that runs is in another tab or subflow afterwards. Node-RED takes one that has moved into a new
 * subflow for neither changed nor removed (`diffConfigs`): with a deploy of modified nodes or flows it goes on beside its
 * copy in the subflow, and each input raises two alarms. Such a deploy has to be a full one.
 */
export function movesNodes(running: readonly unknown[], deployed: readonly unknown[]): boolean {
  const before = placesIn(running);
  for (const [id, z] of placesIn(deployed)) if (before.has(id) && before.get(id) !== z) return true;
  return false;
}
