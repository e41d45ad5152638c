import { describe, expect, it } from 'vitest';
import { createFlowOutbox } from '../../engine/alarms/flow-outbox';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import type { FlowMessageRow } from '../../engine/domain/record';

const row = (ordinal: number): FlowMessageRow => ({
  messageId: `message-${ordinal}`,
  triggerId: 'trigger',
  alarmId: `alarm-${ordinal}`,
  createdAt: 0,
  message: { _msgid: `message-${ordinal}`, payload: {} } as unknown as AlarmMessage,
});

describe('settling flow messages', () => {
  it('settles a steady stream of messages in small groups, however long each write takes', async () => {
    const clock = new VirtualClock(1_700_000_000_000);
    const groups: number[] = [];
    const outbox = createFlowOutbox({
      clock,
      log: silentLog,
      writer: {
        async commit(change) {
          groups.push(change.flowMessagesSettled?.length ?? 0);
          await clock.sleep(10);
        },
      } as Parameters<typeof createFlowOutbox>[0]['writer'],
      recipient: () => () => {},
      settled: () => {},
    });
    for (let ordinal = 0; ordinal < 200; ordinal++) {
      outbox.expect(row(ordinal));
      outbox.committed(row(ordinal));
      await clock.advance(10);
    }
    await clock.advance(2_000);
    expect(groups.reduce((sum, size) => sum + size, 0)).toBe(200);
    expect(Math.max(...groups)).toBeLessThanOrEqual(10);
    outbox.close();
  });
});
