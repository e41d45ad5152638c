import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ReceivedEvent } from '../../engine/domain/devices';
import { operationalError, userError } from '../../engine/domain/errors';
import type { EventPhase } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import { createDeliveryQueue } from '../../engine/drivers/delivery-queue';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const event = (name: string, phase: EventPhase = 'start', pictures = 0): ReceivedEvent => ({
  draft: { type: 'motion', vendorType: name, phase, deviceTime: null, deviceAt: null, raw: '' },
  pictures: Array.from({ length: pictures }, () => ({ contentType: 'image/jpeg', bytes: Buffer.alloc(1) })),
  receivedAt: 0,
  late: false,
  clockSuspect: false,
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('the delivery queue', () => {
  it('hands events on in order, without waiting for the disk', async () => {
    const names: string[] = [];
    const release: (() => void)[] = [];
    const deliver = (received: ReceivedEvent): Promise<string> => {
      names.push(received.draft.vendorType);
      return new Promise((resolve) => release.push(() => resolve(received.draft.vendorType)));
    };
    const queue = createDeliveryQueue({ deliver, clock: new VirtualClock(0), log: silentLog });
    const added = ['a', 'b', 'c'].map((name) => queue.add(event(name), true));
    await settle();
    expect(names).toEqual(['a', 'b', 'c']);
    for (const go of release) go();
    expect(await Promise.all(added)).toEqual(['a', 'b', 'c']);
  });

  it('lets nothing overtake an event whose pictures are being stored', async () => {
    const names: string[] = [];
    let stored: () => void = () => undefined;
    const deliver = async (received: ReceivedEvent): Promise<string> => {
      if (received.pictures.length > 0) await new Promise<void>((resolve) => (stored = resolve));
      names.push(received.draft.vendorType);
      return '';
    };
    const queue = createDeliveryQueue({ deliver, clock: new VirtualClock(0), log: silentLog });
    const added = [queue.add(event('first', 'start', 1), true), queue.add(event('second', 'stop'), true)];
    await settle();
    expect(names).toEqual([]);
    stored();
    await Promise.all(added);
    expect(names).toEqual(['first', 'second']);
  });

  it('drops refreshes first when a flood leaves no room', async () => {
    const kept: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const deliver = async (received: ReceivedEvent): Promise<string> => {
      await gate;
      kept.push(received.draft.vendorType);
      return '';
    };
    const queue = createDeliveryQueue({ deliver, clock: new VirtualClock(0), log: silentLog, limit: 3 });
    const results = [
      // The barrier of the first holds the others back.
      ...[
        event('held', 'start', 1),
        event('r1', 'refresh'),
        event('s1'),
        event('r2', 'refresh'),
        event('s2', 'stop'),
        event('s3'),
      ],
      event('s4'),
      event('r3', 'refresh'),
    ].map((e) =>
      queue.add(e, true).then(
        () => 'kept',
        (error: { code: string }) => error.code,
      ),
    );
    open();
    expect(await Promise.all(results)).toEqual([
      'kept',
      'E_EVENT_DROPPED',
      'kept',
      'E_EVENT_DROPPED',
      'kept',
      'kept',
      'E_EVENT_DROPPED',
      'E_EVENT_DROPPED',
    ]);
    expect(kept).toEqual(['held', 's1', 's2', 's3']);
    expect(queue.dropped()).toBe(4);
  });

  it('tries a stream’s event again while the record cannot be written, in order', async () => {
    const clock = new VirtualClock(0);
    const names: string[] = [];
    let failures = 2;
    const deliver = async (received: ReceivedEvent): Promise<string> => {
      if (failures-- > 0) throw operationalError('E_RECORD_WRITE', 'disk full');
      names.push(received.draft.vendorType);
      return 'id';
    };
    const queue = createDeliveryQueue({ deliver, clock, log: silentLog });
    const first = queue.add(event('first'), true);
    await settle();
    const second = queue.add(event('second'), true);
    await clock.advance(10_000);
    expect(await Promise.all([first, second])).toEqual(['id', 'id']);
    expect(names).toEqual(['first', 'second']);
  });

  it('passes a failure on at once where the sender repeats, and where trying again cannot help', async () => {
    const clock = new VirtualClock(0);
    let error = operationalError('E_RECORD_WRITE', 'disk full');
    const queue = createDeliveryQueue({ deliver: () => Promise.reject(error), clock, log: silentLog });
    await expect(queue.add(event('pushed'), false)).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    error = userError('E_BAD', 'no');
    await expect(queue.add(event('bad'), true)).rejects.toMatchObject({ code: 'E_BAD' });
  });

  it('gives up what waits when it is closed', async () => {
    const queue = createDeliveryQueue({
      deliver: () => new Promise(() => undefined),
      clock: new VirtualClock(0),
      log: silentLog,
    });
    queue.add(event('under way', 'start', 1), true).catch(() => undefined);
    const waiting = queue.add(event('waiting'), true);
    queue.close();
    await expect(waiting).rejects.toMatchObject({ code: 'E_CLOSED' });
  });

  describe('with refreshes that have to wait', () => {
    /** Delivers nothing until told; resolves with the words of each event. */
    function held() {
      const told: string[] = [];
      let open: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (open = resolve));
      const deliver = async ({ draft }: ReceivedEvent): Promise<string> => {
        await gate;
        told.push(`${draft.vendorType} ${draft.phase} ${draft.raw}`);
        return draft.raw;
      };
      const queue = createDeliveryQueue({ deliver, clock: new VirtualClock(0), log: silentLog });
      const add = (name: string, phase: EventPhase, raw: string, change: Partial<ReceivedEvent['draft']> = {}) => {
        const received = event(name, phase);
        return queue.add({ ...received, draft: { ...received.draft, raw, ...change } }, true);
      };
      const barrier = queue.add(event('held', 'start', 1), true);
      return { told, queue, add, barrier, open };
    }

    it('tells those of one condition once, by the words of the last, and answers all', async () => {
      const { told, queue, add, barrier, open } = held();
      const ids = ['1', '2', '3'].map((raw) => add('motion', 'refresh', raw, { repeat: Number(raw) }));
      expect([queue.waiting(), queue.merged()]).toEqual([1, 2]);
      open();
      await barrier;
      expect(await Promise.all(ids)).toEqual(['3', '3', '3']);
      expect(told.slice(1)).toEqual(['motion refresh 3']);
    });

    it.each<[string, Partial<ReceivedEvent['draft']>]>([
      ['another channel', { channel: 2 }],
      ['another temperature', { temperature: { unit: 'celsius', value: 90 } }],
      ['another target', { target: 'human' }],
      ['another region', { regions: [{ id: '2' }] }],
      ['pictures to follow', { picturesAnnounced: 1 }],
    ])('keeps %s apart', async (_what, change) => {
      const { told, add, barrier, open } = held();
      const ids = [add('motion', 'refresh', '1'), add('motion', 'refresh', '2', change)];
      open();
      await Promise.all([barrier, ...ids]);
      expect(told.slice(1)).toEqual(['motion refresh 1', 'motion refresh 2']);
    });

    it('merges none across a start or an end', async () => {
      const { told, add, barrier, open } = held();
      const ids = [
        add('motion', 'refresh', '1'),
        add('line', 'stop', '2'),
        add('motion', 'refresh', '3'),
        add('motion', 'refresh', '4'),
      ];
      open();
      await Promise.all([barrier, ...ids]);
      expect(told.slice(1)).toEqual(['motion refresh 1', 'line stop 2', 'motion refresh 4']);
    });

    it('keeps the memory of a merged flood flat in depth', async () => {
      const { told, add, barrier, open } = held();
      const ids = Array.from({ length: 50_000 }, () => add('motion', 'refresh', 'x'));
      open();
      await Promise.all([barrier, ...ids]);
      expect(told).toHaveLength(2);
    });
  });
});
