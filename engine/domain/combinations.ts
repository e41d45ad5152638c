/** Combinations of conditions (REQUIREMENTS T16); `engine/gates/combination.ts` decides. */

export interface CombinationRule {
  /**
   * `any`: one of them; `all`: all active at once; `sequence`: one after the other within the time (double line);
   * `count`: so many starts of any within the time.
   */
  mode: 'any' | 'all' | 'sequence' | 'count';
  /** Operands in order: trigger node ids, or topics of plain messages. */
  operands: string[];
  /** For `sequence` and `count`; milliseconds. */
  withinMs: number;
  /** For `count`. */
  count: number;
}
