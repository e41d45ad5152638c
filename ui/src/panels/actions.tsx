import { useEffect, useState } from 'react';
import type { ActionRow } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { ACTION_PAGE, api } from '../api';
import { actionFigures, actionLabel, actionTone, clockTime, dayAndTime } from '../words';
import { LogExport } from './log-export';

/** As many as are looked at in passing. */
const FIRST = 12;

const needsLook = ({ status }: ActionRow): boolean => status === 'failed' || status === 'expired';

/** Both lists in one, the newest first; what the first knows of an action is newer. */
function merged(live: readonly ActionRow[], kept: readonly ActionRow[]): ActionRow[] {
  const all = new Map([...kept, ...live].map((action) => [action.key, action]));
  return [...all.values()].sort((a, b) => b.requestedAt - a.requestedAt || (a.key < b.key ? 1 : -1));
}

/** With its day where that is not today. */
function timeWords(at: number): string {
  const day = new Date(at);
  if (day.toDateString() === new Date().toDateString()) return clockTime(at);
  return `${day.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })} ${clockTime(at)}`;
}

/** What is shown beyond the first few. */
interface Opened {
  /** Of the record; what happens meanwhile is added. */
  rows: ActionRow[];
  /** There may be more behind them. */
  more: boolean;
}

export function ActionsPanel({ actions, actor }: { actions: ActionRow[]; actor: Actor }) {
  const [onlyTrouble, setOnlyTrouble] = useState(false);
  const [opened, setOpened] = useState<Opened | null>(null);
  /** Tried again from here: they stay in sight whatever becomes of them. */
  const [tried, setTried] = useState<ReadonlySet<string>>(new Set());
  const [trouble, setTrouble] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);

  // The live list forgets its oldest: what was in sight stays there while older ones are shown.
  useEffect(() => {
    setOpened((before) => before && { ...before, rows: merged(actions, before.rows) });
  }, [actions]);

  const known = opened ? merged(actions, opened.rows) : actions;
  const wanted = onlyTrouble ? known.filter((action) => needsLook(action) || tried.has(action.key)) : known;
  const shown = opened ? wanted : wanted.slice(0, FIRST);
  const mayHaveMore = opened ? opened.more : wanted.length > FIRST || actions.length >= FIRST;

  async function ask(only: boolean, before: Opened | null): Promise<void> {
    setAsking(true);
    try {
      const last = before?.rows.filter((action) => !only || needsLook(action)).at(-1);
      const page = await api.olderActions(last?.key ?? null, only);
      setOpened((now) => ({ rows: merged(now?.rows ?? before?.rows ?? [], page), more: page.length === ACTION_PAGE }));
      setTrouble(null);
    } catch (error) {
      setTrouble((error as Error).message);
    } finally {
      setAsking(false);
    }
  }

  function filter(only: boolean): void {
    setOnlyTrouble(only);
    setTried(new Set());
    setOpened(null);
    // The newest that failed may be older than all that is known here.
    if (only) void ask(true, null);
  }

  return (
    <section className="panel" aria-labelledby="actions-title">
      <h2 id="actions-title">
        Linkage actions
        <button
          type="button"
          className="aside"
          title="Only those that failed or came too late"
          aria-pressed={onlyTrouble}
          disabled={asking}
          onClick={() => filter(!onlyTrouble)}
        >
          Failed only
        </button>
      </h2>
      {shown.length === 0 && !asking && (
        <p className="empty">{onlyTrouble ? 'No action has failed.' : 'No action has run yet.'}</p>
      )}
      <ul className="actions">
        {shown.map((action) => (
          <li key={action.key}>
            <time title={dayAndTime(action.requestedAt)}>{timeWords(action.requestedAt)}</time>
            <span className="event-what">
              {actionLabel(action)} <small>{action.nodeName}</small>
            </span>
            <span className={`chip ${actionTone(action)}`}>{action.status}</span>
            {actionFigures(action) !== '' && <small className="figures">{actionFigures(action)}</small>}
            {action.summary && <p className="small">{action.summary}</p>}
            {actor.mayOperate && needsLook(action) && (
              <button
                type="button"
                onClick={() => {
                  setTried((before) => new Set(before).add(action.key));
                  actor.act(api.retry(action.key));
                }}
              >
                Try again
              </button>
            )}
          </li>
        ))}
      </ul>
      <div aria-live="polite">{trouble && <p className="error">{trouble}</p>}</div>
      <p className="list-more">
        {mayHaveMore && (
          <button
            type="button"
            disabled={asking}
            onClick={() => void ask(onlyTrouble, opened ?? { rows: actions, more: true })}
          >
            Show older ones
          </button>
        )}
        {opened && !onlyTrouble && (
          <button type="button" onClick={() => setOpened(null)}>
            Show fewer
          </button>
        )}
      </p>
      <LogExport />
    </section>
  );
}
