import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Alarm, Popup } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { type Buzzer, createBuzzer } from '../buzzer-sound';
import { clockTime, dayAndTime, place as placeOf, span } from '../words';
import { Tour } from './tour';

/** A message that has just come must not be answered by a click that was meant for the one before. */
const SETTLE_MS = 700;
const ONE_SOUND_MS = 1_800;

const levelWords: Record<Popup['level'], string> = {
  information: 'Information',
  warning: 'Warning',
  alarm: 'Alarm',
  emergency: 'Emergency',
};
/** Patterns of the buzzer. */
const levelSounds: Record<Popup['level'], number> = { information: 3, warning: 3, alarm: 1, emergency: 2 };

/** What has been hidden here comes back when it says something new. */
const wording = ({ id, at }: Popup): string => `${id}@${at}`;

/** The messages that stand before every console, one at a time, the most severe first. */
export function Popups(props: { popups: Popup[]; alarms: Alarm[]; now: number; actor: Actor }) {
  const { popups, alarms, now, actor } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [chosen, setChosen] = useState<string | null>(null);
  const open = popups.filter((popup) => !hidden.has(wording(popup)));
  const first = open[0] ? wording(open[0]) : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what has come to the front is shown, whatever was chosen
  useEffect(() => setChosen(null), [first]);

  const at = Math.max(
    0,
    open.findIndex(({ id }) => id === chosen),
  );
  const shown = open[at];
  const blocked = useSound(open);
  const away = popups.length - open.length;
  return (
    <>
      {away > 0 && (
        <div className="notice set-aside">
          <span>
            {away === 1 ? 'A message is' : `${away} messages are`} hidden on this screen and not answered:{' '}
            {popups.find((popup) => hidden.has(wording(popup)))?.title}
          </span>
          <button type="button" onClick={() => setHidden(new Set())}>
            Show
          </button>
        </div>
      )}
      {shown && (
        <PopupDialog
          popup={shown}
          alarm={alarms.find(({ id }) => id === shown.alarmId)}
          place={{ at, of: open.length }}
          silent={blocked}
          now={now}
          actor={actor}
          onHide={() => setHidden((before) => new Set([...before, wording(shown)]))}
          onHideAll={() => setHidden(new Set(popups.map(wording)))}
          ended={open.filter(({ endedAt }) => endedAt !== undefined).length}
          onHideEnded={() =>
            setHidden(
              (before) => new Set([...before, ...open.filter(({ endedAt }) => endedAt !== undefined).map(wording)]),
            )
          }
          onNext={() => setChosen(open[(at + 1) % open.length]?.id ?? null)}
        />
      )}
    </>
  );
}

/** From the last button to the first and back: the browser alone would let the keyboard wander into its own bars. */
function keepInside(event: KeyboardEvent<HTMLDialogElement>): void {
  if (event.key !== 'Tab') return;
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  const edge = event.shiftKey ? buttons[0] : buttons.at(-1);
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? buttons.at(-1) : buttons[0])?.focus();
}

function PopupDialog(props: {
  popup: Popup;
  alarm: Alarm | undefined;
  place: { at: number; of: number };
  silent: boolean;
  now: number;
  actor: Actor;
  onHide: () => void;
  onHideAll: () => void;
  /** How many of those that are open are of alarms that are over. */
  ended: number;
  onHideEnded: () => void;
  onNext: () => void;
}) {
  const { popup, alarm, place, silent, now, actor, onHide, onHideAll, ended, onHideEnded, onNext } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [settled, setSettled] = useState(false);

  useEffect(() => {
    const element = dialog.current;
    // Shown so, it keeps the focus, and gives it back to where it was.
    element?.showModal();
    return () => element?.close();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew with each message that comes to the front
  useEffect(() => {
    setSettled(false);
    const timer = setTimeout(() => setSettled(true), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [popup.id]);

  const answer = (work: () => Promise<unknown>) => () => {
    if (settled) actor.act(work());
  };
  const open = alarm !== undefined && alarm.acknowledgedAt === null && alarm.endedAt === null;
  const picture = popup.picture ? (alarm?.event.pictures[0]?.mediaId ?? popup.pictures[0]) : undefined;
  const others = place.of - 1;
  return (
    <dialog
      ref={dialog}
      role="alertdialog"
      className={`popup ${popup.level}${popup.endedAt === undefined ? '' : ' ended'}`}
      aria-labelledby="popup-title"
      aria-describedby="popup-text"
      onKeyDown={keepInside}
      onCancel={(event) => {
        event.preventDefault();
        onHide();
      }}
    >
      <header>
        <span className="level">{popup.test ? 'Test' : levelWords[popup.level]}</span>
        {popup.endedAt !== undefined && (
          <span className="over" title={dayAndTime(popup.endedAt)}>
            Over since {clockTime(popup.endedAt)}
          </span>
        )}
        {others > 0 && (
          <button type="button" className="plain" onClick={onNext}>
            {place.at + 1} of {place.of} · next
          </button>
        )}
        <button type="button" className="plain hide" onClick={onHide} title="Hide on this screen (Esc)">
          Hide here
        </button>
        {ended > 0 && others > 0 && (
          <button type="button" className="plain" onClick={onHideEnded} title="Hide on this screen what is over">
            Hide {ended} over
          </button>
        )}
        {others > 0 && (
          <button type="button" className="plain" onClick={onHideAll} title="Hide all of them on this screen">
            Hide all
          </button>
        )}
      </header>
      <div className="body">
        <h2 id="popup-title">{popup.title}</h2>
        <p id="popup-text">{popup.text}</p>
        {picture && <img src={`/api/v1/media/${encodeURIComponent(picture)}`} alt="Taken at the alarm" />}
        {popup.tour && <Tour key={popup.id} popup={popup.id} tour={popup.tour} />}
        <p className="small">
          <time title={dayAndTime(popup.shownAt)}>{clockTime(popup.shownAt)}</time>, {span(now - popup.shownAt)} ago
          {popup.endedAt === undefined && alarm && alarm.clearedAt !== null && ' · cleared'}
          {alarm && placeOf(alarm) !== '' && ` · ${placeOf(alarm)}`}
          {popup.nodeName !== '' && ` · ${popup.nodeName}`}
          {popup.goesAt !== null && popup.goesAt > now && ` · goes in ${span(popup.goesAt - now)}`}
          {silent && ' · This browser is silent until you click into the page.'}
        </p>
        {popup.test && <p className="small">Nothing has happened: somebody tries this message out.</p>}
      </div>
      {actor.mayOperate ? (
        <footer className="do" aria-disabled={!settled}>
          {open && (
            <>
              <button type="button" className="primary" onClick={answer(() => api.acknowledgePopup(popup.id))}>
                Acknowledge
              </button>
              <button type="button" onClick={answer(() => api.acknowledgePopup(popup.id, 'false-alarm'))}>
                False alarm
              </button>
            </>
          )}
          <button
            type="button"
            className={open ? '' : 'primary'}
            onClick={answer(() => api.closePopup(popup.id))}
            title="Takes this message from every console"
          >
            Close for everybody
          </button>
        </footer>
      ) : (
        <footer className="small">Operators acknowledge or close it.</footer>
      )}
    </dialog>
  );
}

/** Sounds for the most severe message that wants it. Returns whether the browser keeps quiet. */
function useSound(open: Popup[]): boolean {
  const buzzer = useRef<Buzzer | null>(null);
  const heard = useRef(new Set<string>());
  const [blocked, setBlocked] = useState(false);
  const repeating = open.find(({ sound }) => sound === 'repeat');
  const once = repeating ? undefined : open.find((one) => one.sound === 'once' && !heard.current.has(wording(one)));
  const wanted = repeating ?? once;
  const key = wanted ? wording(wanted) : '';
  const pattern = wanted ? levelSounds[wanted.level] : 0;
  const isOnce = once !== undefined;

  useEffect(() => {
    if (key === '') {
      buzzer.current?.silence();
      return;
    }
    buzzer.current ??= createBuzzer(setBlocked);
    buzzer.current.play({ sound: pattern });
    if (!isOnce) return;
    const timer = setTimeout(() => {
      heard.current.add(key);
      buzzer.current?.silence();
    }, ONE_SOUND_MS);
    return () => clearTimeout(timer);
  }, [key, pattern, isOnce]);
  useEffect(
    () => () => {
      buzzer.current?.close();
      buzzer.current = null;
    },
    [],
  );
  return blocked;
}
