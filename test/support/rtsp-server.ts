/**
 * A small RTSP server (RFC 2326), interleaved TCP, for players UDP where that is said: ffmpeg pushes into it (ANNOUNCE, RECORD), players get what it
 * pushes (DESCRIBE, SETUP, PLAY), with Basic or Digest login. Its faults are those that cameras have.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

export interface RtspServerOptions {
  /** Players must log in; absent: anybody may look. */
  login?: { scheme: 'basic' | 'digest'; user: string; password: string };
  port?: number;
  /** An old camera: pictures by UDP alone. */
  udp?: boolean;
}

export interface RtspServer {
  port: number;
  /** `rtsp://127.0.0.1:port/path`. */
  url(path: string): string;
  /** Requests of players so far, `METHOD path`. */
  requests: string[];
  /** Players that are being sent pictures. */
  players(): number;
  /** Nothing is passed on while it is set, connections stay open. */
  stall(on: boolean): void;
  /** Nothing is passed on of that track while it is set. */
  mute(track: number | null): void;
  /** Adds that to the times of all that is passed on (RTP and RTCP), as a camera does whose clock is set. */
  shiftClock(seconds: number): void;
  /** Breaks off all players at once. */
  dropPlayers(): void;
  /** Starts a test picture pushed to this path; resolves when it flows. */
  push(path: string, picture?: PictureOptions): Promise<void>;
  /** Ends the pushed picture of a path. */
  endPush(path: string): Promise<void>;
  close(): Promise<void>;
}

export interface PictureOptions {
  size?: string;
  rate?: number;
  /** Pictures from one key frame to the next. */
  gop?: number;
  codec?: 'libx264' | 'libx265' | 'mjpeg' | 'mpeg4';
  /** With a second track: a tone. */
  sound?: 'aac' | 'pcm_alaw' | 'pcm_mulaw' | 'g726';
}

interface Mount {
  sdp: string;
  pusher: Socket;
  players: Map<Socket, Map<number, number>>;
  /** Interleaved channel of the pusher → number of its track. */
  tracks: Map<number, number>;
}

const MOST = 1 << 20;

/** Why there is no ffmpeg here, or null. */
export function ffmpegMissing(): string | null {
  for (const program of ['ffmpeg', 'ffprobe'])
    if (spawnSync(program, ['-version'], { stdio: 'ignore' }).status !== 0)
      return `${program} is not installed (Debian package "ffmpeg")`;
  return null;
}

/** An RTP packet's time, or a sender report's wall time, so many seconds later. */
function setBack(frame: Buffer, seconds: number): void {
  const report = frame[5]! >= 200 && frame[5]! <= 204;
  if (!report) frame.writeUInt32BE((frame.readUInt32BE(8) + (((seconds * 90_000) % 2 ** 32) + 2 ** 32)) % 2 ** 32, 8);
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

export async function startRtspServer(options: RtspServerOptions = {}): Promise<RtspServer> {
  const { login } = options;
  const mounts = new Map<string, Mount>();
  const sockets = new Set<Socket>();
  const pushes = new Map<string, ChildProcess>();
  const requests: string[] = [];
  const datagrams = createSocket('udp4');
  datagrams.unref();
  const nonce = randomBytes(8).toString('hex');
  let stalled = false;
  let muted: number | null = null;
  let closed = false;
  let shift = 0;

  function allowed(method: string, header: string | undefined): boolean {
    if (!login) return true;
    if (header === undefined) return false;
    if (login.scheme === 'basic')
      return header === `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
    const field = (name: string): string => new RegExp(`[ ,]${name}="([^"]*)"`).exec(` ${header}`)?.[1] ?? '';
    const expected = md5(
      `${md5(`${login.user}:camera:${login.password}`)}:${nonce}:${md5(`${method}:${field('uri')}`)}`,
    );
    return field('username') === login.user && field('nonce') === nonce && field('response') === expected;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    let waiting = Buffer.alloc(0);
    let pushing: Mount | null = null;
    let playing: Mount | null = null;
    const slots = new Map<number, number>();
    const session = randomBytes(4).toString('hex');

    socket.on('close', () => {
      sockets.delete(socket);
      playing?.players.delete(socket);
      if (!pushing) return;
      for (const [path, mount] of mounts) if (mount === pushing) mounts.delete(path);
      for (const player of pushing.players.keys()) player.destroy();
    });

    function answer(cseq: string, status: string, headers: Record<string, string> = {}, body = ''): void {
      const lines = [`RTSP/1.0 ${status}`, `CSeq: ${cseq}`, `Session: ${session}`];
      for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
      if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
      socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
    }

    function handle(head: string, body: string): void {
      const [first = '', ...lines] = head.split('\r\n');
      const [method = '', target = ''] = first.split(' ');
      const headers = new Map(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const cseq = headers.get('cseq') ?? '0';
      const path = (URL.canParse(target) ? new URL(target).pathname + new URL(target).search : target).replace(
        /\/$/,
        '',
      );
      const own = path.replace(/\/(?:streamid|track)=\d+$/, '');
      const track = Number(/(?:streamid|track)=(\d+)$/.exec(path)?.[1] ?? 0);
      const transport = headers.get('transport') ?? '';
      const channel = Number(/interleaved=(\d+)/.exec(transport)?.[1] ?? 0);
      if (method === 'OPTIONS') {
        answer(cseq, '200 OK', { Public: 'OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, TEARDOWN, GET_PARAMETER' });
      } else if (method === 'ANNOUNCE') {
        pushing = { sdp: body, pusher: socket, players: new Map(), tracks: new Map() };
        mounts.set(own, pushing);
        answer(cseq, '200 OK');
      } else if (pushing) {
        if (method === 'SETUP') {
          pushing.tracks.set(channel, track);
          answer(cseq, '200 OK', { Transport: transport });
        } else answer(cseq, '200 OK');
      } else {
        requests.push(`${method} ${own}`);
        if (!allowed(method, headers.get('authorization'))) {
          const challenge =
            login?.scheme === 'basic' ? 'Basic realm="camera"' : `Digest realm="camera", nonce="${nonce}"`;
          answer(cseq, '401 Unauthorized', { 'WWW-Authenticate': challenge });
          return;
        }
        const mount = mounts.get(own);
        if (!mount) answer(cseq, '404 Not Found');
        else if (method === 'DESCRIBE') {
          answer(cseq, '200 OK', { 'Content-Base': `${target}/`, 'Content-Type': 'application/sdp' }, mount.sdp);
        } else if (method === 'SETUP') {
          const clientPort = Number(/client_port=(\d+)/.exec(transport)?.[1] ?? 0);
          // Ports stand below 0 among the channels.
          slots.set(track, clientPort > 0 ? -clientPort : channel);
          if (/TCP/i.test(transport) === Boolean(options.udp)) answer(cseq, '461 Unsupported Transport');
          else if (clientPort > 0)
            answer(cseq, '200 OK', {
              Transport: `RTP/AVP;unicast;client_port=${clientPort}-${clientPort + 1};server_port=9000-9001`,
            });
          else answer(cseq, '200 OK', { Transport: `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}` });
        } else if (method === 'PLAY') {
          playing = mount;
          answer(cseq, '200 OK');
          mount.players.set(socket, slots);
        } else if (method === 'TEARDOWN') {
          mount.players.delete(socket);
          answer(cseq, '200 OK');
          socket.end();
        } else answer(cseq, '200 OK');
      }
    }

    function passOn(frame: Buffer): void {
      if (!pushing || stalled) return;
      const channel = frame[1]!;
      const track = pushing.tracks.get(channel & ~1);
      if (track === muted) return;
      for (const [player, slot] of pushing.players) {
        const to = track === undefined ? undefined : slot.get(track);
        if (to === undefined || player.writableLength > MOST) continue;
        const copy = Buffer.from(frame);
        if (shift !== 0) setBack(copy, shift);
        if (to < 0) {
          datagrams.send(copy.subarray(4), -to + (channel & 1), '127.0.0.1', () => undefined);
          continue;
        }
        copy[1] = to + (channel & 1);
        player.write(copy);
      }
    }

    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      for (;;) {
        if (waiting[0] === 0x24) {
          if (waiting.length < 4) return;
          const end = 4 + waiting.readUInt16BE(2);
          if (waiting.length < end) return;
          passOn(waiting.subarray(0, end));
          waiting = waiting.subarray(end);
          continue;
        }
        const end = waiting.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = waiting.subarray(0, end).toString('latin1');
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        if (waiting.length < end + 4 + length) return;
        const body = waiting.subarray(end + 4, end + 4 + length).toString('utf8');
        waiting = waiting.subarray(end + 4 + length);
        handle(head, body);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = (path: string): string => `rtsp://127.0.0.1:${port}${path}`;

  async function endPush(path: string): Promise<void> {
    const process = pushes.get(path);
    pushes.delete(path);
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      process.once('exit', () => resolve());
      process.kill('SIGKILL');
    });
    // Its picture is there until its connection has ended.
    while (mounts.has(path)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  return {
    port,
    url,
    requests,
    players: () => [...mounts.values()].reduce((sum, mount) => sum + mount.players.size, 0),
    mute(track) {
      muted = track;
    },
    shiftClock(seconds) {
      shift += seconds;
    },
    stall(on) {
      stalled = on;
    },
    dropPlayers() {
      for (const mount of mounts.values()) for (const player of mount.players.keys()) player.destroy();
    },
    async push(path, picture = {}) {
      const { size = '320x240', rate = 10, gop = 10, codec = 'libx264', sound } = picture;
      // RTP carries Motion JPEG with the standard tables alone (RFC 2435).
      const tuning =
        codec === 'mjpeg'
          ? ['-q:v', '8', '-huffman', 'default', '-force_duplicated_matrix', '1']
          : codec === 'mpeg4'
            ? ['-bf', '0']
            : ['-preset', 'ultrafast', '-tune', 'zerolatency', '-bf', '0'];
      const rateOf = sound === 'aac' ? 16_000 : 8_000;
      const tone = sound
        ? ['-re', '-f', 'lavfi', '-i', `sine=frequency=500:sample_rate=${rateOf}`, '-c:a', sound, '-ac', '1']
        : [];
      const source = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}`, ...tone];
      const sink = ['-g', String(gop), '-f', 'rtsp', '-rtsp_transport', 'tcp', url(path)];
      const args = [
        '-nostdin',
        '-loglevel',
        'error',
        ...source,
        '-c:v',
        codec,
        '-pix_fmt',
        codec === 'mjpeg' ? 'yuvj420p' : 'yuv420p',
        ...tuning,
        ...sink,
      ];
      const child = spawn('ffmpeg', args, { stdio: 'ignore' });
      pushes.set(path, child);
      for (let waited = 0; waited < 600 && child.exitCode === null && !mounts.has(path); waited++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      if (!mounts.has(path)) throw new Error(`ffmpeg pushed nothing to ${path}`);
    },
    endPush,
    async close() {
      for (const path of [...pushes.keys()]) await endPush(path);
      for (const socket of sockets) socket.destroy();
      // A test may have closed it as a fault, before everything is closed.
      if (!closed) datagrams.close();
      closed = true;
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
