/** A token server on loopback (RFC 6749) whose answers a test may change while it runs. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON; null: no answer at all. */
  body?: unknown;
}

export interface TokenServer {
  url: string;
  /** Forms that came, in their order. */
  asked: URLSearchParams[];
  answer: (form: URLSearchParams) => TokenAnswer | null;
  close(): Promise<void>;
}

export async function openTokenServer(answer: TokenServer['answer']): Promise<TokenServer> {
  const opened: TokenServer = { url: '', asked: [], answer, close: async () => undefined };
  const server: Server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const form = new URLSearchParams(text);
      opened.asked.push(form);
      const given = opened.answer(form);
      if (given === null) return;
      const { status = 200, headers = {}, body = {} } = given;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  opened.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return opened;
}
