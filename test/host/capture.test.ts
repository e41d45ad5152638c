import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { captureCommand } from '../../engine/cli/capture';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceDefinition, PushRequest } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { createDevices, type Devices, decodeCapture, startSimulator } from '../../engine/drivers';
import type { CapturedPart, Decoded } from '../../engine/drivers/driver';
import { type Captures, createCaptures, usualCapture } from '../../engine/host/capture';
import { eventually } from '../support/alarmflow-process';
import { deviceAt, until } from '../support/recording-sink';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function siteWith(definition: DeviceDefinition): { devices: Devices; captures: Captures; told: string[] } {
  const told: string[] = [];
  const devices = createDevices({
    clock: systemClock,
    log: silentLog,
    onEvent: async (_id, { draft }) => {
      told.push(`${draft.type} ${draft.phase}`);
      return `e${told.length}`;
    },
    onPictures: async () => undefined,
    onStatus: () => undefined,
  });
  closers.push(() => devices.close());
  devices.define(definition);
  devices.start();
  const captures = createCaptures({
    devices,
    device: (id) => (id === definition.id ? definition : undefined),
    clock: systemClock,
  });
  return { devices, captures, told };
}

async function* chunksOf(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decoded(driver: string, bytes: Buffer, size = 1 << 16): Promise<Decoded[]> {
  const lines: Decoded[] = [];
  for await (const line of decodeCapture(driver, chunksOf(bytes, size), null)) lines.push(line);
  return lines;
}

const events = (lines: Decoded[]): string[] =>
  lines.flatMap((line) => (line.kind === 'event' ? [`${line.event.type} ${line.event.phase}`] : []));

const request = (body: string, path = '/'): PushRequest => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', authorization: 'Bearer of-the-sender' },
  body: Buffer.from(body),
  remoteAddress: '127.0.0.1',
});

const pusher = deviceAt(80, {
  driver: 'http-push',
  receive: 'push',
  credentials: null,
  options: { mapping: 'type = $.what\nphase = $.state', types: 'DOOR = intrusion' },
});

async function whole(captured: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of captured) parts.push(part);
  return Buffer.concat(parts);
}

const never = new AbortController().signal;

describe('a capture', () => {
  it('of pushes ends at its parts, holds no secret and is understood by the settings of the device', async () => {
    const { devices, captures, told } = siteWith(pusher);
    await devices.push('cam1', request('{"what":"before"}'));
    const captured = whole(captures.capture('cam1', { ...usualCapture, parts: 2 }, ['ingest-token'], never));
    await devices.push('cam1', request('{"what":"DOOR","state":"on","password":"p4ss"}', '/x?key=ingest-token'));
    await devices.push('cam1', request('{"what":"DOOR","state":"off"}'));
    await devices.push('cam1', request('{"what":"after"}'));
    const bytes = await captured;
    const text = bytes.toString();
    for (const secret of ['p4ss', 'ingest-token', 'of-the-sender']) expect(text).not.toContain(secret);
    expect(text).toContain('DOOR');
    expect(text).not.toContain('after');
    const expected = ['intrusion start', 'intrusion stop'];
    expect(events(await decoded('http-push', bytes))).toEqual(expected);
    expect(events(await decoded('http-push', bytes, 1))).toEqual(expected);
    expect(told).toContain('intrusion start');
    await expect(decoded('modbus', bytes)).rejects.toThrow('whose driver is http-push');
  });

  it.each([
    ['hikvision', '/sim/fire', { scene: 'intrusion' }],
    ['onvif', '/sim/input', { token: '000', active: true }],
    ['dahua', '/sim/input', { input: 0, active: true }],
    ['modbus', null, {}],
  ])('of a %s device begins on a connection that is up, and decode reads it', async (kind, poke, asked) => {
    const simulator = await startSimulator(kind, { user: 'admin', password: 'simulated1' });
    closers.push(() => simulator.close());
    const definition = deviceAt(simulator.port, { driver: kind });
    const { devices, captures } = siteWith(definition);
    await until('it is online', () => devices.status('cam1')?.link === 'online', 15_000);
    const since = devices.status('cam1')?.since;
    const taken = whole(captures.capture('cam1', { ...usualCapture, parts: 1, forMs: 30_000 }, [], never));
    if (poke) {
      const headers = { 'content-type': 'application/json' };
      const done = await fetch(`${simulator.url}${poke}`, { method: 'POST', headers, body: JSON.stringify(asked) });
      expect(done.status).toBe(200);
    }
    const bytes = await taken;
    expect(bytes.toString('latin1')).toContain(`"driver":"${kind}"`);
    expect(bytes.toString('latin1')).not.toContain('simulated1');
    expect(devices.status('cam1')?.since).toBe(since);
    const lines = await decoded(kind, bytes);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.kind === 'fault')).toEqual([]);
  });

  it('goes on through a new connection of the device', async () => {
    const { devices, captures } = siteWith(pusher);
    const captured = whole(captures.capture('cam1', { ...usualCapture, parts: 2 }, [], never));
    await devices.push('cam1', request('{"what":"DOOR"}'));
    devices.define({ ...pusher, name: 'Another name' });
    await until('it is connected anew', () => devices.recent('cam1').length === 0);
    await eventually('it takes pushes', () =>
      devices.push('cam1', request('{"what":"motion"}')).then(
        () => true,
        // The new connection is not there yet.
        ({ code }: { code: string }) => {
          expect(code).toBe('E_DEVICE_OFFLINE');
          return false;
        },
      ),
    );
    expect(events(await decoded('http-push', await captured))).toEqual(['intrusion pulse', 'motion pulse']);
  });

  it('ends before more bytes than it may take, when its time is over, and when nobody reads any more', async () => {
    const clock = new VirtualClock(1_000);
    let take: ((part: CapturedPart) => void) | null = null;
    const captures = createCaptures({
      devices: {
        capture(_id, given) {
          take = given;
          return () => {
            take = null;
          };
        },
      },
      device: () => pusher,
      clock,
    });
    const part = (size: number): CapturedPart => ({ at: 1_000, contentType: null, bytes: Buffer.alloc(size, 'a') });
    const send = (size: number): void => take?.(part(size));

    const big = whole(captures.capture('cam1', { parts: 99, bytes: 100, forMs: 1_000 }, [], never));
    send(60);
    send(60);
    expect((await big).toString().match(/^part /gm)).toHaveLength(1);
    expect(take).toBeNull();

    const quiet = whole(captures.capture('cam1', { parts: 99, bytes: 100, forMs: 1_000 }, [], never));
    await clock.advance(1_000);
    expect((await quiet).toString()).toMatch(/^alarmflow-capture\/1 .*\n$/);
    expect(take).toBeNull();

    const gone = new AbortController();
    captures.capture('cam1', usualCapture, [], gone.signal);
    expect(take).not.toBeNull();
    gone.abort();
    expect(take).toBeNull();
  });

  it('is refused for a device that is none, and where too many run', async () => {
    const { captures } = siteWith(pusher);
    expect(() => captures.capture('cam9', usualCapture, [], never)).toThrow('no device "cam9"');
    const ends = new AbortController();
    for (let count = 0; count < 4; count++) captures.capture('cam1', usualCapture, [], ends.signal);
    expect(() => captures.capture('cam1', usualCapture, [], never)).toThrow('4 captures run already');
    ends.abort();
    expect(() => captures.capture('cam1', usualCapture, [], ends.signal)).not.toThrow();
  });
});

describe('a capture file', () => {
  const head = 'alarmflow-capture/1 {"driver":"http-push","device":"D"}\n';
  it.each([
    ['cut off in a part', `${head}part {"at":"x","contentType":null,"size":50}\nabc`, 'ends in the middle'],
    ['damaged', `${head}part {"size":-1}\n`, 'damaged'],
    ['with another line', `${head}odd\n`, 'damaged'],
    ['whose line never ends', `${head}part ${'x'.repeat(300_000)}`, 'damaged'],
    ['whose head is none', 'alarmflow-capture/1 {]\n', 'damaged'],
  ])('that is %s tells so', async (_what, text, reason) => {
    const lines = await decoded('http-push', Buffer.from(text));
    expect(lines).toEqual([expect.objectContaining({ kind: 'fault', reason: expect.stringContaining(reason) })]);
  });

  it('tells pictures in their place', async () => {
    const text = `${head.replace('http-push', 'dahua')}part {"at":"x","contentType":"image/jpeg","size":3}\nabc\n`;
    expect(await decoded('dahua', Buffer.from(text))).toEqual([
      { kind: 'picture', contentType: 'image/jpeg', size: 3 },
    ]);
  });
});

describe('alarmflow capture', () => {
  it('finds the device by its name, asks for its bounds and writes what comes', async () => {
    const asked: string[] = [];
    const server = createServer((call, response) => {
      let body = '';
      call.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      call.on('end', () => {
        asked.push(`${call.method} ${call.url} ${body} ${call.headers.authorization}`);
        if (call.url === '/api/v1/devices')
          response.end(JSON.stringify({ devices: [{ id: 'a/1', name: 'Yard', driver: 'onvif' }] }));
        else response.end('captured bytes');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(() => new Promise<void>((done) => server.close(() => done())));
    const folder = await mkdtemp(join(tmpdir(), 'alarmflow-capture-'));
    closers.push(() => rm(folder, { recursive: true }));
    const { port } = server.address() as AddressInfo;
    await writeFile(join(folder, 'alarmflow.lock'), JSON.stringify({ url: `http://127.0.0.1:${port}` }));
    await writeFile(join(folder, 'cli-token'), 'secret');
    const lines: string[] = [];
    const out = join(folder, 'yard.capture');
    const options = { data: folder, device: 'yard', parts: '5', seconds: undefined, megabytes: undefined, out };
    await captureCommand(options, (line) => void lines.push(line), never);
    expect(await readFile(out, 'utf8')).toBe('captured bytes');
    expect(asked).toEqual([
      'GET /api/v1/devices  Bearer secret',
      'POST /api/v1/devices/a%2F1/capture {"parts":5} Bearer secret',
    ]);
    expect(lines[1]).toBe(`14 bytes are in ${out}; read them with: alarmflow decode onvif ${out}`);
    await expect(captureCommand({ ...options, device: 'x' }, () => undefined, never)).rejects.toThrow('no device "x"');
    await expect(captureCommand({ ...options, parts: 'many' }, () => undefined, never)).rejects.toThrow('--parts');
    const nowhere = { ...options, out: join(folder, 'no', 'such') };
    await expect(captureCommand(nowhere, () => undefined, never)).rejects.toThrow('cannot be written');
  });
});
