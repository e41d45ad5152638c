import { describe, expect, it } from 'vitest';
import { showMessageHandler } from '../../engine/actions/show-message';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Alarm } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import { createReach, type ReachOptions, usualReach } from '../../engine/host/reach';
import { anAlarm, aRow, Camera, RAISED } from '../actions/action-bench';

const params = {
  phases: ['raise', 'clear', 'end'],
  level: 'by-alarm',
  title: '',
  text: '',
  picture: false,
  tour: [],
  dwell: 5,
  sound: 'none',
  goesWhen: 'ended',
  seconds: 0,
};

/** The engine holds live alarms in memory alone, and over ones in the record alone. */
function desk(endsWhileWriting = false) {
  const live = new Map<string, Alarm>([['alarm-1', anAlarm()]]);
  const over = new Map<string, Alarm>();
  function end(): void {
    const alarm: Alarm = { ...anAlarm(), state: 'normal', clearedAt: RAISED + 1, endedAt: RAISED + 1 };
    live.delete(alarm.id);
    over.set(alarm.id, alarm);
    reach.hear({ kind: 'alarm', data: alarm });
  }
  const store = {
    alarm: async (id: string) => (over.has(id) ? { alarm: over.get(id) } : null),
    commit: async () => {
      if (endsWhileWriting && live.size > 0) end();
    },
  };
  const clock = new VirtualClock(RAISED);
  const reach = createReach({
    dataDir: '/nowhere',
    settings: usualReach,
    store: store as unknown as ReachOptions['store'],
    alarms: { alarm: (id: string) => live.get(id) } as unknown as ReachOptions['alarms'],
    devices: { device: () => new Camera('cam', 'Hall camera') },
    announce: () => undefined,
    siteIsDry: () => false,
    submit: async () => undefined,
    clock,
    log: silentLog,
  });
  const handler = showMessageHandler({ ...reach.forActions, siteName: 'Plant', clock });
  const show = () =>
    handler.execute({ row: aRow('show-message', params), attempt: 1, signal: new AbortController().signal });
  return { reach, show, end, settle: () => clock.advance(0) };
}

describe('a message whose turn comes late', () => {
  it('is not shown when its alarm is over and no longer in memory: nobody would close it', async () => {
    const { reach, show, end } = desk();
    end();
    expect(await show()).toEqual({
      status: 'skipped',
      summary: 'Not shown: the alarm was over before it was shown',
    });
    expect(reach.popups.list()).toEqual([]);
  });

  it('goes again when its alarm ends while it is being written', async () => {
    const { reach, show, settle } = desk(true);
    await show();
    await settle();
    expect(reach.popups.list()).toEqual([]);
  });
});
