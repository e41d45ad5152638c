/** Cuts a stream into whole MQTT control packets (MQTT 3.1.1 §2.2); `push` returns those that are complete. */
export function createPacketCutter(): { push(bytes: Buffer): Buffer[] } {
  let waiting = Buffer.alloc(0);
  return {
    push(bytes) {
      waiting = Buffer.concat([waiting, bytes]);
      const packets: Buffer[] = [];
      for (
        let length = packetLength(waiting);
        length !== null && waiting.length >= length;
        length = packetLength(waiting)
      ) {
        packets.push(waiting.subarray(0, length));
        waiting = waiting.subarray(length);
      }
      return packets;
    },
  };
}

/** Length of the packet in front with its head, or null while that can't be known. */
function packetLength(bytes: Buffer): number | null {
  let rest = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = bytes[at];
    if (byte === undefined) return null;
    rest += (byte & 0x7f) * 128 ** (at - 1);
    if ((byte & 0x80) === 0) return 1 + at + rest;
  }
  return null;
}
