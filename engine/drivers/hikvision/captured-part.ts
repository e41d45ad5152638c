import type { CapturedPart } from '../driver';
import type { FramedPart } from '../wire';

type BodyPart = Extract<FramedPart, { kind: 'part' }>;

const plain = (text: string): string => text.replace(/[\r\n"]+/g, ' ').slice(0, 200);

/**
 * A part as it goes into a capture: with a boundary and a head that says its length, whatever the device wrote. Parts
 * that are put one behind another are then a body that `decode` reads, pictures included.
 */
export function capturedPart(part: BodyPart, at: number): CapturedPart {
  const type = part.contentType || 'application/octet-stream';
  const name = part.name === undefined ? '' : `; name="${plain(part.name)}"`;
  const file = part.filename === undefined ? '' : `; filename="${plain(part.filename)}"`;
  const disposition = name + file === '' ? '' : `Content-Disposition: form-data${name}${file}\r\n`;
  const head = `--boundary\r\n${disposition}Content-Type: ${plain(type)}\r\nContent-Length: ${part.body.length}\r\n\r\n`;
  return {
    at,
    contentType: part.contentType || null,
    bytes: Buffer.concat([Buffer.from(head), part.body, Buffer.from('\r\n')]),
  };
}
