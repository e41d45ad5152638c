import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../../clock/clock';
import type { Faults } from './faults';

export interface StreamsOptions {
  faults: Faults;
  clock: Clock;
  /** Length of the second that `heartbeat=` counts in. */
  secondMs: number;
  /** Parallel streams that the device serves; a further one is refused. */
  maxStreams: number;
  /** Stored events that go out first when `replay-backlog` is on. */
  backlog(): string[];
}

/** The open event streams of the device, written byte by byte as its firmware would, faults included. */
export interface Streams {
  /** @param beatSeconds what the client asked for; null: no heart-beat */
  open(socket: Socket, beatSeconds: number | null): void;
  send(body: string): void;
  isFull(): boolean;
  count(): number;
  /** Cuts every stream: reset when `hard`, else a normal end. */
  cut(hard?: boolean): void;
  close(): void;
}

interface Client {
  writing: Promise<void>;
  beat: Timer | null;
}

export function createStreams(options: StreamsOptions): Streams {
  const { faults, clock } = options;
  const clients = new Map<Socket, Client>();

  function write(socket: Socket, bytes: Buffer): void {
    const client = clients.get(socket);
    if (!client) return;
    client.writing = client.writing.then(() => {
      if (socket.destroyed || faults.has('half-open') || faults.has('silent-stream')) return undefined;
      if (faults.has('one-byte-chunks')) return trickle(socket, bytes);
      socket.write(bytes);
      return undefined;
    });
  }

  return {
    open(socket, beatSeconds) {
      socket.setNoDelay(true);
      const boundary = faults.has('boundary-mismatch')
        ? 'otherboundary'
        : faults.has('dashed-boundary')
          ? '--myboundary'
          : 'myboundary';
      socket.write(
        `HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-cache\r\nContent-Type: multipart/x-mixed-replace; boundary=${boundary}\r\n\r\n`,
      );
      if (faults.has('close-at-once')) {
        socket.end();
        return;
      }
      const client: Client = { writing: Promise.resolve(), beat: null };
      clients.set(socket, client);
      socket.once('close', () => {
        client.beat?.cancel();
        clients.delete(socket);
      });
      socket.on('error', () => socket.destroy());
      if (faults.has('replay-backlog')) for (const body of options.backlog()) write(socket, frame(body, faults));
      if (beatSeconds === null) return;
      client.beat = clock.every(
        beatSeconds * options.secondMs,
        () => {
          if (!faults.has('no-heartbeat')) write(socket, frame('Heartbeat', faults));
        },
        { background: true },
      );
    },
    send(body) {
      const bytes = frame(body, faults);
      for (const socket of clients.keys()) write(socket, bytes);
    },
    isFull: () => clients.size >= options.maxStreams,
    count: () => clients.size,
    cut(hard = false) {
      for (const socket of clients.keys()) {
        if (hard) socket.resetAndDestroy();
        else socket.end();
      }
    },
    close() {
      for (const [socket, client] of clients) {
        client.beat?.cancel();
        socket.destroy();
      }
    },
  };
}

/** Single bytes in separate packets; a turn of the event loop between them lets the reader see each alone. */
async function trickle(socket: Socket, bytes: Buffer): Promise<void> {
  for (let i = 0; i < bytes.length && !socket.destroyed; i++) {
    socket.write(bytes.subarray(i, i + 1));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The bytes of one part with the device's framing (PROTOCOLS §2.2). */
export function frame(text: string, faults: Faults): Buffer {
  const eol = faults.has('lf-only') ? '\n' : '\r\n';
  const boundary = `--myboundary${eol}`;
  const parts: Buffer[] = [];
  const isEvent = text !== 'Heartbeat';
  if (faults.has('garbage-part') && isEvent)
    parts.push(
      Buffer.from(`${boundary}Content-Type: text/plain${eol}Content-Length:9${eol}${eol}\u0001garbage${eol}${eol}`),
    );
  if (faults.has('oversized-part') && isEvent)
    parts.push(
      Buffer.from(`${boundary}Content-Type: text/plain${eol}${eol}Code=VideoMotion;action=Start;index=0;data={"x":"`),
      Buffer.alloc(1_200_000, 0x41),
      Buffer.from(`${eol}${eol}`),
    );
  const body = Buffer.from(text);
  const lengths = {
    'wrong-content-length': body.length + 57,
    'short-content-length': Math.max(1, body.length - 20),
    'zero-content-length': 0,
    'constant-length-37': 37,
  };
  let length: number | null = body.length;
  for (const [name, value] of Object.entries(lengths)) if (faults.has(name as keyof typeof lengths)) length = value;
  if (faults.has('no-content-length')) length = null;
  const gap = faults.has('blank-after-colon') ? ' ' : '';
  const head = [
    'Content-Type: text/plain',
    ...(length === null ? [] : [`Content-Length:${gap}${length}`]),
    ...(faults.has('more-head-lines') ? ['Channel:1', 'X-Thermal-Seq:77'] : []),
  ].join(eol);
  const begin = faults.has('double-boundary') ? `${boundary}${boundary}` : boundary;
  const blank = faults.has('no-blank-line') ? '' : eol;
  parts.push(Buffer.from(`${begin}${head}${eol}${blank}`), body, Buffer.from(`${eol}${eol}`));
  return Buffer.concat(parts);
}
