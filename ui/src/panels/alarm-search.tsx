/** Alarms on record by period, type and device (the recorders' "alarm information"). */
import { type FormEvent, useId, useState } from 'react';
import type { ActionRow, Alarm, DeviceRow } from '../../../engine/host/console-api';
import { api } from '../api';
import { knownTypes } from '../words';
import { AlarmLine } from './alarm-line';

const today = (): string => {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
};

/** Wall milliseconds at which a day of this browser begins; null without a day. */
function dayStart(day: string, later = 0): number | null {
  if (day === '') return null;
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + later);
  return date.getTime();
}

interface Found {
  alarms: Alarm[];
  /** What asks for those behind them; null: these are all. */
  next: string | null;
}

export function AlarmSearch({ actions, devices }: { actions: ActionRow[]; devices: DeviceRow[] }) {
  const id = useId();
  const [from, setFrom] = useState(today);
  const [to, setTo] = useState('');
  const [type, setType] = useState('');
  const [device, setDevice] = useState('');
  const [found, setFound] = useState<Found | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);

  /** @param before those that are shown already */
  async function ask(before: Found | null): Promise<void> {
    setAsking(true);
    try {
      const page = await api.searchAlarms({
        from: dayStart(from),
        to: dayStart(to, 1),
        type,
        deviceId: device,
        after: before?.next ?? null,
      });
      setFound({ alarms: [...(before?.alarms ?? []), ...page.alarms], next: page.next });
      setTrouble(null);
    } catch (error) {
      setTrouble((error as Error).message);
    } finally {
      setAsking(false);
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void ask(null);
  };
  /** What was found belongs to what was asked. */
  const asked =
    <T,>(set: (value: T) => void) =>
    (value: T): void => {
      set(value);
      setFound(null);
    };

  return (
    <details className="log-export">
      <summary>Search all alarms</summary>
      <form className="fields" onSubmit={submit}>
        <label htmlFor={`${id}-from`}>
          From
          <input id={`${id}-from`} type="date" value={from} onChange={(event) => asked(setFrom)(event.target.value)} />
        </label>
        <label htmlFor={`${id}-to`}>
          To, this day included
          <input id={`${id}-to`} type="date" value={to} onChange={(event) => asked(setTo)(event.target.value)} />
        </label>
        <label htmlFor={`${id}-type`}>
          Event type
          <select id={`${id}-type`} value={type} onChange={(event) => asked(setType)(event.target.value)}>
            <option value="">all</option>
            {knownTypes().map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label htmlFor={`${id}-device`}>
          Device
          <select id={`${id}-device`} value={device} onChange={(event) => asked(setDevice)(event.target.value)}>
            <option value="">all</option>
            {devices.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="primary" disabled={asking}>
          Search
        </button>
      </form>
      <div aria-live="polite">
        {trouble && <p className="error">{trouble}</p>}
        {found?.alarms.length === 0 && <p className="empty">No alarm was raised in this time.</p>}
      </div>
      {found && found.alarms.length > 0 && (
        <ul className="ended">
          {found.alarms.map((alarm) => (
            <AlarmLine key={alarm.id} alarm={alarm} dated actions={actions} devices={devices} />
          ))}
        </ul>
      )}
      {found?.next && (
        <button type="button" disabled={asking} onClick={() => void ask(found)}>
          Show later ones
        </button>
      )}
    </details>
  );
}
