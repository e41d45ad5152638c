/**
 * What a line of the audit trail has done, so that it can be done again when the period is simulated. The line's words are
 * for people; these are for the engine.
 */
import type { AcknowledgedAs } from './alarms';
import type { ArmingSource, ArmingSubject, ArmingWay } from './arming';
import type { OutputId, OutputMode } from './outputs';
import type { Shelf } from './shelves';

export type OrderFacts =
  | {
      kind: 'arming';
      subject: ArmingSubject;
      /** null: no order, but time, a schedule or somebody who came in. */
      order: { armed: boolean; how: ArmingWay; source: ArmingSource; forMs: number | null } | null;
      /** What the subject is since; as the arming keeps it, opaque to all others. */
      state: unknown;
    }
  /** Which condition the alarm was of: another run gives its alarms other ids. */
  | { kind: 'alarm'; order: 'acknowledge' | 'reset'; triggerId: string; key: string; as?: AcknowledgedAs }
  | { kind: 'shelve'; shelf: Shelf }
  /** `byHand`: an order; else its time was over, or what it covers had ended once. */
  | { kind: 'unshelve'; shelf: Shelf; byHand: boolean }
  | { kind: 'output-mode'; output: OutputId; mode: OutputMode }
  /** `output` absent: all of them. */
  | { kind: 'output-reset'; output?: OutputId };

/** The words of the audit trail that say an order was given; what an earlier version wrote has no facts. */
export const orderActions: readonly string[] = [
  ...['site', 'area', 'device', 'channel', 'trigger', 'action'].flatMap((scope) => [`${scope}.arm`, `${scope}.disarm`]),
  'alarm.acknowledge',
  'alarm.reset',
  'alarm.shelve',
  'alarm.unshelve',
  'output.mode',
  'output.reset',
];
