/**
 * A real SMTP server on loopback that keeps what it gets, with the moods of servers in the field. What it refuses may be
 * changed in its options while it runs.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Certificate } from './smtp-certificate';

export interface Delivered {
  from: string;
  to: string[];
  raw: string;
  mail: Email;
  user: string | undefined;
  secure: boolean;
}

export interface PostOffice {
  port: number;
  delivered: Delivered[];
  /** Logins that were tried. */
  logins: { user: string; password: string; secure: boolean }[];
  /** Connections so far, and the most that were open at once. */
  connections: { all: number; most: number };
  close(): Promise<void>;
}

const refusal = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

export async function openPostOffice(
  options: {
    /** Default: a free one. */
    port?: number;
    security?: 'none' | 'starttls' | 'tls';
    certificate?: Certificate | null;
    login?: { user: string; password: string };
    /** Answer to receivers by address: code and text. */
    refuse?: Record<string, [code: number, text: string]>;
    /** Answer to the message itself. */
    refuseMessage?: [code: number, text: string];
    refuseLogin?: [code: number, text: string];
    /** Ways to log in that are offered; default: LOGIN and PLAIN. */
    authMethods?: string[];
    /** Access tokens that are taken (XOAUTH2), looked up at each login. */
    tokens?: { user: string; valid: Set<string> };
    /** Most connections at once; more are told so. */
    mostConnections?: number;
    /** Largest message, told in the greeting (RFC 1870). */
    size?: number;
  } = {},
): Promise<PostOffice> {
  const security = options.security ?? 'none';
  const delivered: Delivered[] = [];
  const logins: PostOffice['logins'] = [];
  const connections = { all: 0, most: 0 };
  let open = 0;
  const settings: SMTPServerOptions = {
    secure: security === 'tls',
    ...(options.certificate ? { key: options.certificate.key, cert: options.certificate.cert } : {}),
    authOptional: !options.login && !options.tokens,
    ...(options.authMethods ? { authMethods: options.authMethods } : {}),
    ...(options.size ? { size: options.size } : {}),
    allowInsecureAuth: true,
    disabledCommands: [
      ...(security === 'starttls' ? [] : ['STARTTLS']),
      ...(options.login || options.tokens ? [] : ['AUTH']),
    ],
    disableReverseLookup: true,
    closeTimeout: 100,
    logger: false,
    onConnect(_session, callback) {
      open++;
      if (open > (options.mostConnections ?? Number.POSITIVE_INFINITY))
        return callback(refusal(421, '4.7.0 Too many concurrent connections from your address'));
      connections.all++;
      connections.most = Math.max(connections.most, open);
      callback(null);
    },
    onClose() {
      open--;
    },
    onAuth(auth, session, callback) {
      if (auth.method === 'XOAUTH2') {
        logins.push({ user: auth.username ?? '', password: auth.accessToken ?? '', secure: session.secure });
        const { tokens } = options;
        if (tokens?.user === auth.username && tokens?.valid.has(auth.accessToken ?? ''))
          return callback(null, { user: auth.username });
        return callback(null, { data: { status: '400', schemes: 'Bearer', scope: 'https://mail.example/' } });
      }
      logins.push({ user: auth.username ?? '', password: auth.password ?? '', secure: session.secure });
      if (options.refuseLogin) callback(refusal(...options.refuseLogin));
      else if (
        auth.username === options.login?.user &&
        (auth.method === 'CRAM-MD5'
          ? auth.validatePassword(options.login?.password ?? '')
          : auth.password === options.login?.password)
      )
        callback(null, { user: auth.username });
      else callback(refusal(535, '5.7.8 Bad user or password'));
    },
    onRcptTo(address, _session, callback) {
      const answer = options.refuse?.[address.address];
      callback(answer ? refusal(...answer) : null);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        const { refuseMessage } = options;
        if (refuseMessage) return callback(refusal(...refuseMessage));
        const raw = Buffer.concat(chunks);
        delivered.push({
          from: session.envelope.mailFrom ? session.envelope.mailFrom.address : '',
          to: session.envelope.rcptTo.map((to) => to.address),
          raw: raw.toString('latin1'),
          mail: await PostalMime.parse(raw),
          user: session.user,
          secure: session.secure,
        });
        callback(null, 'Taken');
      });
    },
  };
  const server = new SMTPServer(settings);
  // Refused handshakes are part of what is tested; the client's error is what counts.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    delivered,
    logins,
    connections,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A server that speaks lines of its own and then does what `after` says; for servers that break off. */
export async function openRudeServer(
  talk: (line: string, socket: Socket) => void,
  greeting: string | null = '220 rude ESMTP',
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    if (greeting !== null) socket.write(`${greeting}\r\n`);
    let rest = '';
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        talk(line, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
