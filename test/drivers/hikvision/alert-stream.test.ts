import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { operationalError } from '../../../engine/domain/errors';
import { silentLog } from '../../../engine/domain/log';
import { createAlertStream, defaultTiming } from '../../../engine/drivers/hikvision/alert-stream';
import type { DeviceHttp, DeviceStream } from '../../../engine/drivers/wire';

const BEAT =
  '--boundary\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert><eventType>heartBeat</eventType></EventNotificationAlert>\r\n';

/** A device without a network: streams that are fed by hand, requests that are answered or not. */
function fakeDevice() {
  const device = {
    opened: 0,
    asked: 0,
    answers: true,
    reachable: true,
    feed: (_text: string): void => undefined,
    http: {
      async stream({ signal }): Promise<DeviceStream> {
        device.opened++;
        if (!device.reachable) throw operationalError('E_DEVICE_OFFLINE', 'no route');
        const chunks: Buffer[] = [];
        let wake: () => void = () => undefined;
        device.feed = (text) => {
          chunks.push(Buffer.from(text));
          wake();
        };
        signal.addEventListener('abort', () => wake());
        async function* body(): AsyncGenerator<Buffer> {
          for (;;) {
            if (signal.aborted) throw signal.reason;
            const chunk = chunks.shift();
            if (chunk) yield chunk;
            else await new Promise<void>((resolve) => (wake = resolve));
          }
        }
        return { status: 200, headers: { 'content-type': 'multipart/mixed; boundary=boundary' }, body: body() };
      },
      request({ signal }): Promise<never> {
        device.asked++;
        const none = operationalError('E_DEVICE_TIMEOUT', 'no answer');
        if (device.answers) return Promise.resolve({ status: 200, headers: {}, body: Buffer.alloc(0) } as never);
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(none)));
      },
      lockedUntil: () => null,
      refused: () => operationalError('E_CREDENTIALS_REFUSED', 'refused'),
      close() {},
    } as DeviceHttp,
  };
  return device;
}

function setUp() {
  const clock = new VirtualClock(0);
  const device = fakeDevice();
  const log: { at: number; what: string }[] = [];
  const note = (what: string): void => void log.push({ at: clock.now(), what });
  const stream = createAlertStream({
    http: device.http,
    clock,
    log: silentLog,
    timing: defaultTiming,
    onOpen: () => note('open'),
    onBytes() {},
    onPart: () => stream.heartbeat(),
    onLost: (_error, dead) => note(dead ? 'dead' : 'lost'),
    lockedFor: async () => 0,
  });
  stream.start();
  return { clock, device, log, stream };
}

async function beat(setup: ReturnType<typeof setUp>, everyMs: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    setup.device.feed(BEAT);
    await setup.clock.advance(everyMs);
  }
}

describe('the watchdog', () => {
  it('notices a dead device within 15 s although it beats every 10 s', async () => {
    const setup = setUp();
    await setup.clock.advance(0);
    await beat(setup, 10_000, 6);
    setup.device.feed(BEAT);
    await setup.clock.advance(0);
    const died = setup.clock.now();
    setup.device.answers = false;
    setup.device.reachable = false;
    await setup.clock.advance(15_000);
    const dead = setup.log.find((l) => l.what === 'dead');
    expect(dead && dead.at - died).toBeLessThanOrEqual(14_000);
    expect(setup.log.map((l) => l.what).slice(0, 2)).toEqual(['open', 'dead']);
    await setup.stream.close();
  });

  it('leaves a stream alone that beats every 30 s while the device answers', async () => {
    const setup = setUp();
    await setup.clock.advance(0);
    await beat(setup, 24_000, 2);
    await beat(setup, 30_000, 5);
    expect(setup.device.opened).toBe(1);
    expect(setup.device.asked).toBeGreaterThan(0);
    await setup.stream.close();
  });

  it('opens a stream anew that says nothing for 2.5 heart-beats', async () => {
    const setup = setUp();
    await setup.clock.advance(0);
    await beat(setup, 10_000, 3);
    await setup.clock.advance(14_000);
    expect(setup.device.opened).toBe(1);
    await setup.clock.advance(4_000);
    expect(setup.device.opened).toBe(2);
    expect(setup.log.some((l) => l.what === 'dead')).toBe(false);
    await setup.stream.close();
  });

  it('does not mistake the pause of old firmware, which beats every 300 ms, for its end', async () => {
    const setup = setUp();
    await setup.clock.advance(0);
    await beat(setup, 300, 10);
    await setup.clock.advance(8_000);
    expect(setup.device.opened).toBe(1);
    await setup.stream.close();
  });

  it('calls a stream open that is silent but lives', async () => {
    const setup = setUp();
    await setup.clock.advance(900);
    expect(setup.log).toEqual([]);
    await setup.clock.advance(200);
    expect(setup.log).toEqual([{ at: 1_000, what: 'open' }]);
    await setup.stream.close();
  });

  it('waits longer and longer while the device is away, at most a minute', async () => {
    const setup = setUp();
    setup.device.reachable = false;
    await setup.clock.advance(0);
    await setup.clock.advance(600_000);
    expect(setup.device.opened).toBeGreaterThan(12);
    expect(setup.device.opened).toBeLessThan(35);
    await setup.stream.close();
  });
});
