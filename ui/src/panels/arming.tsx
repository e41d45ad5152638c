import { useCallback, useEffect, useRef, useState } from 'react';
import type { ArmingRow, ArmingSubject } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { clockTime, dayAndTime, span, type Tone } from '../words';

/** What is open turns without an order: by events, and by quiet times that nobody tells. */
const REFRESH_MS = 15_000;
/** In a storm of events the rows are read no more often than this. */
const STIRRED_MS = 1_000;

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

export function ArmingPanel(props: {
  turn: number;
  /** Another text after every event. */
  stirred: string;
  linked: boolean;
  now: number;
  actor: Actor;
}) {
  const { turn, stirred, linked, now, actor } = props;
  const [rows, setRows] = useState<ArmingRow[] | null>(null);
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState('');

  const load = useCallback(() => {
    // A refusal is told by the console itself when it reads the rest.
    api.arming().then(setRows, () => undefined);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when arming or the connection change
  useEffect(load, [load, turn, linked]);
  const waiting = useRef<ReturnType<typeof setTimeout> | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew, soon, after an event
  useEffect(() => {
    waiting.current ??= setTimeout(() => {
      waiting.current = null;
      load();
    }, STIRRED_MS);
  }, [load, stirred]);
  useEffect(
    () => () => {
      if (waiting.current !== null) clearTimeout(waiting.current);
      waiting.current = null;
    },
    [],
  );
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
        .then(
          (page) => setRows(page.arming),
          (refused: unknown) => {
            // It was refused because of something that the rows may not show yet.
            load();
            throw refused;
          },
        ),
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
  // Armed by itself, and yet silent: a wider scope is not armed.
  const heldBack = row.verdict !== null && !row.verdict.armed && row.phase === 'armed';
  const { word, tone } = heldBack ? { word: 'held back', tone: 'warn' as const } : phases[row.phase];
  const open = row.open.filter(
    (one) => !row.bypassed.some((other) => other.triggerId === one.triggerId && other.key === one.key),
  );
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
        {heldBack && <p className="small warn-text">{row.verdict?.detail}</p>}
        {open.length > 0 && row.phase !== 'armed' && <p className="small warn-text">Open: {conditions(open)}</p>}
        {row.bypassed.length > 0 && <p className="small warn-text">Bypassed: {conditions(row.bypassed)}</p>}
      </div>
      {actor.mayOperate && (
        <fieldset className="orders">
          <legend className="hidden">Orders for {name}</legend>
          {disarmed ? (
            <>
              <button type="button" className="main" onClick={() => order(row, true, 'normal')}>
                Arm
              </button>
              {open.length > 0 && (
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
                Disarm 1 h
              </button>
            </>
          )}
        </fieldset>
      )}
    </li>
  );
}

/** Names conditions; several of one trigger on one device are one name with their number. */
function conditions(all: ArmingRow['open']): string {
  const counted = new Map<string, number>();
  for (const { triggerName, deviceName } of all) {
    const name = `${triggerName} (${deviceName})`;
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  return [...counted].map(([name, count]) => (count > 1 ? `${name} × ${count}` : name)).join(', ');
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
