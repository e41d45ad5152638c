import type { Log, LogFields } from '../domain/log';

/** A message as Node-RED hands it to its log handlers. */
export interface NodeRedLogMessage {
  level: number;
  msg?: unknown;
  /** Set where a node speaks. */
  type?: string;
  id?: string;
  name?: string;
}

const FATAL = 10;
const ERROR = 20;
const WARN = 30;
const INFO = 40;

/** Lines that Node-RED writes at every start with a storage of one's own; they tell nobody anything. */
const noise = [/Encrypted credentials not found/, /^-{20,}$/, /^\*{20,}$/];

/** Sends what Node-RED has to say to our log: nodes by name, the runtime's own chatter as debug lines. */
export function nodeRedLogHandler(log: Log): (message: NodeRedLogMessage) => void {
  return (message) => {
    const text = plainText(message.msg);
    if (text === '' || noise.some((pattern) => pattern.test(text))) return;
    const speaker: LogFields = message.type ? { nodeType: message.type, node: message.name || message.id } : {};
    const stack = message.level <= ERROR && message.msg instanceof Error ? { stack: message.msg.stack } : {};
    const fields = { text, ...speaker, ...stack };
    const event = message.type ? 'flow.node' : 'flow.runtime';
    if (message.level === FATAL || message.level === ERROR) log.error(event, fields);
    else if (message.level === WARN) log.warn(event, fields);
    else if (message.level === INFO && message.type) log.info(event, fields);
    else log.debug(event, fields);
  };
}

function plainText(msg: unknown): string {
  try {
    if (msg instanceof Error) return msg.message;
    if (typeof msg === 'object' && msg !== null && 'message' in msg) return String(msg.message).trim();
    return String(msg ?? '').trim();
  } catch (error) {
    // A node may log anything, also an object whose toString throws.
    return `a message that cannot be read (${error instanceof Error ? error.message : 'unknown reason'})`;
  }
}
