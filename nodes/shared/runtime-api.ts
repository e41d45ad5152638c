/**
 * The part of Node-RED's runtime API that the nodes use, as types of our own:
 * only the host may know the package, and what is listed here is all that a node can touch.
 */
import type { FlowEngine } from '../../engine/index';

/** A message on a wire. */
export interface FlowMessage {
  _msgid?: string;
  payload?: unknown;
  topic?: unknown;
  alarm?: unknown;
  [property: string]: unknown;
}

/** A node's configuration as the flow file has it: untrusted. */
export type RawConfig = Record<string, unknown>;

export interface NodeStatus {
  fill?: 'red' | 'green' | 'yellow' | 'blue' | 'grey';
  shape?: 'dot' | 'ring';
  text?: string;
}

/** A list has one message, or null, for each output port. */
export type Send = (message: FlowMessage | (FlowMessage | null)[]) => void;
export type Done = (error?: Error) => void;

/** A node at run time. */
export interface NodeInstance {
  id: string;
  type: string;
  name?: string;
  credentials?: Record<string, unknown>;
  on(event: 'input', handler: (message: FlowMessage, send: Send, done: Done) => void): void;
  on(event: 'close', handler: (removed: boolean, done: () => void) => void): void;
  send: Send;
  status(status: NodeStatus): void;
  error(text: string): void;
  warn(text: string): void;
}

/** What the admin routes see of a request (Express 4 and 5 alike). */
export interface AdminRequest {
  params: Record<string, string | undefined>;
  body?: unknown;
  headers: Record<string, string | string[] | undefined>;
  /** Who is logged in; absent while no users are set up. */
  user?: { username?: string } | null;
}

export interface AdminResponse {
  status(code: number): AdminResponse;
  json(body: unknown): void;
}

export type AdminHandler = (request: AdminRequest, response: AdminResponse) => void;
/** Middleware that lets pass who has the permission. */
export type Guard = (request: AdminRequest, response: AdminResponse, next: () => void) => void;

export interface Red {
  nodes: {
    createNode(node: NodeInstance, config: RawConfig): void;
    registerType(
      type: string,
      construct: (this: NodeInstance, config: RawConfig) => void,
      options?: { credentials?: Record<string, { type: 'text' | 'password' }> },
    ): void;
    getNode(id: string): NodeInstance | null | undefined;
    getCredentials(id: string): Record<string, unknown> | null | undefined;
  };
  settings: { alarmflowEngine?: FlowEngine } & Record<string, unknown>;
  auth: { needsPermission(permission: string): Guard };
  httpAdmin: {
    get(path: string, guard: Guard, handler: AdminHandler): void;
    post(path: string, guard: Guard, handler: AdminHandler): void;
  };
}
