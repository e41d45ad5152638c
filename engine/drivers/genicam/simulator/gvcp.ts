import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../../../clock/clock';
import { operationalError } from '../../../domain/errors';
import { GVCP_PORT } from '../discover';

const READ_REGISTER = 0x0080;
const WRITE_REGISTER = 0x0082;
const TRY_MS = 50;
const TRIES = 300;

/** Registers of a GigE Vision camera over its control port. */
export interface GvcpRegisters {
  read(address: number): Promise<number>;
  /** Tried again while a program has control: the fake camera answers only that one's writes. */
  write(address: number, value: number): Promise<void>;
  /** Whether a camera answers at all. */
  answers(): Promise<boolean>;
}

/** The little of GigE Vision's control protocol that turns the fake camera's lines from outside. */
export function gvcpRegisters(host: string, clock: Clock): GvcpRegisters {
  let id = 1;

  async function exchange(command: number, payload: Buffer, tries = TRIES): Promise<Buffer> {
    const socket = createSocket('udp4');
    try {
      socket.bind(0, host);
      await once(socket, 'listening');
      for (let attempt = 0; attempt < tries; attempt++) {
        id = (id % 0xffff) + 1;
        const head = Buffer.alloc(8);
        head.set([0x42, 0x01]);
        head.writeUInt16BE(command, 2);
        head.writeUInt16BE(payload.length, 4);
        head.writeUInt16BE(id, 6);
        const answer = await ask(socket, Buffer.concat([head, payload]), id);
        if (answer && answer.readUInt16BE(0) === 0) return answer.subarray(8);
      }
    } finally {
      socket.close();
    }
    throw operationalError('E_DEVICE_TIMEOUT', `The simulated camera at ${host}:${GVCP_PORT} does not answer`);
  }

  async function ask(socket: ReturnType<typeof createSocket>, packet: Buffer, own: number): Promise<Buffer | null> {
    const limit = new AbortController();
    const timer = clock.after(TRY_MS, () => limit.abort());
    try {
      // An answer can only come after the question: who listens first misses none.
      const answered = once(socket, 'message', { signal: limit.signal });
      socket.send(packet, GVCP_PORT, host);
      const [message] = (await answered) as [Buffer];
      return message.length >= 8 && message.readUInt16BE(6) === own ? message : null;
    } catch {
      // No answer in time, or the port is closed: the next try decides.
      return null;
    } finally {
      timer.cancel();
    }
  }

  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value >>> 0);
    return bytes;
  };

  return {
    read: async (address) => (await exchange(READ_REGISTER, word(address))).readUInt32BE(0),
    write: async (address, value) => {
      await exchange(WRITE_REGISTER, Buffer.concat([word(address), word(value)]));
    },
    answers: () =>
      exchange(READ_REGISTER, word(0), 3).then(
        () => true,
        () => false,
      ),
  };
}
