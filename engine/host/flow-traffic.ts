/** Follows the messages of a flow from node to node, for whoever has to know when the flow has come to rest. */

/** The part of Node-RED's hooks that we use (NODE-RED: `onSend` … `onComplete`). */
export interface NodeRedHooks {
  add(name: string, hook: (event: never) => undefined | false): void;
  remove(name: string): void;
}

interface RunningNode {
  id: string;
  type: string;
  name?: string;
  /** Id in the subflow's definition, where the node belongs to an instance of a subflow. */
  _alias?: string;
}

interface Delivery {
  destination: { id: string; node: RunningNode };
}

interface Completion {
  node: { id: string; node: RunningNode };
}

export interface FlowTraffic {
  /** Grows whenever a message moves. */
  steps(): number;
  /** Messages on their way to a node. */
  moving(): number;
  /** Nodes that have a message and have not said that they are done with it; by id, with their names. */
  busy(): ReadonlyMap<string, string>;
  /** Counts what these nodes have as done with: they never say it. */
  giveUp(nodeIds: Iterable<string>): void;
  stop(): void;
}

const OWN = 'alarmflow-traffic';

/**
 * @param stopsAt called with the id that the flow file gives a node, before it gets a message; true: it gets none
 */
export function watchTraffic(hooks: NodeRedHooks, stopsAt: (nodeId: string) => boolean): FlowTraffic {
  let steps = 0;
  let moving = 0;
  const counts = new Map<string, number>();
  const names = new Map<string, string>();
  const silent = new Set<string>();

  const began = ({ id, node }: Delivery['destination']): void => {
    steps++;
    if (silent.has(id)) return;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    names.set(id, node.name || `${node.type} ${id}`);
  };
  const ended = (id: string): void => {
    steps++;
    const count = counts.get(id) ?? 0;
    if (count > 1) counts.set(id, count - 1);
    else {
      counts.delete(id);
      names.delete(id);
    }
  };

  hooks.add(`preDeliver.${OWN}`, ({ destination }: Delivery) => {
    steps++;
    if (stopsAt(destination.node._alias ?? destination.node.id)) return false;
    moving++;
    return undefined;
  });
  hooks.add(`onReceive.${OWN}`, ({ destination }: Delivery) => {
    // A message that was put in from outside came along no wire.
    moving = Math.max(0, moving - 1);
    began(destination);
    return undefined;
  });
  hooks.add(`onComplete.${OWN}`, ({ node }: Completion) => {
    ended(node.id);
    return undefined;
  });

  return {
    steps: () => steps,
    moving: () => moving,
    busy: () => names,
    giveUp(nodeIds) {
      for (const id of nodeIds) {
        silent.add(id);
        counts.delete(id);
        names.delete(id);
      }
    },
    stop: () => hooks.remove(`*.${OWN}`),
  };
}
