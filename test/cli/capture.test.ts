/** `alarmflow capture` and `alarmflow decode` for every driver, over the site's own route and the driver's simulator. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { captureCommand } from '../../engine/cli/capture';
import { decodeCommand } from '../../engine/cli/decode';
import { systemClock } from '../../engine/clock/system-clock';
import type { Decoded } from '../../engine/drivers';
import { addCaptureRoutes } from '../../engine/host/api/capture-routes';
import { createCaptures } from '../../engine/host/capture';
import { opening } from '../contract/driver-contract';
import { driverKindsPlayed } from '../contract/driver-kinds';
import { type Closers, type DriverKind, type Hub, online, pause } from '../contract/played-device';
import { until } from '../support/recording-sink';

const PUSH_TOKEN = 'tok-of-the-push-url';

interface Capture {
  hub: Hub;
  /** Ends the capture; resolves with the file. */
  file(): Promise<string>;
}

/** A capture of the device that is under way, by the command, from a site with its own route. */
async function capturing(kind: DriverKind, closers: Closers, change: DriverKind['change'] = {}): Promise<Capture> {
  const hub = await online({ ...kind, change: { ...kind.change, ...change } }, closers);
  const { definition } = hub;
  const captures = createCaptures({ devices: hub.devices, device: () => definition, clock: systemClock });
  const app = express().use(express.json());
  app.get('/api/v1/devices', (_request, response) => {
    response.json({ devices: [{ id: definition.id, name: definition.name, driver: definition.driver }] });
  });
  const router = express.Router();
  addCaptureRoutes(router, {
    services: {
      capture: async (id, limits, signal) => captures.capture(id, limits, [PUSH_TOKEN], signal),
      audit: async () => undefined,
    },
    context: () => ({ identity: null }) as unknown as ReturnType<Parameters<typeof addCaptureRoutes>[1]['context']>,
    need: () => (_request, _response, next) => next(),
  });
  app.use('/api/v1', router);
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-capture-'));
  closers.push(
    () => rm(folder, { recursive: true }),
    async () => {
      server.close();
      server.closeAllConnections();
    },
  );
  const { port } = server.address() as AddressInfo;
  await writeFile(join(folder, 'alarmflow.lock'), JSON.stringify({ url: `http://127.0.0.1:${port}` }));
  await writeFile(join(folder, 'cli-token'), 'secret');
  const out = join(folder, 'out.capture');
  const bounds = { parts: '10000', seconds: '60', megabytes: '16' };
  const end = new AbortController();
  const told: string[] = [];
  const tell = (line: string): void => void told.push(line);
  const done = captureCommand({ data: folder, device: definition.name, out, ...bounds }, tell, end.signal);
  done.catch(() => undefined);
  await until('it captures', () => told.length > 0);
  // What is polled is looked at before anything happens.
  await pause(700);
  return {
    hub,
    async file() {
      await pause(500);
      end.abort();
      await done;
      return out;
    },
  };
}

async function decoded(driver: string, file: string): Promise<Decoded[]> {
  const lines: Decoded[] = [];
  await decodeCommand(driver, file, {}, (line) => lines.push(JSON.parse(line) as Decoded));
  return lines;
}

type Told = { type: string; phase: string; input?: string; rule?: string };
const words = ({ type, phase, input = '', rule = '' }: Told): string => `${type} ${phase} ${input} ${rule}`.trimEnd();

describe.concurrent.each(driverKindsPlayed)('a capture of $kind', (kind) => {
  /** A datagram does not say who has sent it. */
  const inFile = (told: Told): string => words(kind.kind === 'snmp-traps' ? { ...told, input: '' } : told);

  it(
    'is decoded to the events that were told',
    opening(async (closers) => {
      const receive = kind.change?.receive === 'both' ? 'push' : (kind.change?.receive ?? 'stream');
      const { hub, file } = await capturing(kind, closers, { receive });
      const mark = hub.events.length;
      await hub.device.repeat();
      await until('the condition', () => hub.of('start').length > 0);
      await pause(300);
      await hub.device.repeat();
      await pause(300);
      await hub.device.end();
      await until('its end', () => hub.events.slice(mark).some(({ draft }) => draft.phase === 'stop'));
      await hub.device.unknown?.();
      const path = await file();
      const mine = ({ type }: { type: string }): boolean => type === hub.device.type || type.startsWith('vendor:');
      const live = hub.events.slice(mark).flatMap(({ draft }) => (mine(draft) ? [inFile(draft)] : []));
      expect(live.length).toBeGreaterThanOrEqual(kind.has.includes('unknown') ? 3 : 2);
      const lines = await decoded(kind.kind, path);
      const read = lines.flatMap((line) => (line.kind === 'event' && mine(line.event) ? [inFile(line.event)] : []));
      // What was on or off before is in the capture, too.
      expect(read.slice(read.indexOf(live[0]!))).toEqual(live);
      expect(lines.filter((line) => line.kind === 'fault')).toEqual([]);
      const bytes = await readFile(path, 'latin1');
      for (const secret of ['simulated1', Buffer.from('admin:simulated1').toString('base64')])
        expect(bytes).not.toContain(secret);
    }),
  );

  const where = (has: boolean): typeof it => (has ? it : ((() => undefined) as unknown as typeof it));

  where(kind.has.includes('confides'))(
    'holds no secret that the device sends',
    opening(async (closers) => {
      const { hub, file } = await capturing(kind, closers);
      await hub.device.confide!('pl4nted-secret');
      const bytes = await readFile(await file(), 'latin1');
      expect(bytes).toMatch(/passw(or)?d/i);
      expect(bytes).toContain('**************');
      expect(bytes).not.toContain('pl4nted-secret');
    }),
  );

  where(kind.has.includes('pushes'))(
    'holds neither login, cookie nor token of a push',
    opening(async (closers) => {
      const { hub, file } = await capturing(kind, closers, { receive: 'both' });
      const secrets = [
        '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        'c00kie-value',
        PUSH_TOKEN,
        'simulated1',
        'YWRtaW46c2ltdWxhdGVkMQ',
      ];
      const request = {
        method: 'POST',
        path: `/x?token=${PUSH_TOKEN}&user=admin&password=simulated1`,
        headers: {
          'content-type': 'application/xml',
          authorization: `Digest username="admin", realm="r", nonce="n", uri="/", response="${secrets[0]}"`,
          'proxy-authorization': 'Basic YWRtaW46c2ltdWxhdGVkMQ==',
          cookie: `session=${secrets[1]}`,
          referer: `http://admin:simulated1@127.0.0.1/${PUSH_TOKEN}`,
        },
        body: Buffer.from(
          '<EventNotificationAlert><eventType>VMD</eventType><eventState>active</eventState><marker/></EventNotificationAlert>',
        ),
        remoteAddress: '127.0.0.1',
      };
      // Whether it is understood is another matter: it is captured as it came.
      await hub.devices.push('cam1', request).catch(() => undefined);
      const bytes = await readFile(await file(), 'latin1');
      expect(bytes).toContain('<marker/>');
      for (const secret of secrets) expect(bytes).not.toContain(secret);
    }),
  );
});
