import type { Clock } from '../clock/clock';
import {
  type AreaDefinition,
  type ArmingChange,
  type ArmingOrder,
  type ArmingProgram,
  type ArmingRow,
  type ArmingSubject,
  theSite,
} from '../domain/arming';
import type { ArmingOrders } from './arming-orders';
import { armingRows } from './arming-view';
import type { Batch } from './condition';
import type { Trigger } from './trigger';

/** What the host asks of arming. */
export interface ArmingCalls {
  /** Arms (by force) or disarms the whole site. */
  setArmed(armed: boolean, who: string): Promise<void>;
  /** False only while the site is disarmed: it may be in its exit or entry delay. */
  isArmed(): boolean;
  /** @throws E_BAD_AREA, E_SITE_AREA_TWICE, E_ARMING_SCHEDULE_TWICE (user) */
  defineArea(area: AreaDefinition): Promise<void>;
  /** Arms and disarms a subject by a schedule. @throws E_ARMING_SCHEDULE_TWICE (user) */
  defineArmingProgram(program: ArmingProgram): Promise<void>;
  /** null: what the node that covers the site says. */
  area(id: string | null): AreaDefinition | undefined;
  /** @throws E_AREA_OPEN, E_UNKNOWN_SUBJECT, E_BAD_ORDER (user) */
  orderArming(order: ArmingOrder): Promise<void>;
  /** Every subject, the site first; devices and action nodes are known to the host alone. */
  armingRows(known: { subject: ArmingSubject; name: string }[]): ArmingRow[];
  /** Whether an action node may act: its own scope, the last of the published order. */
  actionArming(nodeId: string, at: number): { armed: boolean; detail: string };
  /** Called when a subject has turned, after it is on disk. */
  onArming(callback: (change: ArmingChange) => void): void;
}

export function createArmingCalls(parts: {
  arming: ArmingOrders;
  triggers: ReadonlyMap<string, Trigger>;
  clock: Clock;
  change(fill: (batch: Batch) => void): Promise<void>;
}): ArmingCalls {
  const { arming, triggers, clock, change } = parts;
  const isArmed = (): boolean => arming.state(theSite).phase !== 'disarmed';
  const orderArming = (order: ArmingOrder): Promise<void> => change((batch) => arming.order(batch, order, clock.now()));
  return {
    async setArmed(armed, who) {
      if (armed === isArmed()) return;
      await orderArming({ subject: theSite, armed, how: 'force', source: 'user', who, forMs: null });
    },
    isArmed,
    async defineArea(area) {
      arming.defineArea(area);
    },
    async defineArmingProgram(program) {
      arming.defineProgram(program);
    },
    area: (id) => arming.area(id),
    orderArming,
    armingRows: (known) => armingRows({ arming, triggers, known, at: clock.now() }),
    actionArming: (nodeId, at) => arming.actionArming(nodeId, at),
    onArming: (callback) => arming.onChange(callback),
  };
}
