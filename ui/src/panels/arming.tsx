import { useCallback, useEffect, useState } from 'react';
import type { Alarm, ArmingRow, ArmingSubject } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { clockTime, dayAndTime, span, type Tone } from '../words';

/** What is open turns without an order; it is read again this often while the panel is seen. */
const REFRESH_MS = 15_000;

const phases: Record<ArmingRow['phase'], { word: string; tone: Tone }> = {
  disarmed: { word: 'disarmed', tone: 'quiet' },
  'exit-delay': { word: 'exit delay', tone: 'warn' },
  armed: { word: 'armed', tone: 'good' },
  'entry-delay': { word: 'entry delay', tone: 'alarm' },
};

const scopeWords: Record<ArmingSubject['scope'], string> = {
  site: 'whole site',
  area: 'area',
  device: 'device',
  channel: 'channel',
  trigger: 'trigger',
  action: 'action',
};

const keyOf = ({ scope, id }: ArmingSubject): string => `${scope}:${id}`;

export function ArmingPanel(props: { turn: number; alarms: Alarm[]; linked: boolean; now: number; actor: Actor }) {
  const { turn, alarms, linked, now, actor } = props;
  const [rows, setRows] = useState<ArmingRow[] | null>(null);
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState('');

  const load = useCallback(() => {
    // A refusal is told by the console itself when it reads the rest.
    api.arming().then(setRows, () => undefined);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when arming, alarms or the connection change
  useEffect(load, [load, turn, alarms.length, linked]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') load();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [load]);

  const order = (row: ArmingRow, armed: boolean, how: 'normal' | 'force' | 'bypass', forMinutes?: number): void =>
    actor.act(
      api
        .order({
          subject: row.subject,
          armed,
          ...(armed ? { how } : {}),
          ...(forMinutes === undefined ? {} : { forMinutes }),
        })
        .then((page) => setRows(page.arming)),
    );

  const main = (rows ?? []).filter(({ subject }) => subject.scope === 'site' || subject.scope === 'area');
  const others = (rows ?? []).filter((row) => !main.includes(row));
  // What differs is always shown: a disarmed trigger that nobody sees is an alarm that nobody gets.
  const told = others.filter(
    (row) =>
      row.phase !== 'armed' ||
      row.bypassed.length > 0 ||
      (all && `${row.name} ${scopeWords[row.subject.scope]}`.toLowerCase().includes(filter.trim().toLowerCase())),
  );
  const off = (rows ?? []).filter((row) => row.phase === 'disarmed').length;
  return (
    <section className="panel" aria-labelledby="arming-title">
      <h2 id="arming-title">
        Arming {off > 0 && <span className="count">{off} disarmed</span>}
        {others.length > 0 && (
          <button type="button" className="aside" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Areas only' : 'Devices, triggers, actions'}
          </button>
        )}
      </h2>
      {rows === null && <p className="empty">Reading…</p>}
      <ul className="arming">
        {main.map((row) => (
          <Subject key={keyOf(row.subject)} row={row} now={now} actor={actor} order={order} />
        ))}
      </ul>
      {all && (
        <input
          type="search"
          className="filter"
          aria-label="Filter devices, triggers and actions"
          placeholder="Filter by name"
          value={filter}
          onChange={(change) => setFilter(change.target.value)}
        />
      )}
      {told.length > 0 && (
        <ul className="arming narrow">
          {told.map((row) => (
            <Subject key={keyOf(row.subject)} row={row} now={now} actor={actor} order={order} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Subject(props: {
  row: ArmingRow;
  now: number;
  actor: Actor;
  order(row: ArmingRow, armed: boolean, how: 'normal' | 'force' | 'bypass', forMinutes?: number): void;
}) {
  const { row, now, actor, order } = props;
  const { word, tone } = phases[row.phase];
  const disarmed = row.phase === 'disarmed';
  const name = row.subject.scope === 'site' ? 'Whole site' : row.name;
  return (
    <li className={tone}>
      <div className="what">
        <span className={`chip ${tone}`}>
          {word}
          {row.delayUntil !== null && ` ${span(row.delayUntil - now)}`}
        </span>{' '}
        <strong>{name}</strong>{' '}
        {row.subject.scope !== 'site' && <span className="small">{scopeWords[row.subject.scope]}</span>}
        <p className="small">{standing(row, now)}</p>
        {row.verdict && !row.verdict.armed && row.phase !== 'disarmed' && (
          <p className="small warn-text">{row.verdict.detail}</p>
        )}
        {row.open.length > 0 && row.phase !== 'armed' && (
          <p className="small warn-text">
            Open: {row.open.map((one) => `${one.triggerName} (${one.deviceName})`).join(', ')}
          </p>
        )}
        {row.bypassed.length > 0 && (
          <p className="small warn-text">
            Bypassed: {row.bypassed.map((one) => `${one.triggerName} (${one.deviceName})`).join(', ')}
          </p>
        )}
      </div>
      {actor.mayOperate && (
        <fieldset className="orders">
          <legend className="hidden">Orders for {name}</legend>
          {disarmed ? (
            <>
              <button type="button" className="main" onClick={() => order(row, true, 'normal')}>
                Arm
              </button>
              {row.open.length > 0 && (
                <>
                  <button
                    type="button"
                    title="Arm; what is open is raised like at a period that begins"
                    onClick={() => order(row, true, 'force')}
                  >
                    Force
                  </button>
                  <button
                    type="button"
                    title="Arm; what is open is left out until it is disarmed"
                    onClick={() => order(row, true, 'bypass')}
                  >
                    Bypass
                  </button>
                </>
              )}
            </>
          ) : (
            <>
              <button type="button" className="main" onClick={() => order(row, false, 'normal')}>
                Disarm
              </button>
              <button
                type="button"
                title="Disarm for one hour, then back to what it was"
                onClick={() => order(row, false, 'normal', 60)}
              >
                for 1 h
              </button>
            </>
          )}
        </fieldset>
      )}
    </li>
  );
}

const bywhom = ({ order }: ArmingRow): string => {
  if (order === null) return '';
  if (order.source === 'schedule') return ` by schedule ${order.who}`;
  if (order.source === 'input') return ` by input ${order.who}`;
  return ` by ${order.who}`;
};

/** Who has ordered it, when, and what comes next. */
function standing(row: ArmingRow, now: number): string {
  const { order, back } = row;
  if (order === null) return 'armed from the start';
  const at = now - order.at < 86_400_000 ? clockTime(order.at) : dayAndTime(order.at);
  const then = back === null ? '' : `, ${back.armed ? 'armed' : 'disarmed'} again in ${span(back.at - now)}`;
  return `${order.armed ? 'armed' : 'disarmed'}${bywhom(row)} at ${at}${then}`;
}
