import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { DeviceDefinition, ReceivedEvent } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { createDevices, type Devices } from '../../engine/drivers';
import { createIngest } from '../../engine/host/ingest';
import { addEveryRole, memoryAuth, openDoor } from '../support/host-door';
import { deviceAt } from '../support/recording-sink';

/** Door and hub as the site joins them, with real drivers. */
let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

async function site(change: Partial<DeviceDefinition>) {
  const received: ReceivedEvent[] = [];
  const devices: Devices = createDevices({
    clock: systemClock,
    log: silentLog,
    async onEvent(_id, event) {
      received.push(event);
      return `e${received.length}`;
    },
    onPictures: async () => {},
    onStatus: () => {},
  });
  devices.define(deviceAt(1, { id: 'sender', receive: 'push', credentials: null, ...change }));
  devices.start();
  closers.push(() => devices.close());
  const { auth } = await memoryAuth();
  await addEveryRole(auth);
  const door = await openDoor(auth);
  const ingest = createIngest({
    resolve: (token) =>
      token === 'token' ? { deviceId: 'sender', pushFrom: [], rules: devices.pushRules('sender') } : null,
    push: async (id, request) => (await devices.push(id, request)).answer,
    ready: () => true,
    maxBytes: 1 << 20,
    ratePerSecond: 0,
    clock: systemClock,
    log: silentLog,
  });
  door.server.mount({ ingest: (request, response, { peer }) => ingest.handle(request, response, peer) });
  closers.push(() => door.server.close());
  const types = (): string[] =>
    received.map(({ draft }) => draft.type).filter((type) => type === 'motion' || type.startsWith('vendor:'));
  return { url: `${door.url}/ingest/token`, devices, types };
}

describe('the door for pushing devices and their drivers', () => {
  it('answers a sender what its mapping says', async () => {
    const options = { answerStatus: 202, answerType: 'application/json', answerBody: '{"result":"ok"}' };
    const { url, types } = await site({ driver: 'http-push', options });
    const response = await fetch(url, { method: 'POST', body: '{"type":"motion"}' });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ result: 'ok' });
    expect(types()).toEqual(['motion']);
    expect((await fetch(url, { method: 'POST', body: '{"type":"motion","phase":"perhaps"}' })).status).toBe(400);
  });

  it('takes a GET of a sender whose mapping allows it, and of no other', async () => {
    const allowed = await site({ driver: 'http-push', options: { methods: 'GET' } });
    expect((await fetch(`${allowed.url}?type=motion`)).status).toBe(200);
    expect(allowed.types()).toEqual(['motion']);
    const response = await fetch(allowed.url, { method: 'POST', body: '{"type":"motion"}' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
    const usual = await site({ driver: 'http-push' });
    expect((await fetch(`${usual.url}?type=motion`)).status).toBe(405);
    expect(usual.types()).toEqual([]);
  });

  it('takes the URL alone of a VIVOTEK camera for its event', async () => {
    const { url, types } = await site({ driver: 'vivotek' });
    expect((await fetch(`${url}/motion`)).status).toBe(200);
    expect(types()).toEqual(['motion']);
  });

  it('unpacks for a driver that asks for it, and for no other', async () => {
    const packed = (body: string) => ({
      method: 'POST',
      body: new Uint8Array(gzipSync(body)),
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
    });
    const sender = await site({ driver: 'http-push' });
    expect((await fetch(sender.url, packed('{"type":"motion"}'))).status).toBe(200);
    expect(sender.types()).toEqual(['motion']);
    const camera = await site({ driver: 'hikvision' });
    expect((await fetch(camera.url, packed('<a/>'))).status).toBe(415);
  });

  it('follows new settings of the device', async () => {
    const { url, devices } = await site({ driver: 'http-push' });
    expect((await fetch(`${url}?type=motion`)).status).toBe(405);
    devices.define(
      deviceAt(1, {
        id: 'sender',
        receive: 'push',
        credentials: null,
        driver: 'http-push',
        options: { methods: 'GET', answerBody: 'thanks' },
      }),
    );
    const response = await fetch(`${url}?type=motion`);
    expect([200, 503]).toContain(response.status);
    await expect.poll(async () => (await fetch(`${url}?type=motion`)).text()).toBe('thanks');
  });
});
