/** Gives the orders of a recorded period again, each at its time, and keeps count of those that cannot be given. */
import { isoTime } from '../clock/clock';
import { asAlarmflowError } from '../domain/errors';
import type { OrderFacts } from '../domain/order-facts';
import type { AuditRow } from '../domain/record';
import type { SimulatedSite } from './simulated-site';

export interface Replay {
  /** Gives an order again if a person or the API gave it; what inputs, schedules and time ordered comes by itself. */
  give(row: AuditRow): Promise<void>;
  /** What was not given again and why, a sentence for each reason. */
  notes(): string[];
}

/** Work to be done; null: nothing, it comes by itself; a text: why it cannot be done. */
type Work = (() => Promise<void>) | null | string;

const earlier = 'recorded by an earlier version, which did not keep what is needed to give them again';
const byNodes = 'given by nodes of the flow, which give them by themselves as far as their messages are simulated';

export function createReplay({ alarms, outputs, collector }: SimulatedSite): Replay {
  const left = new Map<string, { count: number; first: AuditRow }>();

  const leave = (row: AuditRow, why: string): void => {
    const known = left.get(why) ?? { count: 0, first: row };
    left.set(why, { ...known, count: known.count + 1 });
  };

  function workOf(facts: OrderFacts, who: string): Work {
    switch (facts.kind) {
      case 'arming': {
        const { subject, order } = facts;
        if (order === null || order.source === 'schedule' || order.source === 'input') return null;
        if (order.source === 'node') return byNodes;
        return () => alarms.orderArming({ subject, ...order, who });
      }
      case 'alarm': {
        const { order, triggerId, key } = facts;
        const alarm = alarms.live().find((one) => one.triggerId === triggerId && one.key === key);
        if (alarm === undefined) return `for alarms that do not run here at that moment`;
        return () =>
          order === 'acknowledge' ? alarms.acknowledge(alarm.id, who, facts.as) : alarms.reset(alarm.id, who);
      }
      case 'shelve': {
        const { scope, subject, key, oneShot, at, until, reason } = facts.shelf;
        const request = { scope, id: subject, ...(key === null ? {} : { key }), reason };
        return async () => {
          await alarms.shelving.shelve({ ...request, forMs: oneShot ? null : until - at }, who);
        };
      }
      case 'unshelve': {
        if (!facts.byHand) return null;
        const { scope, subject, key } = facts.shelf;
        const shelf = alarms.shelving
          .list()
          .find((one) => one.scope === scope && one.subject === subject && one.key === key);
        if (shelf === undefined) return 'for what is not shelved here at that moment';
        return () => alarms.shelving.unshelve(shelf.id, who);
      }
      case 'output-mode':
        return () => outputs.setMode(facts.output, facts.mode, who);
      case 'output-reset':
        return () => (facts.output === undefined ? outputs.resetAll(who) : outputs.reset(facts.output, who));
    }
  }

  return {
    async give(row) {
      const { facts, who } = row;
      const work = facts === undefined ? earlier : workOf(facts, who);
      if (work === null) return;
      if (typeof work === 'string') {
        leave(row, work);
        return;
      }
      collector.order();
      try {
        await work();
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (error.family !== 'user') throw error;
        collector.complained(error.message);
        leave(row, `refused by this flow (${error.code})`);
      }
    },
    notes: () =>
      [...left].map(
        ([why, { count, first }]) =>
          `${count} recorded order${count === 1 ? ' was' : 's were'} not given again: ${why} (first ${first.action} of ${first.subject} by ${first.who} at ${isoTime(first.at)})`,
      ),
  };
}
