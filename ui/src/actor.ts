/** What a panel needs to let a person do things. */
export interface Actor {
  /** Runs what the person asked for; a refusal is shown. */
  act(work: Promise<unknown>): void;
  mayOperate: boolean;
  mayAdminister: boolean;
}
