/** Arming as nodes, console and command line see it: subjects by id or by name, and who wants to hear of changes. */
import type { Alarms } from '../alarms';
import { type ArmingChange, type ArmingOrder, type ArmingRow, type ArmingSubject, theSite } from '../domain/arming';
import { asAlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { NodeNotice } from '../index';

export interface KnownSubject {
  subject: ArmingSubject;
  name: string;
}

export interface FlowArming {
  rows(): ArmingRow[];
  /**
   * The subject may be named by its node id, or by its name if only one of its scope has it; a channel as
   * `<device>/<number>`.
   *
   * @throws E_UNKNOWN_SUBJECT, E_AMBIGUOUS_SUBJECT, E_AREA_OPEN, E_BAD_ORDER (user)
   */
  order(order: ArmingOrder): Promise<void>;
  /** Tells a node of every change of a subject until it is detached. */
  watch(nodeId: string, subject: ArmingSubject, changed: (change: ArmingChange) => void): void;
  detach(nodeId: string): void;
  /** What the node of a subject's orders shows. */
  notice(subject: ArmingSubject): NodeNotice;
}

export function createFlowArming(parts: {
  alarms: Pick<Alarms, 'armingRows' | 'orderArming' | 'onArming'>;
  /** Devices and action nodes that the flows have. */
  known(): KnownSubject[];
  log: Log;
  /** A subject has turned: nodes that show it are to be shown anew. */
  turned(nodeIds: string[]): void;
}): FlowArming {
  const { alarms, log } = parts;
  const watchers = new Map<string, { subject: ArmingSubject; changed: (change: ArmingChange) => void }>();

  const rows = (): ArmingRow[] => alarms.armingRows(parts.known());

  const byNameOrId = (wanted: ArmingSubject): ArmingSubject => {
    const { scope, id } = wanted;
    if (scope === 'site') return theSite;
    if (scope === 'channel') {
      const cut = id.lastIndexOf('/');
      if (cut <= 0) return wanted;
      return { scope, id: `${byNameOrId({ scope: 'device', id: id.slice(0, cut) }).id}${id.slice(cut)}` };
    }
    const candidates = rows().filter((row) => row.subject.scope === scope);
    const exact = candidates.find((row) => row.subject.id === id);
    if (exact !== undefined) return exact.subject;
    const named = candidates.filter((row) => row.name.trim().toLowerCase() === id.trim().toLowerCase());
    const [first] = named;
    if (first === undefined) {
      throw userError(
        'E_UNKNOWN_SUBJECT',
        `The deployed flows have no ${scope} "${id}" to arm or disarm: see "alarmflow arming" for what they have`,
      );
    }
    if (named.length > 1) {
      throw userError(
        'E_AMBIGUOUS_SUBJECT',
        `${named.length} of scope "${scope}" are called "${id}": give the node id instead (${named
          .slice(0, 5)
          .map((row) => row.subject.id)
          .join(', ')})`,
      );
    }
    return first.subject;
  };

  alarms.onArming((change) => {
    const concerned = [...watchers].filter(
      ([, { subject }]) => subject.scope === change.subject.scope && subject.id === change.subject.id,
    );
    for (const [nodeId, { changed }] of concerned) {
      try {
        changed(change);
      } catch (error) {
        log.error('arming.watcher-failed', { nodeId, error: asAlarmflowError(error).message });
      }
    }
    parts.turned([...concerned.map(([nodeId]) => nodeId), change.subject.id]);
  });

  return {
    rows,
    order: async (order) => alarms.orderArming({ ...order, subject: byNameOrId(order.subject) }),
    watch(nodeId, subject, changed) {
      watchers.set(nodeId, { subject, changed });
    },
    detach(nodeId) {
      watchers.delete(nodeId);
    },
    notice(subject) {
      const row = rows().find((one) => one.subject.scope === subject.scope && one.subject.id === subject.id);
      if (row === undefined) return { state: 'trouble', text: 'subject is missing' };
      switch (row.phase) {
        case 'disarmed':
          return { state: 'off', text: 'disarmed' };
        case 'exit-delay':
          return { state: 'waiting', text: 'exit delay' };
        case 'entry-delay':
          return { state: 'waiting', text: 'entry delay' };
        case 'armed':
          return { state: 'idle', text: row.bypassed.length > 0 ? `armed, ${row.bypassed.length} bypassed` : 'armed' };
      }
    },
  };
}
