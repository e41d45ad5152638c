/**
 * Which nodes of a flow a simulation runs: alarmflow's own and those of Node-RED's core that only work on messages.
 * What reaches the outside, what keeps time by the machine's clock, and what nobody here knows is left out, by name.
 */
import type { FlowNode } from '../host/flow-file';

/** Core nodes whose answer depends on the message and the flow's context alone. */
const pureTypes = new Set([
  'function',
  'switch',
  'change',
  'range',
  'template',
  'split',
  'join',
  'sort',
  'batch',
  'rbe',
  'json',
  'xml',
  'csv',
  'html',
  'yaml',
  'link in',
  'link out',
  'link call',
  'catch',
  'complete',
  'comment',
  'debug',
  'junction',
  'global-config',
]);
const structural = new Set(['tab', 'subflow', 'group']);
/** Core nodes that wait, repeat or ask for the time by the machine's clock. */
const clockTypes = new Set(['delay', 'trigger', 'inject']);
/** Core nodes that reach beyond the process. */
const outsideTypes = new Set([
  'http in',
  'http response',
  'http request',
  'http proxy',
  'mqtt in',
  'mqtt out',
  'mqtt-broker',
  'websocket in',
  'websocket out',
  'websocket-listener',
  'websocket-client',
  'tcp in',
  'tcp out',
  'tcp request',
  'udp in',
  'udp out',
  'tls-config',
  'file',
  'file in',
  'watch',
  'exec',
  'status',
]);

export interface LeftOutNode {
  id: string;
  type: string;
  name: string;
  why: 'outside' | 'clock' | 'unknown';
}

export interface FlowCensus {
  /** What Node-RED is given: the flow with stubs in the places of what is left out. */
  runnable: FlowNode[];
  leftOut: Map<string, LeftOutNode>;
  /** What a person has to know before trusting the report. */
  warnings: string[];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const nodeTitle = (node: FlowNode): string =>
  `${node.type.replace(/^alarmflow-/, '')} "${textOf(node.name) || textOf(node.label) || node.id}"`;

const isAlarmflow = (type: string): boolean => type.startsWith('alarmflow-');

/** Nodes on the canvas have a place there; all others are config nodes. */
const isOnCanvas = (node: FlowNode): boolean => 'x' in node || 'y' in node || Array.isArray(node.wires);

/** Connections are never opened: what the environment of the real machine would fill in need not be there. */
function offline(node: FlowNode): FlowNode {
  const own: Record<string, unknown> = {};
  if ('host' in node) own.host = 'simulated.invalid';
  if ('port' in node) own.port = 1;
  return isAlarmflow(node.type) && !isOnCanvas(node) ? { ...node, ...own } : node;
}

const functionClock = /\bset(?:Timeout|Interval)\b|\bDate\b|\bperformance\b/;

/** Why a node that runs may give another answer than it would on the day, or null. */
function clockIn(node: FlowNode): string | null {
  if (node.type === 'function') {
    const code = [node.func, node.initialize, node.finalize].map(textOf).join('\n');
    return functionClock.test(code)
      ? 'its code asks for the time or waits, which it does by the clock of the machine'
      : null;
  }
  if (node.type === 'join' && Number(node.timeout) > 0) return 'its time limit runs by the clock of the machine';
  if (node.type === 'batch' && node.mode === 'interval') return 'its interval runs by the clock of the machine';
  return null;
}

function injects(node: FlowNode): string | null {
  if (textOf(node.crontab) !== '') return `at "${textOf(node.crontab)}"`;
  if (Number(node.repeat) > 0) return `every ${Number(node.repeat)} s`;
  return node.once === true ? 'once at the start' : null;
}

/**
 * @param allowed types that the person vouches for: they run although nobody here knows them
 */
export function censusOf(flows: readonly FlowNode[], allowed: ReadonlySet<string> = new Set()): FlowCensus {
  const leftOut = new Map<string, LeftOutNode>();
  const warnings: string[] = [];
  const runnable: FlowNode[] = [];
  const off = new Set(flows.filter((node) => node.type === 'tab' && node.disabled === true).map((node) => node.id));
  const runs = (type: string): boolean =>
    isAlarmflow(type) ||
    structural.has(type) ||
    type.startsWith('subflow:') ||
    pureTypes.has(type) ||
    allowed.has(type);

  for (const node of flows) {
    const isOff = node.d === true || off.has(textOf(node.z));
    if (runs(node.type)) {
      runnable.push(offline(node));
      const clock = isOff ? null : clockIn(node);
      if (clock !== null) warnings.push(`${nodeTitle(node)}: ${clock}; the simulated time does not move it`);
      continue;
    }
    if (isOff) {
      // Nothing would reach it on the day either.
      if (isOnCanvas(node)) runnable.push(stub(node));
      continue;
    }
    const why = clockTypes.has(node.type) ? 'clock' : outsideTypes.has(node.type) ? 'outside' : 'unknown';
    if (!isOnCanvas(node)) continue;
    leftOut.set(node.id, { id: node.id, type: node.type, name: textOf(node.name) || node.type, why });
    runnable.push(stub(node));
    const title = nodeTitle(node);
    if (node.type === 'inject') {
      const when = injects(node);
      if (when !== null) warnings.push(`${title}: it sends ${when} by the clock of the machine; it is left out`);
    } else if (why === 'clock')
      warnings.push(`${title}: it keeps time by the clock of the machine; it is left out, messages end there`);
    else if (node.type === 'status') warnings.push(`${title}: what nodes show is not simulated; it is left out`);
    else if (why === 'outside')
      warnings.push(`${title}: it reaches beyond alarmflow; it is left out, messages end there`);
    else
      warnings.push(
        `${title}: nobody knows whether it keeps time or reaches outside; it is left out (--allow ${JSON.stringify(node.type)} lets it run)`,
      );
  }
  return { runnable, leftOut, warnings };
}

/** A node that takes the place of another, so that wires and subflows still fit; it passes nothing on. */
const stub = (node: FlowNode): FlowNode => ({
  id: node.id,
  type: 'junction',
  ...(node.z === undefined ? {} : { z: node.z }),
  x: 0,
  y: 0,
  wires: Array.isArray(node.wires) ? node.wires.map(() => []) : [],
});
