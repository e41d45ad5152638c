import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolCommand } from '../tool';

/** What the stand-in for arv-tool is to do for one call. */
export interface StandInAnswer {
  stdout: string;
  stderr: string;
  /** Print and then never end. */
  hang?: boolean;
  /** Print without end. */
  flood?: boolean;
  /** End by this signal. */
  signal?: string;
}

export interface StandIn {
  tool: ToolCommand;
  close(): Promise<void>;
}

/** A program of a few lines in place of arv-tool: asks at a port of this machine what to print. Its exit code is 0. */
const program = `
const { connect } = require('node:net');
const socket = connect(Number(process.argv[2]), '127.0.0.1');
let text = '';
socket.on('data', (chunk) => { text += chunk; });
socket.on('end', () => {
  const answer = JSON.parse(text);
  process.stderr.write(answer.stderr);
  process.stdout.write(answer.stdout, () => {
    if (answer.signal) process.kill(process.pid, answer.signal);
    if (answer.flood) (function more() { process.stdout.write('x'.repeat(65536) + '\\n', more); })();
    if (answer.hang) require('node:net').createServer().listen(0, '127.0.0.1');
  });
});
socket.on('error', () => process.exit(0));
socket.write(JSON.stringify({ args: process.argv.slice(3), pid: process.pid }) + '\\n');
`;

const REQUEST_LIMIT = 64 * 1024;

/** Starts the port and writes the program; the tool runs with this node. */
export async function startStandIn(answer: (args: string[], pid: number) => Promise<StandInAnswer>): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-camera-'));
  const file = join(folder, 'arv-tool.cjs');
  await writeFile(file, program, { mode: 0o600 });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The process that asked was killed; there is nobody to tell.
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.length > REQUEST_LIMIT) return socket.destroy();
      if (!text.endsWith('\n')) return;
      const { args, pid } = JSON.parse(text) as { args: string[]; pid: number };
      text = '';
      answer(args, pid).then(
        (said) => socket.end(JSON.stringify(said)),
        () => socket.destroy(),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    tool: { command: process.execPath, args: [file, String(port)] },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
