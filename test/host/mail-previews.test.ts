import { describe, expect, it } from 'vitest';
import { localTime } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import type { Alarm } from '../../engine/domain/alarms';
import { createMailPreviews } from '../../engine/host/mail-previews';
import { anAlarm, anEmail, RAISED } from '../actions/action-bench';

const previews = (alarms: Alarm[], live: Alarm[] = []) =>
  createMailPreviews({
    siteName: 'Depot',
    clock: systemClock,
    live: () => live,
    alarms: async () => alarms,
    devices: () => [{ id: 'cam', name: 'Yard camera' }],
  });

const ask = (params = {}, phase: 'raise' | 'clear' | 'end' = 'raise', triggerIds = ['trigger']) => ({
  nodeId: 'node-1',
  nodeName: 'Guard',
  params: anEmail(params),
  phase,
  triggerIds,
});

describe('the preview of a mail', () => {
  it('is made with the last alarm of the triggers of its node', async () => {
    const alarms = [
      anAlarm({ id: 'a', raisedAt: RAISED, deviceName: 'Old camera' }),
      anAlarm({ id: 'b', raisedAt: RAISED + 9, triggerId: 'other' }),
    ];
    const live = [anAlarm({ id: 'c', raisedAt: RAISED + 5 })];
    const shown = await previews(alarms, live)(ask({ text: '{{alarm.deviceName}} {{temperature}} <b>' }));
    expect(shown).toMatchObject({ subject: 'Temperature alarm: Hall camera (Depot)', text: 'Hall camera 81.3 °C <b>' });
    expect(shown.html).toContain('Hall camera 81.3 °C &lt;b&gt;');
    expect(shown.alarm).toContain(`the alarm of "Hall too hot" on Hall camera, ${localTime(RAISED + 5).slice(0, 10)}`);
  });

  it('is made with a sample where they have raised none', async () => {
    const shown = await previews([anAlarm()])(ask({}, 'raise', []));
    expect(shown.subject).toBe('Temperature alarm: Yard camera (Depot)');
    expect(shown.alarm).toContain('a sample alarm');
    expect(shown.text).not.toMatch(/test|\{\{/i);
  });

  it.each([
    ['clear', /^Cleared: .*\n\n[\s\S]*Lasted: /],
    ['end', /^Over: .*\(cleared\)/],
  ] as const)('is that of the phase %s', async (phase, words) => {
    const shown = await previews([anAlarm()])(ask({}, phase));
    expect(shown.subject).toBe('Re: Temperature alarm: Hall camera (Depot)');
    expect(shown.text).toMatch(words);
  });

  it('says where pictures will be, and refuses what a mail would refuse', async () => {
    expect((await previews([])(ask({ clip: 5 }))).text).toContain('Pictures and clips are attached here, or follow');
    await expect(previews([])(ask({ clip: 4 }))).rejects.toMatchObject({ code: 'E_BAD_PARAMETER', family: 'user' });
  });
});
