/** A way to a server on this machine that can be closed and opened again, as when a switch port is pulled. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Gate {
  port: number;
  /** Ends what goes through it, and refuses what comes. */
  close(): void;
  open(): void;
  end(): Promise<void>;
}

export async function openGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let closed = false;
  const server = createServer((inside) => {
    if (closed) {
      inside.destroy();
      return;
    }
    const outside = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      closed = true;
      cut();
    },
    open() {
      closed = false;
    },
    async end() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
