import type { DeviceStream } from './device-http';

/** Reads what is left of a stream that is none, so that the connection is free again; at most a little. */
export async function drained(stream: DeviceStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > 64 * 1024) break;
  }
  return Buffer.concat(chunks);
}
