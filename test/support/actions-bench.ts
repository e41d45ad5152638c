import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionHandler, ActionInterval, ActionRow } from '../../engine/domain/actions';
import type { AlarmPhase, Decision } from '../../engine/domain/alarms';
import type { ArmingChange } from '../../engine/domain/arming';
import { operationalError } from '../../engine/domain/errors';
import type { EventType } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import type { RecordWrites, StandingRow, TimerRow } from '../../engine/domain/record';
import { createTimers } from '../../engine/executor';
import { createFlowActions, type FlowActions } from '../../engine/host/flow-actions';
import type { ActionRequest, OutputRequest } from '../../engine/index';
import { anAlarm, START } from '../outputs/bench-site';

/** The requests of action nodes on a record in memory, which survives `restart`. */
export class ActionsBench {
  readonly clock = new VirtualClock(START);
  readonly actions = new Map<string, ActionRow>();
  readonly standing = new Map<string, StandingRow>();
  readonly timerRows = new Map<string, TimerRow>();
  readonly decisions: Decision[] = [];
  readonly submitted: ActionRow[] = [];
  readonly claims: OutputRequest[] = [];
  readonly released: string[] = [];
  readonly disarmed = new Set<string>();
  readonly live = new Set<string>();
  failing = false;
  flow!: FlowActions;
  armingTurned: (change: ArmingChange) => void = () => undefined;
  #timers: ReturnType<typeof createTimers> | null = null;

  constructor() {
    this.restart();
  }

  /** @param setBackMs by how much the wall clock was set back meanwhile, as far as the whole record knows */
  restart(setBackMs = 0): void {
    this.#timers?.close();
    const timers = createTimers({ clock: this.clock, log: silentLog });
    this.#timers = timers;
    const handler = { kind: 'email', defaultDeadlineMs: 3_600_000, check: () => undefined } as unknown as ActionHandler;
    this.flow = createFlowActions({
      handlers: [handler],
      writer: { commit: (writes) => this.#commit(structuredClone(writes)) },
      clock: this.clock,
      log: silentLog,
      timers,
      alarms: {
        alarm: (id) => (this.live.has(id) ? anAlarm(id, START) : undefined),
        actionArming: (nodeId) =>
          this.disarmed.has(nodeId)
            ? { armed: false, detail: 'action "Mail" was disarmed by anna' }
            : { armed: true, detail: 'armed' },
        onArming: (turned) => {
          this.armingTurned = turned;
        },
      },
      outputs: {
        request: async (claim) => void this.claims.push(claim as OutputRequest),
        releaseNode: async (nodeId) => void this.released.push(nodeId),
      },
      isDevice: () => true,
      submit: async (rows) => void this.submitted.push(...rows),
      recorded: () => undefined,
    });
    this.flow.resume(structuredClone([...this.standing.values()]), setBackMs);
    timers.resume(structuredClone([...this.timerRows.values()]));
  }

  async #commit(writes: RecordWrites): Promise<void> {
    await Promise.resolve();
    if (this.failing) throw operationalError('E_RECORD_WRITE', 'disk full');
    for (const row of writes.actions ?? []) if (!this.actions.has(row.key)) this.actions.set(row.key, row);
    for (const id of writes.standingDeleted ?? []) this.standing.delete(id);
    for (const row of writes.standing ?? []) this.standing.set(row.id, row);
    for (const id of writes.timersDeleted ?? []) this.timerRows.delete(id);
    for (const row of writes.timers ?? []) this.timerRows.set(row.id, row);
    this.decisions.push(...(writes.decisions ?? []));
  }

  request(
    alarmId: string,
    phase: AlarmPhase = 'raise',
    interval?: ActionInterval,
    type: EventType = 'motion',
  ): ActionRequest {
    this.live.add(alarmId);
    const alarm = { ...anAlarm(alarmId, this.clock.now(), { type }), phase };
    return {
      nodeId: 'mail',
      nodeName: 'Mail',
      kind: 'email',
      alarm,
      messageId: `${alarmId}-${phase}`,
      deviceId: null,
      params: { to: ['guard@example.org'] },
      ...(interval ? { interval } : {}),
    };
  }

  statuses = (): string[] => [...this.actions.values()].map((row) => `${row.key} ${row.status}`);
}
