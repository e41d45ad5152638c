import { connect } from 'node:net';

/**
 * Sends bytes as they are and resolves to everything that comes back until the other side closes,
 * or until `until` is seen.
 */
export function rawHttp(port: number, parts: (string | Buffer)[], until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (until?.test(answer)) socket.destroy();
    });
    // A reset after the answer is how some refusals end; what was read counts.
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.on('close', () => resolve(answer));
    socket.on('connect', () => {
      for (const part of parts) socket.write(part);
    });
  });
}
