import { type Decoded, decodeCapture } from '../../engine/drivers';

async function* cut(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Everything that a driver finds in captured bytes, handed over in chunks of `size`; `raw` is left out. */
export async function decodeAll(
  bytes: Buffer | string,
  options: { contentType?: string; size?: number; kind?: string } = {},
): Promise<Decoded[]> {
  const whole = Buffer.from(bytes);
  const found: Decoded[] = [];
  const source = cut(whole, options.size ?? Math.max(1, whole.length));
  for await (const line of decodeCapture(options.kind ?? 'hikvision', source, options.contentType ?? null)) {
    if (line.kind === 'event') {
      const { raw: _raw, ...event } = line.event;
      found.push({ kind: 'event', event });
    } else found.push(line);
  }
  return found;
}
