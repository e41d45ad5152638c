import { asAlarmflowError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { FramedPart } from '../wire';
import { conditionOf, natureOf } from './codes';
import type { TimeVerdict } from './device-clock';
import { type EventSetting, type Meaning, understand } from './event';
import { readEventText } from './event-text';
import { withoutGaps } from './fields';
import { createOpenConditions, type Decision, type OpenConditions } from './open-conditions';

/** What one part of the stream turned out to be. */
export type Finding =
  | { kind: 'event'; draft: EventDraft; late: boolean; clockSuspect: boolean }
  | { kind: 'heartbeat' }
  /** `readClock`: the device's clock was set. */
  | { kind: 'notice'; text: string; readClock: boolean }
  | { kind: 'fault'; reason: string; bytes: number };

export interface ReaderOptions {
  setting(): EventSetting;
  judge(draft: Omit<EventDraft, 'phase'>): TimeVerdict;
  /** Milliseconds on a clock that never goes back. */
  at(draft: Omit<EventDraft, 'phase'>): number;
}

/** Turns framed parts of one device into findings, in order; keeps what is open between them. Never throws. */
export interface Reader {
  read(part: FramedPart): Finding[];
  readonly conditions: OpenConditions;
}

export function createReader(options: ReaderOptions): Reader {
  const conditions = createOpenConditions();

  function read(part: FramedPart): Finding[] {
    if (part.kind === 'fault') return [{ kind: 'fault', reason: part.reason, bytes: part.bytes }];
    try {
      const text = readEventText(part.body);
      if (text.kind === 'heartbeat') return [text];
      if (text.kind === 'fault') return [{ ...text, bytes: part.body.length }];
      const meaning = understand(text.event, options.setting());
      if (meaning.kind === 'ignored') return [];
      return meaning.kind === 'notice' ? [meaning] : told(meaning);
    } catch (thrown) {
      // Our own mistake; the stream goes on all the same (§0.1 rule 7).
      return [{ kind: 'fault', reason: asAlarmflowError(thrown).message, bytes: part.body.length }];
    }
  }

  function told({ draft, report }: Extract<Meaning, { kind: 'report' }>): Finding[] {
    const verdict = options.judge(draft);
    const timed = { ...report, at: options.at(draft) };
    // A replay must neither open nor end what is open now: the live event behind it would be taken for a repeat.
    const decisions = verdict.late ? conditions.decideLate(timed) : conditions.decide(timed);
    return decisions.map((decision) => ({ kind: 'event', draft: draftOf(draft, decision), ...verdict }));
  }

  return { read, conditions };
}

/** A stop says less than its start did: what filters go by is taken from there. What is over needs no quiet time. */
function draftOf(draft: Omit<EventDraft, 'phase'>, { phase, condition }: Decision): EventDraft {
  const { quietMs, ...rest } = draft;
  const timed = phase === 'pulse' || phase === 'stop' || quietMs === undefined ? rest : { ...rest, quietMs };
  if (!condition || phase === 'start') return { ...timed, phase };
  const { kept, type, code } = condition;
  return withoutGaps({ ...kept, ...timed, type, condition: conditionOf(type, natureOf(code)), phase });
}
