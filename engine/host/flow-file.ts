/** What a flow file must be before Node-RED sees it. */
import { userError } from '../domain/errors';
import { circlesIn } from './flow-circles';

/** One entry of a flow file; the rest of its properties belong to its type. */
export interface FlowNode {
  id: string;
  type: string;
  z?: string;
  wires?: unknown;
  [property: string]: unknown;
}

const MOST_NODES = 50_000;
const MOST_FAULTS_TOLD = 10;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What an entry is called in a message. */
function called(node: Record<string, unknown>, index: number): string {
  const name = [node.name, node.label].find((text) => typeof text === 'string' && text !== '');
  return name ? `entry ${index + 1} ("${String(name).slice(0, 60)}")` : `entry ${index + 1}`;
}

/**
 * The nodes of a flow file: the array that the editor exports, or an object with it as `flows`.
 * `E_FLOW_FILE` (user) lists what is wrong with it. `source` names the file in the message.
 */
export function checkFlows(value: unknown, source = 'The flow'): FlowNode[] {
  const list = isObject(value) && Array.isArray(value.flows) ? value.flows : value;
  if (!Array.isArray(list))
    throw userError(
      'E_FLOW_FILE',
      `${source} is no flow: it must be the JSON array that the editor exports with Export → all flows`,
    );
  if (list.length > MOST_NODES)
    throw userError('E_FLOW_FILE', `${source} has ${list.length} nodes; at most ${MOST_NODES} are taken`);
  const faults: string[] = [];
  const seen = new Map<string, number>();
  list.forEach((node: unknown, index) => {
    if (!isObject(node)) {
      faults.push(`entry ${index + 1} is no object`);
      return;
    }
    const name = called(node, index);
    if (typeof node.id !== 'string' || !/^[\w.:-]{1,100}$/.test(node.id)) faults.push(`${name} has no usable "id"`);
    else if (node.id === '__proto__') faults.push(`${name} has no usable "id"`);
    else if (seen.has(node.id)) faults.push(`${name} has the same id "${node.id}" as entry ${seen.get(node.id)! + 1}`);
    else seen.set(node.id, index);
    if (typeof node.type !== 'string' || node.type === '') faults.push(`${name} has no "type"`);
    if (node.wires !== undefined && !areWires(node.wires)) faults.push(`${name} has "wires" that are no lists of ids`);
    if (node.z !== undefined && typeof node.z !== 'string') faults.push(`${name} has a "z" that is no id`);
  });
  faults.push(...circlesIn(list));
  if (faults.length === 0) return list as FlowNode[];
  const more = faults.length > MOST_FAULTS_TOLD ? `; and ${faults.length - MOST_FAULTS_TOLD} more` : '';
  throw userError(
    'E_FLOW_FILE',
    `${source} cannot be used: ${faults.slice(0, MOST_FAULTS_TOLD).join('; ')}${more}. Export it anew from the editor, or mend these entries`,
  );
}

const areWires = (wires: unknown): boolean =>
  Array.isArray(wires) &&
  wires.every((port) => port === null || (Array.isArray(port) && port.every((id) => typeof id === 'string')));

/** Entries that Node-RED knows by itself, without a node of that type. */
const structural = new Set(['tab', 'subflow', 'group']);

/** Types that a flow uses and nobody provides, each once; `known` says which types there are. */
export function typesWithout(flows: readonly FlowNode[], known: (type: string) => boolean): string[] {
  const subflows = new Set(flows.filter((node) => node.type === 'subflow').map((node) => `subflow:${node.id}`));
  const missing = flows
    .map((node) => node.type)
    .filter((type) => !structural.has(type) && !subflows.has(type) && !known(type));
  return [...new Set(missing)];
}
