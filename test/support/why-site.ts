/** The alarms of one run with "why" asked about them, on a record in memory. */
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { idAfter } from '../../engine/domain/ids';
import type { TriggerDefinition } from '../../engine/domain/triggers';
import type { OutputRow } from '../../engine/host/console-api';
import { createWhy, type Why } from '../../engine/host/why';
import { alarmEvent } from './alarm-events';
import { type AlarmRun, startAlarms } from './alarm-record';

export interface WhySite {
  readonly run: AlarmRun;
  readonly clock: VirtualClock;
  readonly why: Why;
  readonly actions: ActionRow[];
  readonly outputs: OutputRow[];
  /** An event now, with its consequence on disk; returns its id. */
  event(fields?: Parameters<typeof alarmEvent>[0]): Promise<string>;
}

/** @param start wall time in milliseconds; by default Saturday, 2026-11-21 08:00 UTC */
export async function whySite(
  triggers: TriggerDefinition[],
  options: { start?: number; before?(run: AlarmRun): Promise<void> } = {},
): Promise<WhySite> {
  const clock = new VirtualClock(options.start ?? Date.UTC(2026, 10, 21, 8));
  const run = startAlarms(clock);
  await options.before?.(run);
  await run.define(...triggers);
  await run.alarms.flowsStarted();
  const actions: ActionRow[] = [];
  const outputs: OutputRow[] = [];
  const { record } = run;
  const devices = [
    { id: 'cam1', name: 'Camera cam1' },
    { id: 'cam2', name: 'Camera cam2' },
  ];
  const why = createWhy({
    record: {
      async event(id) {
        const event = record.events.get(id);
        return event ? { event, decisions: record.decisions.filter(({ eventId }) => eventId === id) } : null;
      },
      async alarm(id) {
        const alarm = record.alarms.get(id);
        if (!alarm) return null;
        const decisions = record.decisions.filter(({ alarmId }) => alarmId === id).reverse();
        return { alarm, decisions, actions: actions.filter(({ alarmId }) => alarmId === id) };
      },
      decisionsOf: async ({ triggerId, after, withinMs, limit }) =>
        record.decisions
          .filter((one) => one.triggerId === triggerId && one.id > after && one.id < idAfter(after, withinMs))
          .slice(0, limit),
      alarmsOfEvent: async ({ eventId, from, until, limit }) =>
        [...record.alarms.values()]
          .filter((one) => one.event.id === eventId && one.raisedAt >= from && one.raisedAt <= until)
          .slice(0, limit),
    },
    inspection: run.alarms.inspection,
    outputs: () => outputs,
    devices: () => devices,
    deviceName: (id) => devices.find((device) => device.id === id)?.name ?? id,
    clock,
  });
  return {
    run,
    clock,
    why,
    actions,
    outputs,
    async event(fields = {}) {
      const event = alarmEvent({ receivedAt: clock.now(), ...fields });
      await run.alarms.accept(event);
      await clock.advance(0);
      return event.id;
    },
  };
}
