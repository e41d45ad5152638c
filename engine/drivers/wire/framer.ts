/** What the framer is told before the first byte. */
export interface FramerOptions {
  /** `Content-Type` header of the answer or push; may be missing or name a boundary that the body does not use. */
  contentType?: string;
  /** Largest XML, JSON or text part in bytes; default 1 MiB. */
  maxTextBytes?: number;
  /** Largest picture in bytes; default 16 MiB. */
  maxBinaryBytes?: number;
}

/** One part of a multipart body, or a body that is one document without any boundary. */
export interface BodyPart {
  kind: 'part';
  /** Names in lower case; a repeated header keeps its first value. */
  headers: Record<string, string>;
  /** Media type in lower case without parameters; what the bytes look like where none was given; `` when unknown. */
  contentType: string;
  /** `name` of the Content-Disposition. */
  name?: string;
  /** `filename` of the Content-Disposition. */
  filename?: string;
  body: Buffer;
  /** Set when the next boundary or the end of the connection came before the document's own end. */
  truncated?: true;
}

/** Bytes that were no part, or too large for one; the framer goes on behind them. */
export interface FrameFault {
  kind: 'fault';
  reason: string;
  bytes: number;
}

export type FramedPart = BodyPart | FrameFault;

export interface Framer {
  push(chunk: Buffer): FramedPart[];
  end(): FramedPart[];
}

export function createFramer(_options: FramerOptions = {}): Framer {
  throw new Error('not finished');
}
