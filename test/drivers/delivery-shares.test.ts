import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ReceivedEvent } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { createDeliveryQueue } from '../../engine/drivers/delivery-queue';
import { createDeliveryShares } from '../../engine/drivers/delivery-shares';

const event = (rule: number): ReceivedEvent => ({
  draft: {
    type: 'motion',
    vendorType: 'VMD',
    phase: 'start',
    rule: String(rule),
    deviceTime: null,
    deviceAt: null,
    raw: '',
  },
  pictures: [],
  receivedAt: 0,
  late: false,
  clockSuspect: false,
});

/** Each write takes 10 ms. */
function site(devices: number) {
  const clock = new VirtualClock(0);
  const shares = createDeliveryShares(clock);
  const queues = Array.from({ length: devices }, () => {
    const load = { kept: 0, underWay: 0, most: 0 };
    const queue = createDeliveryQueue({
      async deliver() {
        load.underWay++;
        load.most = Math.max(load.most, load.underWay);
        await clock.sleep(10);
        load.underWay--;
        load.kept++;
        return '';
      },
      clock,
      log: silentLog,
      share: shares.open(),
    });
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) queue.add(event(i), true).catch(() => undefined);
    };
    return { queue, load, send };
  });
  return { clock, queues };
}

describe('the share of the record that a device may take', () => {
  it('is all of it for a device that is alone', async () => {
    const { clock, queues } = site(1);
    queues[0]!.send(1_900);
    await clock.advance(400);
    expect(queues[0]!.load).toMatchObject({ kept: 1_900, most: 64 });
  });

  it('leaves room for others: few at once, and rests between them in a flood', async () => {
    const { clock, queues } = site(2);
    const [noisy, quiet] = queues;
    noisy!.send(2_000);
    await clock.advance(200);
    const before = noisy!.load.kept;
    expect(noisy!.load.most).toBe(16);
    await clock.advance(4_000);
    // Four in 10 ms, then 30 ms of rest.
    expect(noisy!.load.kept - before).toBeGreaterThanOrEqual(360);
    expect(noisy!.load.kept - before).toBeLessThanOrEqual(440);
    quiet!.send(1);
    await clock.advance(10);
    expect(quiet!.load.kept).toBe(1);
  });

  it('is divided among those that flood', async () => {
    const { clock, queues } = site(3);
    queues[0]!.send(2_000);
    queues[1]!.send(2_000);
    await clock.advance(1_000);
    const before = queues[0]!.load.kept;
    await clock.advance(4_000);
    expect(queues[0]!.load.kept - before).toBeLessThanOrEqual(230);
  });

  it('is whole again when the flood is over', async () => {
    const { clock, queues } = site(2);
    queues[0]!.send(300);
    await clock.advance(20_000);
    expect(queues[0]!.load.kept).toBe(300);
    queues[0]!.send(50);
    await clock.advance(50);
    expect(queues[0]!.load.kept).toBe(350);
  });

  it('goes on with nobody waiting when the device is closed in its rest', async () => {
    const { clock, queues } = site(2);
    queues[0]!.send(500);
    await clock.advance(200);
    queues[0]!.queue.close();
    const { kept } = queues[0]!.load;
    await clock.advance(5_000);
    expect(queues[0]!.load.kept - kept).toBeLessThanOrEqual(4);
    // The other is alone now.
    queues[1]!.send(640);
    await clock.advance(100);
    expect(queues[1]!.load.kept).toBe(640);
  });
});
