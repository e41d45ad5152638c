import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import type { Session } from '../../engine/host/console-api';
import { api, CallFailed } from './api';
import { DryRunBar } from './dry-run';
import { follow } from './follow';
import { Header } from './header';
import { LinkBar } from './link-bar';
import { emptyState, reduce } from './live-state';
import { ActionsPanel } from './panels/actions';
import { AlarmsPanel } from './panels/alarms';
import { ArmingPanel } from './panels/arming';
import { BuzzerBar } from './panels/buzzer';
import { DemoPanel } from './panels/demo';
import { DevicesPanel } from './panels/devices';
import { EventsPanel } from './panels/events';
import { Login } from './panels/login';
import { MailsPanel } from './panels/mails';
import { NotificationsPanel } from './panels/notifications';
import { OutputsPanel } from './panels/outputs';
import { Popups } from './panels/popups';
import { ShelvesPanel } from './panels/shelves';
import { TroubleBar } from './trouble-bar';
import { learnWords } from './words';

/** Until what could not be read is asked for again. */
const READ_AGAIN_MS = 5_000;
/** Between two looks when devices were heard last. */
const HEARD_EVERY_MS = 10_000;

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);

  const readSession = useCallback(() => {
    api.session().then(setSession, (error: Error) => setTrouble(error.message));
  }, []);
  const unread = session === null;
  useEffect(() => {
    if (!unread) return;
    readSession();
    const again = setInterval(readSession, READ_AGAIN_MS);
    return () => clearInterval(again);
  }, [readSession, unread]);

  if (!session) return <p className="starting">{trouble ?? 'Opening the console…'}</p>;
  if (!session.user && !session.open) return <Login siteName={session.siteName} onDone={readSession} />;
  return <Console session={session} onSessionEnd={readSession} />;
}

function Console({ session, onSessionEnd }: { session: Session; onSessionEnd: () => void }) {
  const [state, change] = useReducer(reduce, emptyState);
  const [linked, setLinked] = useState(false);
  const [notice, setNotice] = useState<string | null>(null);
  const now = useNow();
  const turn = useRef(0);
  const [unread, setUnread] = useState<Error | null>(null);

  const load = useCallback(async () => {
    turn.current += 1;
    const own = turn.current;
    change({ kind: 'loading' });
    try {
      // Over a restart or a login elsewhere the page's right to send orders has become another.
      const fresh = await api.session();
      if (!fresh.user && !fresh.open) return onSessionEnd();
      learnWords(await api.words());
      const [site, live, recent, shelves, popups, outputs, devices, events, actions, mails] = await Promise.all([
        api.site(),
        api.alarms(true),
        api.alarms(false),
        api.shelves(),
        api.popups(),
        api.outputs(),
        api.devices(),
        api.events(),
        api.actions(),
        session.demo ? api.mails() : Promise.resolve([]),
      ]);
      if (own !== turn.current) return;
      const ended = recent.filter((alarm) => alarm.endedAt !== null).slice(0, 6);
      change({
        kind: 'loaded',
        data: { site, alarms: [...live, ...ended], shelves, popups, outputs, devices, events, actions, mails },
      });
      setUnread(null);
    } catch (error) {
      if (own !== turn.current) return;
      change({ kind: 'not-loaded' });
      if (error instanceof CallFailed && error.status === 401) onSessionEnd();
      else setUnread(error as Error);
    }
  }, [session.demo, onSessionEnd]);

  useEffect(
    () =>
      follow({
        onMessage: change,
        onLink: (up) => {
          setLinked(up);
          if (up) void load();
        },
        onRefused: () => {
          api.session().then(
            (fresh) => {
              if (!fresh.user && !fresh.open) onSessionEnd();
            },
            // It does not answer: the bar says so, and the stream is tried again.
            () => {},
          );
        },
      }),
    [load, onSessionEnd],
  );
  // What could not be read while the stream goes on would be missing for good.
  useEffect(() => {
    if (!unread || !linked) return;
    const again = setTimeout(() => void load(), READ_AGAIN_MS);
    return () => clearTimeout(again);
  }, [unread, linked, load]);

  useEffect(() => {
    if (!linked) return;
    const look = setInterval(() => {
      if (document.visibilityState !== 'visible') return;
      api.devices().then(
        (devices) => change({ kind: 'heard', devices }),
        // The stream and the next look tell whether the site is there.
        () => {},
      );
    }, HEARD_EVERY_MS);
    return () => clearInterval(look);
  }, [linked]);

  /** Runs what the person asked for and shows why it was refused, if it was. */
  const act = useCallback((work: Promise<unknown>) => {
    work.then(
      () => setNotice(null),
      (error: Error) => setNotice(error.message),
    );
  }, []);

  const mayOperate = session.open || session.user?.role !== 'viewer';
  const mayAdminister = session.open || session.user?.role === 'administrator';
  const actor = { act, mayOperate, mayAdminister };
  return (
    <>
      <Header session={session} site={state.site} linked={linked} actor={actor} onSessionEnd={onSessionEnd} />
      <LinkBar linked={linked} />
      <TroubleBar site={state.site} />
      <DryRunBar site={state.site} actor={actor} />
      <BuzzerBar outputs={state.outputs} linked={linked} actor={actor} />
      <Popups popups={state.popups} alarms={state.alarms} now={now} actor={actor} />
      {notice && (
        <div className="notice" role="alert">
          <span>{notice}</span>
          <button type="button" className="plain" onClick={() => setNotice(null)} aria-label="Dismiss">
            ✕
          </button>
        </div>
      )}
      {session.demo && <DemoPanel actor={actor} />}
      {unread && linked && (
        <div className="notice" role="alert">
          <span>
            The site could not be read, so what is shown may be old or missing: {unread.message}. It is tried again.
          </span>
        </div>
      )}
      {!state.known && <p className="starting">Reading the site…</p>}
      <main hidden={!state.known}>
        <div className="stack">
          <AlarmsPanel
            alarms={state.alarms}
            actions={state.actions}
            devices={state.devices}
            shelves={state.shelves}
            now={now}
            actor={actor}
          />
          <ShelvesPanel shelves={state.shelves} now={now} actor={actor} />
          <EventsPanel events={state.events} devices={state.devices} />
        </div>
        <div className="stack">
          <ArmingPanel
            turn={state.armingTurn}
            stirred={state.events[0]?.event.id ?? ''}
            linked={linked}
            now={now}
            actor={actor}
          />
          <OutputsPanel outputs={state.outputs} now={now} actor={actor} />
          {session.demo && <MailsPanel mails={state.mails} />}
          <ActionsPanel actions={state.actions} actor={actor} />
          <DevicesPanel devices={state.devices} now={now} />
          <NotificationsPanel />
        </div>
      </main>
      <footer>
        alarmflow {session.version} · {session.siteName}
      </footer>
    </>
  );
}

function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
