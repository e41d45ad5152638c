/** What stood when a recorded period began: who was armed, what was shelved, which outputs were set by hand. */
import { isoTime } from '../clock/clock';
import type { OutputId, OutputMode } from '../domain/outputs';
import type { AuditRow, StandingRow } from '../domain/record';
import type { Shelf } from '../domain/shelves';

export interface Beginning {
  /** As a start of the engine takes them up. */
  standing: StandingRow[];
  modes: { output: OutputId; mode: OutputMode }[];
  /** What is known, and what is not, a sentence each. */
  words: string[];
}

/** Lines that are looked at; who wants to know what was ordered before them has to begin earlier. */
const MOST_LINES = 50_000;

const isDisarmed = (state: unknown): boolean => (state as { phase?: unknown } | null)?.phase === 'disarmed';

/**
 * @param at where the period begins, in wall milliseconds
 * @param newestFirst lines of orders in the audit trail before that moment
 */
export async function beginningAt(at: number, newestFirst: AsyncIterable<AuditRow>): Promise<Beginning> {
  const armings = new Map<string, { row: AuditRow; state: unknown }>();
  const shelves = new Map<string, Shelf | null>();
  const modes = new Map<OutputId, { row: AuditRow; mode: OutputMode }>();
  let lines = 0;
  let unreadable = 0;
  for await (const row of newestFirst) {
    if (++lines > MOST_LINES) break;
    const { facts } = row;
    switch (facts?.kind) {
      case 'arming': {
        const key = `${facts.subject.scope}:${facts.subject.id}`;
        if (!armings.has(key)) armings.set(key, { row, state: facts.state });
        break;
      }
      case 'shelve':
      case 'unshelve':
        if (!shelves.has(facts.shelf.id)) shelves.set(facts.shelf.id, facts.kind === 'shelve' ? facts.shelf : null);
        break;
      case 'output-mode':
        if (!modes.has(facts.output)) modes.set(facts.output, { row, mode: facts.mode });
        break;
      case undefined:
        unreadable++;
    }
  }
  const shelved = [...shelves.values()].filter((shelf) => shelf !== null && shelf.until > at) as Shelf[];
  const byHand = [...modes].filter(([, { mode }]) => mode !== 'auto');
  const disarmed = [...armings.values()].filter(({ state }) => isDisarmed(state));
  return {
    standing: [
      ...[...armings].map(([key, { state }]) => ({ id: `arming:${key}`, kind: 'arming', doc: state })),
      ...shelved.map((shelf) => ({ id: `shelf:${shelf.id}`, kind: 'shelf', doc: shelf })),
    ],
    modes: byHand.map(([output, { mode }]) => ({ output, mode })),
    words: [
      ...disarmed.map(({ row }) => `${row.subject} is disarmed, by ${row.who} since ${isoTime(row.at)}`),
      ...shelved.map(({ name, by, until }) => `${name} is shelved by ${by} until ${isoTime(until)}`),
      ...byHand.map(([output, { row, mode }]) => `output ${output} is ${mode} by hand of ${row.who}`),
      armings.size === 0
        ? 'nothing on record says what was armed: all is taken as armed'
        : 'what is not named is armed, or nothing on record says otherwise',
      'the alarms that ran, and the positions of switches at arming inputs, are not known: it begins without',
      ...(unreadable > 0
        ? [`${unreadable} orders before it were recorded by an earlier version without what is needed here`]
        : []),
      ...(lines > MOST_LINES ? [`only the last ${MOST_LINES.toLocaleString('en')} orders before it were read`] : []),
    ],
  };
}
