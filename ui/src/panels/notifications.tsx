import { useCallback, useEffect, useState } from 'react';
import type { PushPage, ShownSubscription } from '../../../engine/host/console-api';
import { api } from '../api';
import { ownSubscription, pushObstacle, switchOffHere, switchOn } from '../push';
import { dayAndTime } from '../words';

type Said = { ok: boolean; text: string } | null;

/** Switches notifications of this browser on and off, tries them, and lists those of one's other browsers. */
export function NotificationsPanel() {
  const [page, setPage] = useState<PushPage | null>(null);
  const [own, setOwn] = useState<string | null>(null);
  const [said, setSaid] = useState<Said>(null);
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState(false);
  const obstacle = pushObstacle();

  const read = useCallback(async () => {
    setPage(await api.push());
    setOwn(await ownSubscription());
  }, []);
  useEffect(() => {
    if (open) read().catch((error: Error) => setSaid({ ok: false, text: error.message }));
  }, [open, read]);

  const run = (work: () => Promise<Said>): void => {
    setBusy(true);
    setSaid(null);
    work()
      .then(setSaid, (error: Error) => setSaid({ ok: false, text: error.message }))
      .finally(() => setBusy(false));
  };

  const here = page?.subscriptions.find(({ id }) => id === own);
  const turnOn = async (): Promise<Said> => {
    setPage(await switchOn(page?.publicKey ?? ''));
    setOwn(await ownSubscription());
    return { ok: true, text: 'Switched on in this browser. Send a test to be sure.' };
  };
  const remove = async (id: string): Promise<Said> => {
    setPage(await api.pushUnsubscribe(id));
    if (id === own) await switchOffHere();
    setOwn(await ownSubscription());
    return { ok: true, text: 'Switched off.' };
  };
  const test = async (id: string): Promise<Said> => {
    const { ok, detail } = await api.pushTest(id);
    return { ok, text: detail };
  };

  return (
    <details className="panel notifications" onToggle={(toggle) => setOpen(toggle.currentTarget.open)}>
      <summary>
        <h2>Notifications</h2>
      </summary>
      <p className="small">
        Alarms reach this browser also while the console is closed, where a flow has a <i>web push</i> node.
      </p>
      {obstacle !== null && <p className="obstacle">{obstacle}</p>}
      {obstacle === null && page && (
        <div className="do">
          {here ? (
            <>
              <button type="button" disabled={busy} onClick={() => run(() => test(here.id))}>
                Send a test
              </button>
              <button type="button" disabled={busy} onClick={() => run(() => remove(here.id))}>
                Switch off in this browser
              </button>
            </>
          ) : (
            <button type="button" className="primary" disabled={busy} onClick={() => run(turnOn)}>
              Switch on in this browser
            </button>
          )}
        </div>
      )}
      <p role="status" className={said?.ok ? 'said' : 'said error'}>
        {said?.text}
      </p>
      {page && page.subscriptions.length > 0 && (
        <ul className="subscriptions">
          {page.subscriptions.map((one) => (
            <li key={one.id}>
              <SubscriptionWords one={one} isOwn={one.id === own} />
              {one.id !== own && (
                <button type="button" disabled={busy} onClick={() => run(() => remove(one.id))}>
                  Switch off
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}

function SubscriptionWords({ one, isOwn }: { one: ShownSubscription; isOwn: boolean }) {
  return (
    <div className="what">
      <strong>{one.browser}</strong> <span className="small">of {one.user}</span>{' '}
      {isOwn && <span className="chip good">this browser</span>}
      <p className="small">
        since {dayAndTime(one.since)} · {one.service}
        {one.reachedAt !== null && ` · reached ${dayAndTime(one.reachedAt)}`}
      </p>
    </div>
  );
}
