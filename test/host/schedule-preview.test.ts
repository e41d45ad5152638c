import { describe, expect, it } from 'vitest';
import { parseIsoTime } from '../../engine/clock/clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import type { ArmingSchedule } from '../../engine/index';

/** An engine whose other parts have nothing to do. */
function engine() {
  const idle = { onNotice: () => undefined, onArming: () => undefined };
  const parts = {
    alarms: idle,
    outputs: idle,
    handlers: [],
    timers: { onDue: () => undefined },
    tests: {},
    clock: new VirtualClock(parseIsoTime('2026-11-21T12:00:00Z') ?? 0),
    log: silentLog,
  };
  return createFlowEngine(parts as unknown as FlowEngineParts);
}

const nights: ArmingSchedule = {
  id: 'new',
  name: 'Nights',
  timeZone: 'Europe/Berlin',
  week: {
    monday: [{ from: 1_080, to: 360 }],
    tuesday: [],
    wednesday: [],
    thursday: [],
    friday: [],
    saturday: [],
    sunday: [],
  },
};

describe('the preview of a schedule', () => {
  it('begins at the engine’s own time and shows twenty edges', async () => {
    const preview = await engine().previewSchedule(nights);
    expect(preview.detail).toBe('schedule "Nights" is not armed until Mon 18:00 (Europe/Berlin)');
    expect(preview.edges).toHaveLength(20);
    expect(preview.edges[0]).toEqual({
      at: parseIsoTime('2026-11-23T17:00:00Z'),
      armed: true,
      reason: 'Monday 18:00 begins',
      local: 'Mon 2026-11-23 18:00',
    });
  });

  it('refuses a schedule that could not be deployed either', async () => {
    const wrong = { ...nights, holidays: [{ name: 'Xmas', from: '12-32', periods: [] }] };
    await expect(engine().previewSchedule(wrong)).rejects.toMatchObject({
      code: 'E_BAD_SCHEDULE',
      family: 'user',
      message: expect.stringContaining('holiday 1 "Xmas": the first day is "12-32"'),
    });
  });
});
