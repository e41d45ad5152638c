import type { Alarm, Shelf } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { clockTime, dayAndTime, span } from '../words';

const times = [
  { value: '15', word: '15 minutes' },
  { value: '60', word: '1 hour' },
  { value: '480', word: '8 hours' },
  { value: 'once', word: 'once, until it ends' },
] as const;

const scopeWords: Record<Shelf['scope'], string> = {
  area: 'whole area',
  device: 'whole device',
  trigger: 'whole trigger',
  condition: 'this condition',
};

const DAY = 86_400_000;

function until(shelf: Shelf, now: number): string {
  if (shelf.oneShot) return 'until it has ended once';
  const left = shelf.until - now;
  const clock = left < DAY ? clockTime(shelf.until) : dayAndTime(shelf.until);
  return `until ${clock}, ${span(left)} left`;
}

/** The shelf that a live alarm's condition lies on, as far as the alarm tells. */
export const shelfOf = (alarm: Alarm, shelves: Shelf[]): Shelf | undefined =>
  shelves.find(
    ({ scope, subject, key }) =>
      (scope === 'device' && subject === alarm.deviceId) ||
      (subject === alarm.triggerId && (scope === 'trigger' || (scope === 'condition' && key === alarm.key))),
  );

/** Holds the alarm's condition back: the running alarm goes on, silently, and no new one is raised. */
export function ShelveChoice({ alarm, actor }: { alarm: Alarm; actor: Actor }) {
  const shelve = (value: string): void => {
    if (value === '') return;
    const time = value === 'once' ? ({ oneShot: true } as const) : { minutes: Number(value) };
    actor.act(api.shelve({ scope: 'condition', id: alarm.triggerId, key: alarm.key, ...time }));
  };
  return (
    <select
      aria-label={`Shelve ${alarm.triggerName}`}
      title="Raises nothing more and sends no reminders for a time; what runs goes on"
      value=""
      onChange={(change) => shelve(change.target.value)}
    >
      <option value="">Shelve…</option>
      {times.map(({ value, word }) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </select>
  );
}

/** What is shelved, by whom and until when. Shown only while something is: what nobody shelved needs no room. */
export function ShelvesPanel({ shelves, now, actor }: { shelves: Shelf[]; now: number; actor: Actor }) {
  if (shelves.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="shelves-title">
      <h2 id="shelves-title">
        Shelved <span className="count some">{shelves.length}</span>
      </h2>
      <ul className="shelves">
        {shelves.map((shelf) => (
          <li key={shelf.id}>
            <div className="what">
              <strong>{shelf.name}</strong> <span className="small">{scopeWords[shelf.scope]}</span>
              <p className="small">
                {until(shelf, now)} · by {shelf.by}, <time title={dayAndTime(shelf.at)}>{clockTime(shelf.at)}</time>
                {shelf.reason !== '' && ` · ${shelf.reason}`}
              </p>
            </div>
            {actor.mayOperate && (
              <button type="button" onClick={() => actor.act(api.unshelve(shelf.id))}>
                Unshelve
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
