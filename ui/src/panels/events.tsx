import { useEffect, useState } from 'react';
import type { DeviceRow, ExplainedEvent } from '../../../engine/host/console-api';
import { api } from '../api';
import { clockTime, dayAndTime, fate, place, typeLabel } from '../words';
import { Why } from './why';

export function EventsPanel({ events, devices }: { events: ExplainedEvent[]; devices: DeviceRow[] }) {
  const [onlyRefused, setOnlyRefused] = useState(false);
  const [repeats, setRepeats] = useState(false);
  const shown = events
    .filter((entry) => repeats || !isRepeat(entry))
    .filter((entry) => !onlyRefused || fate(entry).tone === 'quiet');
  const nodeNames = useNodeNames(events, devices);
  const nameOf = (id: string) => devices.find((device) => device.id === id)?.name ?? nodeNames.get(id) ?? id;
  return (
    <section className="panel" aria-labelledby="events-title">
      <h2 id="events-title">
        Events, and what became of them
        <span className="aside">
          <label>
            <input type="checkbox" checked={repeats} onChange={(e) => setRepeats(e.target.checked)} /> repeats
          </label>
          <label>
            <input type="checkbox" checked={onlyRefused} onChange={(e) => setOnlyRefused(e.target.checked)} /> only
            those that did not fire
          </label>
        </span>
      </h2>
      {shown.length === 0 && <p className="empty">Nothing yet.</p>}
      <ul className="events">
        {shown.map((entry) => (
          <EventLine key={entry.event.id} entry={entry} deviceName={nameOf(entry.event.deviceId)} />
        ))}
      </ul>
    </section>
  );
}

/** What a node is told by messages comes from no device: the node's name stands for it. Asked for when one turns up. */
function useNodeNames(events: ExplainedEvent[], devices: DeviceRow[]): Map<string, string> {
  const [names, setNames] = useState(new Map<string, string>());
  const strangers = [...new Set(events.map(({ event }) => event.deviceId))]
    .filter((id) => !devices.some((device) => device.id === id))
    .sort()
    .join(' ');
  useEffect(() => {
    if (strangers === '') return;
    // A refusal is told by the console itself when it reads the rest; the ids stand meanwhile.
    api.arming().then(
      (rows) => setNames(new Map(rows.map(({ subject, name }) => [subject.scope === 'site' ? '' : subject.id, name]))),
      () => undefined,
    );
  }, [strangers]);
  return names;
}

/** A device says about once a second that a running alarm goes on: of interest only to who asks for it. */
const isRepeat = ({ event, decisions }: ExplainedEvent): boolean =>
  (event.phase === 'refresh' && decisions.every(({ outcome }) => outcome === 'merged' || outcome === 'no-alarm')) ||
  // What a combination hears of the end of an alarm that is listed anyway.
  (event.type === 'message' && event.phase === 'stop' && decisions.every(({ outcome }) => outcome === 'no-alarm'));

function EventLine({ entry, deviceName }: { entry: ExplainedEvent; deviceName: string }) {
  const { event, decisions } = entry;
  const { word, tone } = fate(entry);
  // Of a message the rule is its topic.
  const where = event.type === 'message' ? event.rule : place(event);
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>
          <time title={dayAndTime(event.receivedAt)}>{clockTime(event.receivedAt)}</time>
          <span className="event-what">
            {typeLabel(event.type)} <small>{event.phase}</small>
          </span>
          <span className="event-where">
            {deviceName}
            {where && ` · ${where}`}
          </span>
          <span className={`chip ${tone}`}>{word}</span>
        </summary>
        <div className="why">
          {open && <Why kind="event" id={event.id} fresh={decisions.map(({ id }) => id).join()} />}
          <details className="raw">
            <summary>As the device sent it</summary>
            <pre>{event.raw}</pre>
          </details>
        </div>
      </details>
    </li>
  );
}
