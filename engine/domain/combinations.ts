/** Combinations of conditions (REQUIREMENTS T16); `engine/gates/combination.ts` decides. */

export interface CombinationRule {
  /**
   * `any`: one of them; `all`: all active at once; `sequence`: one after the other within the time (double line);
   * `count`: so many starts of any within the time.
   */
  mode: CombinationMode;
  /** Operands in order, each once: trigger node ids, or topics of plain messages. */
  operands: string[];
  /**
   * For `sequence`, from the first to the last; for `count`, from the first start to the one that completes the number.
   * Milliseconds; a difference of exactly this still counts.
   */
  withinMs: number;
  /** For `count`. */
  count: number;
}

export const combinationModes = ['any', 'all', 'sequence', 'count'] as const;
export type CombinationMode = (typeof combinationModes)[number];

export const MOST_OPERANDS = 20;
/** Longest time that a combination may look back, in milliseconds: one day. */
export const LONGEST_COMBINATION_MS = 86_400_000;
/** Starts that `count` may ask for. */
export const MOST_COMBINED_STARTS = 1_000;

/** What a message that is offered to a combination says of one of its operands. */
export interface OperandMessage {
  /** Trigger node id, or topic of a plain message. */
  operand: string;
  /** The operand for people: the trigger's name, or the topic. */
  name: string;
  /** Tells the operand's own conditions apart: the id of the alarm; the topic again for a plain message. */
  condition: string;
  /** The same when the message is sent again. */
  messageId: string;
  /** When it began or ended by our own clock, wall milliseconds; absent: the message's receipt. */
  at?: number;
  /** Where the alarm comes from, for people. */
  place?: string;
}
