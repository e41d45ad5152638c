/** Shelving (OPC UA Part 9 §5.8.17, ISA-18.2): an operator holds alarms back for a time, or until they have ended once. */

/** What can be shelved, from the widest to the narrowest. A condition is one alarm key of one trigger. */
export const shelfScopes = ['area', 'device', 'trigger', 'condition'] as const;
export type ShelfScope = (typeof shelfScopes)[number];

/** Longest time on a shelf: what nobody has wanted for a month should be switched off in the flow, where it is seen. */
export const LONGEST_SHELF_MS = 30 * 86_400_000;

/** What an operator asks for. */
export interface ShelfRequest {
  scope: ShelfScope;
  /** Node id of the area, device or trigger; for a condition, of its trigger. */
  id: string;
  /** The condition's key; without meaning for the other scopes. */
  key?: string;
  /** So long, in milliseconds; null: one-shot, until its condition has ended once. */
  forMs: number | null;
  reason: string;
}

/** What is shelved now. Times are wall milliseconds. */
export interface Shelf {
  id: string;
  scope: ShelfScope;
  /** Node id of the area, device or trigger. */
  subject: string;
  /** Key of the condition; null for the other scopes. */
  key: string | null;
  /** For people. */
  name: string;
  /** OneShotShelved: it ends when what it covers has ended once and is quiet; at `until` at the latest. */
  oneShot: boolean;
  by: string;
  reason: string;
  at: number;
  until: number;
}
