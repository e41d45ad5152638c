/** Why an event or an alarm is what it is, gate by gate, and what an event would do now. */
import { useEffect, useState } from 'react';
import type { Alarm, GateCheck, TriggerCheck, WhyAnswer } from '../../../engine/host/console-api';
import { api } from '../api';
import { actionFigures, clockTime, dayAndTime, gateLabel, moment, outcomeLabel } from '../words';

/**
 * @param fresh asks again when it changes: an alarm that has moved on, a decision that came later
 */
export function Why({ kind, id, fresh }: { kind: 'event' | 'alarm'; id: string; fresh: string }) {
  const answer = useAnswer(() => (kind === 'event' ? api.whyEvent(id) : api.whyAlarm(id)), `${kind} ${id} ${fresh}`);
  const [triggerId, setTriggerId] = useState<string | null>(null);
  if (answer === null) return <p className="small">Asking…</p>;
  if (answer instanceof Error) return <p className="error">{answer.message}</p>;
  const asked = answer.triggers.find((check) => check.triggerId !== null);
  return (
    <>
      <Answer answer={answer} />
      {asked?.triggerId && triggerId === null && (
        <button type="button" onClick={() => setTriggerId(asked.triggerId)}>
          And if one came now?
        </button>
      )}
      {triggerId && <Supposed triggerId={triggerId} />}
    </>
  );
}

/** "Why?" below an alarm; asks when it is opened. */
export function AskWhy({ alarm }: { alarm: Alarm }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="ask" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Why?</summary>
      {open && (
        <div className="why">
          <Why
            kind="alarm"
            id={alarm.id}
            fresh={`${alarm.state} ${alarm.count} ${alarm.acknowledgedAt} ${alarm.endedAt}`}
          />
        </div>
      )}
    </details>
  );
}

function Supposed({ triggerId }: { triggerId: string }) {
  const answer = useAnswer(() => api.whyTrigger(triggerId), triggerId);
  return (
    <section className="supposed" aria-live="polite">
      <h3>If an event came now</h3>
      {answer === null && <p className="small">Asking…</p>}
      {answer instanceof Error && <p className="error">{answer.message}</p>}
      {answer !== null && !(answer instanceof Error) && <Answer answer={answer} brief />}
    </section>
  );
}

function useAnswer(ask: () => Promise<WhyAnswer>, question: string): WhyAnswer | Error | null {
  const [answer, setAnswer] = useState<WhyAnswer | Error | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the question is what `ask` asks
  useEffect(() => {
    let wanted = true;
    ask().then(
      (found) => wanted && setAnswer(found),
      (error: Error) => wanted && setAnswer(error),
    );
    return () => {
      wanted = false;
    };
  }, [question]);
  return answer;
}

function Answer({ answer, brief = false }: { answer: WhyAnswer; brief?: boolean }) {
  return (
    <>
      <p className="verdict">{answer.verdict}</p>
      {answer.notes.map((note) => (
        <p key={note} className="small">
          {note}
        </p>
      ))}
      {answer.triggers.map((check) => (
        <Trigger key={`${check.triggerId} ${check.key} ${check.outcome} ${check.detail}`} check={check} />
      ))}
      {!brief && answer.followed.map((followed) => <Followed key={followed.alarm.id} followed={followed} />)}
    </>
  );
}

function Trigger({ check }: { check: TriggerCheck }) {
  if (check.relation === 'near')
    return (
      <p className="near">
        <b>{check.triggerName}</b> was not asked: {check.detail}.
      </p>
    );
  const told = check.gates.filter(({ result, detail }) => result !== 'not-asked' && detail !== '');
  const plain = check.gates
    .filter(({ result, detail }) => result === 'passed' && detail === '')
    .map(({ gate }) => gateLabel(gate));
  const notAsked = check.gates.filter(({ result }) => result === 'not-asked').map(({ gate }) => gateLabel(gate));
  return (
    <div className="checked">
      <h3>
        {check.triggerName} <small>{conditionLabel(check.key)}</small>
      </h3>
      {plain.length > 0 && <p className="small">Passed: {plain.join(', ')}</p>}
      <ol className="gates">
        {told.map((gate) => (
          <Gate key={gate.gate} gate={gate} at={check.at} />
        ))}
      </ol>
      {notAsked.length > 0 && <p className="small not-asked">Not asked: {notAsked.join(', ')}</p>}
      {check.decidedBy === null && (
        <p>
          <b>{outcomeLabel(check.outcome ?? '')}</b>: {check.detail}
        </p>
      )}
      <Line decisions={check.later} />
    </div>
  );
}

/** What tells the condition from the trigger's others, without what its name and the event say already. */
const conditionLabel = (key: string | null): string =>
  (key ?? '')
    .split(';')
    .filter((part) => part !== '' && !part.startsWith('device=') && !part.startsWith('type='))
    .map((part) => part.replace('=', ' '))
    .join(' · ');

const marks: Record<GateCheck['result'], { sign: string; word: string }> = {
  passed: { sign: '✓', word: 'passed' },
  refused: { sign: '✕', word: 'refused' },
  waiting: { sign: '…', word: 'waiting' },
  'not-asked': { sign: '–', word: 'not asked' },
};

function Gate({ gate, at }: { gate: GateCheck; at: number }) {
  const { sign, word } = marks[gate.result];
  return (
    <li className={gate.result}>
      <span className="mark" aria-hidden="true">
        {sign}
      </span>
      <b>{gate.result === 'refused' || gate.result === 'waiting' ? gate.gate : gateLabel(gate.gate)}</b>
      <span>
        <span className="hidden">{word}: </span>
        {gate.detail}
        {gate.opens && (
          <small className="opens">
            Opens {gate.opensAt !== null && `${moment(gate.opensAt, at)}, `}
            {gate.opens}
          </small>
        )}
      </span>
    </li>
  );
}

function Line({ decisions }: { decisions: WhyAnswer['triggers'][number]['later'] }) {
  if (decisions.length === 0) return null;
  return (
    <ul className="life">
      {decisions.map((decision) => (
        <li key={decision.id}>
          <time title={dayAndTime(decision.at)}>{clockTime(decision.at)}</time>
          <span>
            <b>{outcomeLabel(decision.outcome)}</b>: {decision.detail}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Followed({ followed }: { followed: WhyAnswer['followed'][number] }) {
  const { alarm, life, waitsFor, actions, outputs } = followed;
  return (
    <div className="followed">
      <h3>What followed: alarm of {dayAndTime(alarm.raisedAt)}</h3>
      <Line decisions={life} />
      {(actions.length > 0 || outputs.length > 0) && (
        <ul className="life">
          {actions.map((action) => (
            <li key={action.key}>
              <time title={dayAndTime(action.finishedAt ?? action.requestedAt)}>
                {clockTime(action.finishedAt ?? action.requestedAt)}
              </time>
              <span className={action.status === 'failed' || action.status === 'expired' ? 'error' : ''}>
                <b>{action.nodeName || action.kind}</b> ({action.phase}): {action.status}
                {actionFigures(action) !== '' && ` (${actionFigures(action)})`}
                {action.summary && `, ${action.summary}`}
              </span>
            </li>
          ))}
          {outputs.map((output) => (
            <li key={output.outputId}>
              <time>{output.endsAt === null ? 'now' : clockTime(output.endsAt)}</time>
              <span>
                <b>{output.name}</b>: {output.detail}
              </span>
            </li>
          ))}
        </ul>
      )}
      {waitsFor && <p>Waits for {waitsFor}.</p>}
    </div>
  );
}
