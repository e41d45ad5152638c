import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../../clock/clock';
import type { Faults } from './faults';

/** What is sent as one alert: its text, and the pictures that follow it. */
export interface StreamAlert {
  text: string;
  contentType: 'application/xml' | 'application/json';
  pictures: Buffer[];
}

export interface StreamsOptions {
  faults: Faults;
  clock: Clock;
  heartbeatMs: number;
  /** Parallel streams that the device serves; a further one is refused with 503. */
  maxStreams: number;
  heartbeat(): StreamAlert;
  /** Stored alerts that go out first when `replay-backlog` is on. */
  backlog(): StreamAlert[];
  dateHeader(): string;
}

/** A stream that was asked for by subscribeEvent. */
export interface SimulatedSubscription {
  id: string;
  heartbeatMs: number;
  /** null: all. */
  types: string[] | null;
  /** Answer to the request, and its sign of life. */
  first: StreamAlert;
  heartbeat(): StreamAlert;
}

/** The open alert streams of the device, written byte by byte as its firmware would, faults included. */
export interface Streams {
  /** @param subscription absent: an alert stream */
  open(socket: Socket, subscription?: SimulatedSubscription): void;
  /** @param eventType subscriptions that did not ask for it are left out */
  send(alert: StreamAlert, eventType?: string): number;
  subscriptions(): SimulatedSubscription[];
  isFull(): boolean;
  count(): number;
  /** Cuts every stream: reset when `hard`, else a normal end. */
  cut(hard?: boolean): void;
  heartbeatChanged(): void;
  close(): void;
}

export function createStreams(options: StreamsOptions): Streams {
  const { faults, clock } = options;
  const sockets = new Map<Socket, Promise<void>>();
  const subscribed = new Map<Socket, SimulatedSubscription>();
  let beat: Timer | null = null;

  const write = (socket: Socket, bytes: Buffer): void => {
    const previous = sockets.get(socket) ?? Promise.resolve();
    sockets.set(
      socket,
      previous.then(() => {
        if (socket.destroyed || faults.has('half-open') || faults.has('silent-stream')) return undefined;
        if (!faults.has('one-byte-chunks')) {
          socket.write(bytes);
          return undefined;
        }
        return trickle(socket, bytes);
      }),
    );
  };

  function scheduleBeat(): void {
    beat?.cancel();
    beat = null;
    if (faults.has('no-heartbeat') || sockets.size === 0) return;
    beat = clock.after(
      faults.has('fast-heartbeat') ? 300 : options.heartbeatMs,
      () => {
        for (const socket of sockets.keys())
          if (!subscribed.has(socket)) write(socket, frame(options.heartbeat(), faults));
        scheduleBeat();
      },
      { background: true },
    );
  }

  return {
    open(socket, subscription) {
      socket.setNoDelay(true);
      const boundary = faults.has('boundary-mismatch')
        ? 'MIME_boundary'
        : faults.has('dashed-boundary')
          ? '--boundary'
          : 'boundary';
      const date = faults.has('no-date-header') ? '' : `Date: ${options.dateHeader()}\r\n`;
      socket.write(
        `HTTP/1.1 200 OK\r\nMIME-Version: 1.0\r\n${date}Connection: close\r\nContent-Type: multipart/mixed; boundary=${boundary}\r\n\r\n`,
      );
      if (faults.has('close-at-once')) {
        socket.end();
        return;
      }
      sockets.set(socket, Promise.resolve());
      if (subscription) {
        subscribed.set(socket, subscription);
        socket.once('close', () => subscribed.delete(socket));
        write(socket, frame(subscription.first, faults));
        const own = clock.every(
          subscription.heartbeatMs,
          () => {
            if (!faults.has('no-heartbeat')) write(socket, frame(subscription.heartbeat(), faults));
          },
          { background: true },
        );
        socket.once('close', () => own.cancel());
      }
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      if (!subscription && !faults.has('no-heartbeat')) write(socket, frame(options.heartbeat(), faults));
      if (faults.has('replay-backlog')) for (const alert of options.backlog()) write(socket, frame(alert, faults));
      scheduleBeat();
    },
    send(alert, eventType) {
      const bytes = frame(alert, faults);
      for (const socket of sockets.keys()) {
        const types = subscribed.get(socket)?.types ?? null;
        if (types === null || eventType === undefined || types.includes(eventType)) write(socket, bytes);
      }
      return sockets.size;
    },
    subscriptions: () => [...subscribed.values()],
    isFull: () => sockets.size >= options.maxStreams,
    count: () => sockets.size,
    cut(hard = false) {
      for (const socket of sockets.keys()) {
        if (hard) socket.resetAndDestroy();
        else socket.end();
      }
    },
    heartbeatChanged: scheduleBeat,
    close() {
      beat?.cancel();
      for (const socket of sockets.keys()) socket.destroy();
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

/** The bytes of one alert and its pictures with the device's framing. */
export function frame(alert: StreamAlert, faults: Faults): Buffer {
  const eol = faults.has('lf-only') ? '\n' : '\r\n';
  const boundary = `--boundary${eol}`;
  const parts: Buffer[] = [];
  if (faults.has('garbage-part'))
    parts.push(
      Buffer.from(`${boundary}Content-Type: application/xml${eol}${eol}<EventNotificationAlert><eventTy${eol}`),
    );
  if (faults.has('oversized-part'))
    parts.push(
      Buffer.from(`${boundary}Content-Type: application/xml${eol}${eol}<EventNotificationAlert><x>`),
      Buffer.alloc(1_200_000, 0x41),
      Buffer.from(eol),
    );
  parts.push(textPart(alert, faults, eol, boundary));
  for (const [i, picture] of alert.pictures.entries()) {
    const length = faults.has('pictures-short-length') ? Math.max(1, picture.length - 100) : picture.length;
    parts.push(
      Buffer.from(
        `${boundary}Content-Disposition: form-data; name="detectionPicture${i + 1}"; filename="picture${i + 1}.jpg"${eol}` +
          `Content-Type: ${i === 0 ? 'image/jpeg' : 'image/pjpeg'}${eol}Content-Length: ${length}${eol}${eol}`,
      ),
      picture,
      Buffer.from(eol),
    );
  }
  return Buffer.concat(parts);
}

/** Text that calls itself UTF-8 and holds a name in GBK. */
function gbkNamed(text: string): Buffer {
  const [before, ...behind] = text.split('<channelName>');
  if (behind.length === 0) return Buffer.from(text);
  const name = Buffer.from([0xb4, 0xf3, 0xc3, 0xc5]);
  return Buffer.concat([Buffer.from(`${before}<channelName>`), name, Buffer.from(behind.join('<channelName>'))]);
}

function textPart(alert: StreamAlert, faults: Faults, eol: string, boundary: string): Buffer {
  let text = faults.has('lf-only') ? alert.text.replaceAll('\r\n', '\n') : alert.text;
  if (faults.has('leading-blank-line')) text = `${eol}<?xml version="1.0" encoding="UTF-8"?>${eol}${text}`;
  const body = faults.has('gbk-names') ? gbkNamed(text) : Buffer.from(text);
  const lengths = {
    'wrong-content-length': body.length + 57,
    'short-content-length': Math.max(1, body.length - 40),
    'zero-content-length': 0,
  };
  let length: number | null = body.length;
  for (const [name, value] of Object.entries(lengths)) if (faults.has(name as keyof typeof lengths)) length = value;
  if (faults.has('no-content-length')) length = null;
  const head = [
    `Content-Type: ${alert.contentType}; charset="UTF-8"`,
    ...(length === null ? [] : [`Content-Length: ${length}`]),
  ].join(eol);
  const begin = faults.has('double-boundary') ? `${boundary}${boundary}` : boundary;
  const blank = faults.has('no-blank-line') ? '' : eol;
  return Buffer.concat([Buffer.from(`${begin}${head}${eol}${blank}`), body, Buffer.from(eol)]);
}
