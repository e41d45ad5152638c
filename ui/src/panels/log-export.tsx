import { useId, useState } from 'react';
import { logFile } from '../api';

/** Alarms or actions of some days as a file. Nothing is fetched here: the browser saves it as it comes. */
export function LogExport() {
  const id = useId();
  const [what, setWhat] = useState('alarms');
  const [format, setFormat] = useState('csv');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [type, setType] = useState('');
  const dayStart = (day: string): number | null => (day === '' ? null : new Date(`${day}T00:00:00`).getTime());
  const end = dayStart(to);
  const nextDay = (at: number): number => {
    const date = new Date(at);
    date.setDate(date.getDate() + 1);
    return date.getTime();
  };
  const file = logFile({
    what,
    format,
    from: dayStart(from),
    to: end === null ? null : nextDay(end),
    type: type.trim(),
  });
  return (
    <details className="log-export">
      <summary>Export the log</summary>
      <div className="fields">
        <label htmlFor={`${id}-what`}>
          What
          <select id={`${id}-what`} value={what} onChange={(event) => setWhat(event.target.value)}>
            <option value="alarms">Alarms</option>
            <option value="actions">Actions and their outcomes</option>
          </select>
        </label>
        <label htmlFor={`${id}-from`}>
          From
          <input id={`${id}-from`} type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
        </label>
        <label htmlFor={`${id}-to`}>
          To, this day included
          <input id={`${id}-to`} type="date" value={to} onChange={(event) => setTo(event.target.value)} />
        </label>
        <label htmlFor={`${id}-type`}>
          Event type
          <input
            id={`${id}-type`}
            type="text"
            maxLength={200}
            placeholder="all, or e.g. motion"
            value={type}
            onChange={(event) => setType(event.target.value)}
          />
        </label>
        <label htmlFor={`${id}-format`}>
          Format
          <select id={`${id}-format`} value={format} onChange={(event) => setFormat(event.target.value)}>
            <option value="csv">CSV for spreadsheets</option>
            <option value="jsonl">JSON lines</option>
          </select>
        </label>
        <a className="button" href={file} download>
          Save the file
        </a>
      </div>
    </details>
  );
}
