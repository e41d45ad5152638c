import { createHash } from 'node:crypto';

/**
 * Our engine id towards one partner, in hexadecimal digits: RFC 3411 §5, format 5 (octets) under the enterprise of
 * RFC 5612, made from the id of what is set up for it and so always the same.
 */
export const ownEngineId = (id: string): string =>
  `80007ed905${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
