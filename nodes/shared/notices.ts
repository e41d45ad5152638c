import type { NodeNotice } from '../../engine/index';
import type { NodeStatus } from './runtime-api';

/** Longer texts run into the neighbouring nodes on the canvas. */
const TEXT_LIMIT = 32;

const looks: Record<NodeNotice['state'], Pick<NodeStatus, 'fill' | 'shape'>> = {
  idle: { fill: 'grey', shape: 'dot' },
  active: { fill: 'green', shape: 'dot' },
  waiting: { fill: 'yellow', shape: 'ring' },
  trouble: { fill: 'red', shape: 'ring' },
  off: { fill: 'grey', shape: 'ring' },
};

export const short = (text: string): string =>
  text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT - 1).trimEnd()}…` : text;

/** The engine's notice as Node-RED shows it below a node: ring while something is missing or off, dot otherwise. */
export const statusOf = (notice: NodeNotice): NodeStatus => ({
  ...(looks[notice.state] ?? looks.idle),
  text: short(notice.text),
});

export const troubleStatus = (text: string): NodeStatus => ({ fill: 'red', shape: 'ring', text: short(text) });

/** Works, but not with everything that it points at. */
export const issueStatus = (text: string): NodeStatus => ({ fill: 'yellow', shape: 'ring', text: short(text) });
