import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ReceivedEvent } from '../../../engine/domain/devices';
import { asAlarmflowError } from '../../../engine/domain/errors';
import type { DriverConnection } from '../../../engine/drivers/driver';
import type { OnvifSimulator } from '../../../engine/drivers/onvif';
import {
  closeOnvif,
  onvifAt,
  onvifConnection,
  onvifDevice,
  onvifOnline,
  quickTiming,
} from '../../support/connected-onvif';
import { until } from '../../support/recording-sink';
import { pause } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

let server: Server | null = null;

afterEach(async () => {
  await closeOnvif();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = null;
});

/** Our side of notifications, as the host has it: the body goes to the connection, the answer is 200. */
async function listener(): Promise<{ url: string; pushed: ReceivedEvent[]; to(connection: DriverConnection): void }> {
  let target: DriverConnection | null = null;
  const pushed: ReceivedEvent[] = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const push = { method, path: url, headers, body: Buffer.concat(chunks), remoteAddress: '127.0.0.1' };
      const receiver = target;
      if (!receiver) return response.writeHead(503).end();
      receiver
        .push(push)
        .then((events) => {
          pushed.push(...events);
          response.writeHead(200).end();
        })
        .catch((thrown: unknown) => response.writeHead(400).end(asAlarmflowError(thrown).message));
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/ingest/token`,
    pushed,
    to(connection) {
      target = connection;
    },
  };
}

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

describe('events by notification', () => {
  it('takes over where pulling is not supported', async () => {
    const { url, pushed, to } = await listener();
    const sim = await onvifDevice({ faults: ['no-pull'] });
    const { connection, sink } = onvifConnection(onvifAt(sim.port, { options: { consumerUrl: url } }));
    to(connection);
    connection.start();
    await until('online', onvifOnline(sink));
    sim.setInput('001', true);
    await until('the alarm', () => pushed.some((e) => e.draft.phase === 'start'));
    expect(pushed.find((e) => e.draft.phase === 'start')?.draft).toMatchObject({ type: 'digital-input', input: '001' });
    expect(sim.state().pushes.failed).toBe(0);
    await until('it is renewed', () => sim.state().events.renewals >= 1);
    await connection.close();
    expect(sim.state().subscriptions).toBe(0);
  });

  it('gives way to pulling again where it is refused too', async () => {
    const { url, to } = await listener();
    const sim = await onvifDevice({ faults: ['no-pull', 'no-notify'] });
    const { connection, sink } = onvifConnection(onvifAt(sim.port, { options: { consumerUrl: url } }));
    to(connection);
    connection.start();
    await until('both were tried', () => (sim.state().requests.Subscribe ?? 0) >= 1);
    sim.faults.set('no-pull', false);
    await until('online', onvifOnline(sink));
    sim.setInput('001', true);
    await until('the start', () => sink.told().includes('digital-input start'));
  });

  it('takes over where every pull fails', async () => {
    const { url, pushed, to } = await listener();
    const sim = await onvifDevice({ faults: ['pull-fault-always'] });
    const { connection, sink } = onvifConnection(onvifAt(sim.port, { options: { consumerUrl: url } }));
    to(connection);
    connection.start();
    await until('notifications', () => sim.state().requests.Subscribe === 1);
    await until('online', onvifOnline(sink));
    sim.setInput('000', true);
    await until('the alarm', () => pushed.some((e) => e.draft.phase === 'start'));
  });

  it('subscribes anew when the device has forgotten it', async () => {
    const { url, to } = await listener();
    const sim = await onvifDevice();
    const options = { events: 'notify', consumerUrl: url };
    const { connection, sink } = onvifConnection(onvifAt(sim.port, { options }));
    to(connection);
    connection.start();
    await until('online', onvifOnline(sink));
    sim.forgetSubscriptions();
    await until('a second one', () => sim.state().events.created === 2);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('tells that nothing is notified, until something is', async () => {
    const { url, to } = await listener();
    const sim = await onvifDevice();
    // Nobody listens at discard: the address of a router that forwards nothing.
    const far = onvifAt(sim.port, { options: { events: 'notify', consumerUrl: 'http://127.0.0.1:9/ingest/secret' } });
    const { connection, sink } = onvifConnection(far);
    to(connection);
    connection.start();
    const detail = (): string => sink.links.at(-1)?.detail ?? '';
    await until('it is told', () => detail().includes('notified nothing yet'));
    expect(detail()).toContain('http://127.0.0.1:9');
    expect(detail()).not.toContain('secret');
    expect(sink.links.at(-1)?.link).toBe('online');
    const near = await onvifDevice();
    const { connection: other, sink: heard } = onvifConnection(
      onvifAt(near.port, { options: { events: 'notify', consumerUrl: url } }),
    );
    to(other);
    other.start();
    await until('online', onvifOnline(heard));
    await pause(quickTiming.untoldMs + 100);
    await until('it has heard', () => heard.links.at(-1)?.detail.endsWith('the device notifies us') === true);
    expect(heard.links.at(-1)?.detail).toBe('Event subscription stands; the device notifies us');
    await connection.push({
      method: 'POST',
      path: '/',
      headers: {},
      remoteAddress: '127.0.0.1',
      body: Buffer.from(
        '<Notify><NotificationMessage><Topic>tns1:VideoSource/MotionAlarm</Topic><Message><Message UtcTime="2026-01-01T00:00:00Z"><Source/><Data><SimpleItem Name="State" Value="true"/></Data></Message></Message></NotificationMessage></Notify>',
      ),
    });
    expect(detail()).toBe('Event subscription stands; the device notifies us');
  });

  it('notices that a notifying device is gone', async () => {
    const { url, to } = await listener();
    const sim = await onvifDevice();
    const { connection, sink } = onvifConnection(
      onvifAt(sim.port, { options: { events: 'notify', consumerUrl: url } }),
    );
    to(connection);
    connection.start();
    await until('online', onvifOnline(sink));
    sim.faults.set('half-open');
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
  });

  it('only watches a device that was told elsewhere to push', async () => {
    const sim = await onvifDevice();
    const { connection, sink } = onvifConnection(onvifAt(sim.port, { receive: 'push' }));
    connection.start();
    await until('online', onvifOnline(sink));
    expect(sim.state().events.created).toBe(0);
    sim.faults.set('half-open');
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
  });
});

describe('where notifications go', () => {
  const told = (sim: OnvifSimulator): string[] => sim.state().consumers;

  it.each(['auto', 'notify'])('is the ingest path of the device, whose token no setting holds (%s)', async (events) => {
    const { url, pushed, to } = await listener();
    const sim = await onvifDevice({ faults: ['no-pull'] });
    const definition = onvifAt(sim.port, { options: { events } });
    const { connection, sink } = onvifConnection(definition, quickTiming, async () => url);
    to(connection);
    connection.start();
    await until('online', onvifOnline(sink));
    sim.setInput('001', true);
    await until('the alarm', () => pushed.some((e) => e.draft.phase === 'start'));
    expect(told(sim)).toEqual([url]);
  });

  it('is what the settings say where they say something', async () => {
    const { url, to } = await listener();
    const sim = await onvifDevice();
    const definition = onvifAt(sim.port, { options: { events: 'notify', consumerUrl: url } });
    const { connection, sink } = onvifConnection(definition, quickTiming, async () => 'http://192.0.2.1/ingest/x');
    to(connection);
    connection.start();
    await until('online', onvifOnline(sink));
    expect(told(sim)).toEqual([url]);
  });

  it('is asked for also where the device only pushes', async () => {
    const { url, pushed, to } = await listener();
    const sim = await onvifDevice();
    const { connection, sink } = onvifConnection(onvifAt(sim.port, { receive: 'push' }), quickTiming, async () => url);
    to(connection);
    connection.start();
    await until('online', onvifOnline(sink));
    sim.setInput('000', true);
    await until('the alarm', () => pushed.some((e) => e.draft.phase === 'start'));
    expect(sim.state().requests.PullMessages).toBeUndefined();
  });

  it('is told as missing when nobody knows it', async () => {
    const sim = await onvifDevice();
    const definition = onvifAt(sim.port, { options: { events: 'notify' } });
    const { connection, sink } = onvifConnection(definition, quickTiming, async () => null);
    connection.start();
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toContain('publicUrl');
  });

  it.each([
    ['nobody knows', async () => null],
    ['could not be found out', () => Promise.reject(new Error('no disk'))],
  ])('is no reason to lose sight of a pushing device when it %s', async (_name, ingestUrl) => {
    const sim = await onvifDevice();
    const definition = onvifAt(sim.port, { receive: 'push' });
    const { connection, sink } = onvifConnection(definition, quickTiming, ingestUrl);
    connection.start();
    await until('online', onvifOnline(sink));
    expect(sim.state().events.created).toBe(0);
  });

  it('is no reason either when the device takes no subscription that notifies', async () => {
    const sim = await onvifDevice({ faults: ['no-notify'] });
    const definition = onvifAt(sim.port, { receive: 'push' });
    const { connection, sink } = onvifConnection(definition, quickTiming, async () => 'http://192.0.2.1/ingest/x');
    connection.start();
    await until('online', onvifOnline(sink));
    expect(sim.state().requests.Subscribe).toBeGreaterThan(0);
    expect(sink.links.map(({ link }) => link)).not.toContain('offline');
  });
});

describe('a push', () => {
  const push = (connection: DriverConnection, body: string, method = 'POST') =>
    connection.push({ method, path: '', headers: {}, body: Buffer.from(body), remoteAddress: '10.0.0.9' });
  const notify =
    '<e:Envelope><e:Body><Notify><NotificationMessage><Topic>tns1:VideoSource/SignalLoss</Topic><Message><Message UtcTime="2026-11-21T10:00:00Z" PropertyOperation="Changed"><Source><SimpleItem Name="Source" Value="000"/></Source><Data><SimpleItem Name="State" Value="true"/></Data></Message></Message></NotificationMessage></Notify></e:Body></e:Envelope>';

  it('is read as the messages in it', async () => {
    const { connection } = onvifConnection(onvifAt(1));
    const [event] = await push(connection, notify);
    expect(event).toMatchObject({ draft: { type: 'video-loss', phase: 'start' }, pictures: [] });
  });

  it.each([
    ['nothing', '', 'POST'],
    ['a web page', '<html></html>', 'POST'],
    ['JSON', '{"a":1}', 'POST'],
    ['an envelope without messages', '<Envelope><Body/></Envelope>', 'POST'],
    ['another method', notify, 'GET'],
  ])('is refused when it is %s', async (_name, body, method) => {
    const { connection } = onvifConnection(onvifAt(1));
    await expect(push(connection, body, method)).rejects.toMatchObject({ code: 'E_BAD_PUSH', family: 'user' });
  });

  it('needs no connection to the device', async () => {
    const { connection } = onvifConnection(onvifAt(1));
    await expect(connection.probe(limit())).rejects.toMatchObject({ code: 'E_DEVICE_OFFLINE' });
    expect(await push(connection, notify)).toHaveLength(1);
  });
});
