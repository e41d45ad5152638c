/**
 * Arming and disarming (REQUIREMENTS S3, S4): the words that gates, alarms, actions, nodes and console share.
 * `engine/gates/arming.ts` decides; `engine/alarms` keeps what stands.
 */

/** What can be armed and disarmed by itself, from the widest to the narrowest. */
export const armingScopes = ['site', 'area', 'device', 'trigger', 'action'] as const;
export type ArmingScope = (typeof armingScopes)[number];

/** One thing that is armed or disarmed. The id is the node id; `site` for the site. */
export interface ArmingSubject {
  scope: ArmingScope;
  id: string;
}

/** Who or what has ordered it. */
export type ArmingSource = 'schedule' | 'input' | 'user' | 'api' | 'node';

/** What the gates are told of all scopes around one trigger at one moment. */
export interface ArmingVerdict {
  armed: boolean;
  /** A sentence for people: which scope decided, by whose order, and what comes next. */
  detail: string;
  /** What becomes of a running alarm when this verdict is "disarmed" (DESIGN §1.5). */
  atDisarm: 'end' | 'let-run';
  /** An entry route waits until then before it raises (wall milliseconds); null: it raises at once. */
  entryUntil: number | null;
}

/** Where nobody has said anything about arming. */
export const armedAlways: ArmingVerdict = {
  armed: true,
  detail: 'always armed',
  atDisarm: 'end',
  entryUntil: null,
};
