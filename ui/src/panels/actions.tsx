import type { ActionRow } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { actionFigures, actionLabel, actionTone, clockTime, dayAndTime } from '../words';
import { LogExport } from './log-export';

export function ActionsPanel({ actions, actor }: { actions: ActionRow[]; actor: Actor }) {
  return (
    <section className="panel" aria-labelledby="actions-title">
      <h2 id="actions-title">Linkage actions</h2>
      {actions.length === 0 && <p className="empty">No action has run yet.</p>}
      <ul className="actions">
        {actions.slice(0, 12).map((action) => (
          <li key={action.key}>
            <time title={dayAndTime(action.requestedAt)}>{clockTime(action.requestedAt)}</time>
            <span className="event-what">
              {actionLabel(action)} <small>{action.nodeName}</small>
            </span>
            <span className={`chip ${actionTone(action)}`}>{action.status}</span>
            {actionFigures(action) !== '' && <small className="figures">{actionFigures(action)}</small>}
            {action.summary && <p className="small">{action.summary}</p>}
            {actor.mayOperate && (action.status === 'failed' || action.status === 'expired') && (
              <button type="button" onClick={() => actor.act(api.retry(action.key))}>
                Try again
              </button>
            )}
          </li>
        ))}
      </ul>
      <LogExport />
    </section>
  );
}
