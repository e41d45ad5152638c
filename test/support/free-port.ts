/**
 * Ports for servers that cannot find one by themselves, and for tests in which nobody must listen. They lie below those
 * that operating systems give away (Linux from 32768, others from 49152): one of those, once closed, may be the source
 * of any connection, or the port of another test's server, before ours takes it, or takes it again after a restart.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const FIRST = 20_000;
const EACH = 1_500;
/** Test files that run at once have ranges of their own; several runs on one machine seldom meet. */
const first = FIRST + ((Number(process.env.VITEST_POOL_ID ?? 1) - 1) % 8) * EACH;
let next = Math.floor(Math.random() * EACH);

/** Whether nobody has it at the moment. */
type IsFree = (port: number) => Promise<boolean>;

const tcp: IsFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const udp: IsFree = (port) =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });

async function find(isFree: IsFree): Promise<number> {
  for (let tried = 0; tried < EACH; tried++) {
    const port = first + (next++ % EACH);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free from ${first} to ${first + EACH - 1}`);
}

/** A TCP port of 127.0.0.1; never the same twice in one test file. */
export const freePort = (): Promise<number> => find(tcp);

/** The same for UDP. */
export const freeUdpPort = (): Promise<number> => find(udp);
