import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createMqttDriver } from '../../../engine/drivers/mqtt';
import { closeDrivers, closeLater, connectDriver } from '../../support/connected-driver';
import { until } from '../../support/recording-sink';

afterEach(closeDrivers);

const driver = createMqttDriver({ keepaliveS: 2, connectMs: 500, graceMs: 100, backoff: () => 5 });
const connack = { '3.1.1': Buffer.from([0x20, 2, 0, 0]), '5': Buffer.from([0x20, 3, 0, 0, 0]) };

const publish = (topic: string, payload: string, properties: number[] = []): Buffer => {
  const head = Buffer.from(topic);
  const body = Buffer.concat([Buffer.from([0, head.length]), head, Buffer.from(properties), Buffer.from(payload)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
};

/** Packets that are whole, and the same with something wrong in them. */
const packets: Buffer[] = [
  publish('pump/state', 'ON'),
  publish('pump/state', 'ON', [0]),
  publish('', 'ON', [3, 0x23, 0, 9]),
  publish('pump/#', 'ON'),
  Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  Buffer.from([0x36, 4, 0, 1, 0x61, 0]),
  Buffer.from([0x90, 3, 0, 1, 0x80]),
  Buffer.from([0x90, 2, 0xff, 0xff]),
  Buffer.from([0x40, 2, 0xff, 0xff]),
  Buffer.from([0x50, 2, 0, 1]),
  Buffer.from([0x62, 2, 0, 1]),
  Buffer.from([0x70, 2, 0, 1]),
  Buffer.from([0xb0, 2, 0, 1]),
  Buffer.from([0xd0, 0]),
  Buffer.from([0xe0, 0]),
  Buffer.from([0xe0, 2, 0x8e, 0]),
  Buffer.from([0xf0, 2, 0x18, 0]),
  Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]),
  Buffer.from([0x82, 5, 0, 1, 0, 0, 1]),
  Buffer.from([0xc0, 0]),
  Buffer.from([0x00, 0x00]),
];

const odd = fc.oneof(
  fc.constantFrom(...packets),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.constantFrom(...packets), fc.nat(60), fc.nat(255)).map(([packet, at, byte]) => {
    const changed = Buffer.from(packet);
    changed[at % changed.length] = byte;
    return changed;
  }),
);

describe.each(['3.1.1', '5'] as const)('a broker of MQTT %s that sends anything', (version) => {
  it('ends no process, and is connected to again', async () => {
    const samples = fc.sample(fc.array(odd, { minLength: 1, maxLength: 6 }), { numRuns: 150, seed: 7 });
    let next = 0;
    const failures: unknown[] = [];
    const failed = (thrown: unknown): void => void failures.push(thrown);
    process.on('uncaughtException', failed);
    process.on('unhandledRejection', failed);
    const server = createServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        const sent = samples[next++];
        if (!sent) return void socket.write(connack[version]);
        socket.write(Buffer.concat([connack[version], ...sent]));
        setTimeout(() => socket.destroy(), 10);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeLater(async () => void server.close());
    const { port } = server.address() as AddressInfo;
    try {
      const { sink } = connectDriver(driver, port, {
        options: { things: 'topic Pump state=pump/state', version },
      });
      await until('all are through', () => next > samples.length, 50_000);
      expect(failures).toEqual([]);
      expect(sink.links.map(({ link }) => link)).not.toContain('refused');
    } finally {
      process.off('uncaughtException', failed);
      process.off('unhandledRejection', failed);
    }
  }, 60_000);
});
