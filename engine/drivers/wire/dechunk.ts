/**
 * Takes the chunk sizes of `Transfer-Encoding: chunked` out of captured bytes (RFC 9112 §7.1). Bytes that are not
 * chunked after all pass unchanged from the first size line that is none.
 */
export function createDechunker(): (bytes: Buffer) => Buffer {
  let pending: Buffer = Buffer.alloc(0);
  let left = 0;
  let transparent = false;

  return (bytes) => {
    if (transparent) return bytes;
    pending = Buffer.concat([pending, bytes]);
    const out: Buffer[] = [];
    while (pending.length > 0) {
      if (left > 0) {
        const taken = pending.subarray(0, left);
        out.push(taken);
        left -= taken.length;
        pending = pending.subarray(taken.length);
        continue;
      }
      const size = /^(?:\r?\n)?([0-9a-fA-F]{1,8})(?:[ \t;][^\r\n]{0,200})?\r?\n/.exec(
        pending.toString('latin1', 0, 256),
      );
      if (size) {
        left = Number.parseInt(size[1] ?? '0', 16);
        pending = pending.subarray(size[0].length);
        if (left > 0) continue;
      } else if (pending.length < 256 && /^[\r\n]{0,2}[0-9a-fA-F]{0,8}[^\r\n]*\r?$/.test(pending.toString('latin1')))
        break;
      transparent = true;
      out.push(pending);
      pending = Buffer.alloc(0);
    }
    return Buffer.concat(out);
  };
}
