import { useEffect, useState } from 'react';
import type { ActionRow, Alarm, DeviceRow, Shelf } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { alarmState, alarmTone, clockTime, dayAndTime, place, span, temperature, typeLabel } from '../words';
import { AlarmLine, FalseAlarmChip, FloodChips } from './alarm-line';
import { AlarmMediaView } from './alarm-media';
import { AlarmSearch } from './alarm-search';
import { ShelveChoice, shelfOf } from './shelves';
import { AskWhy } from './why';

/** A flood must neither push the outputs out of sight nor make the page slow; the rest is a click away. */
const MOST_SHOWN = 30;

export function AlarmsPanel(props: {
  alarms: Alarm[];
  actions: ActionRow[];
  devices: DeviceRow[];
  shelves: Shelf[];
  now: number;
  actor: Actor;
}) {
  const { alarms, actions, devices, shelves, now, actor } = props;
  const [all, setAll] = useState(false);
  const live = alarms.filter((alarm) => alarm.endedAt === null);
  const shown = all ? live : live.slice(0, MOST_SHOWN);
  const ended = alarms.filter((alarm) => alarm.endedAt !== null);
  return (
    <section className="panel" aria-labelledby="alarms-title">
      <h2 id="alarms-title">
        Alarms <span className={`count ${live.length > 0 ? 'some' : ''}`}>{live.length}</span>
      </h2>
      {live.length === 0 && <p className="empty">No alarm is active.</p>}
      <ul className="alarms" aria-live="polite">
        {shown.map((alarm) => (
          <AlarmCard
            key={alarm.id}
            alarm={alarm}
            actions={actions}
            devices={devices}
            shelf={shelfOf(alarm, shelves)}
            now={now}
            actor={actor}
          />
        ))}
      </ul>
      {live.length > MOST_SHOWN && (
        <button type="button" onClick={() => setAll(!all)}>
          {all
            ? `Show the newest ${MOST_SHOWN} alone`
            : `Show ${live.length - MOST_SHOWN} more active alarms, raised before`}
        </button>
      )}
      <EndedAlarms ended={ended} actions={actions} devices={devices} />
      <AlarmSearch actions={actions} devices={devices} />
    </section>
  );
}

/** Those that ended lately, or of all that are on record those that were acknowledged as false alarms. */
function EndedAlarms(props: { ended: Alarm[]; actions: ActionRow[]; devices: DeviceRow[] }) {
  const { ended, actions, devices } = props;
  const [onlyFalse, setOnlyFalse] = useState(false);
  const [found, setFound] = useState<Alarm[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const newest = ended[0]?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: an alarm that has ended meanwhile may be one of them
  useEffect(() => {
    if (!onlyFalse) return;
    let left = false;
    api.falseAlarms().then(
      (alarms) => {
        if (!left) setFound(alarms);
      },
      (error: Error) => setTrouble(error.message),
    );
    return () => {
      left = true;
    };
  }, [onlyFalse, newest]);

  if (ended.length === 0 && !onlyFalse) return null;
  const rows = onlyFalse ? (found ?? []) : ended;
  return (
    <>
      <h3 className="with-filter">
        {onlyFalse ? 'False alarms' : 'Ended lately'}
        <label>
          <input type="checkbox" checked={onlyFalse} onChange={(change) => setOnlyFalse(change.target.checked)} />
          false alarms only
        </label>
      </h3>
      {trouble && <p className="error">{trouble}</p>}
      {onlyFalse && found?.length === 0 && <p className="empty">None is on record.</p>}
      <ul className="ended">
        {rows.map((alarm) => (
          <AlarmLine key={alarm.id} alarm={alarm} dated={onlyFalse} actions={actions} devices={devices} />
        ))}
      </ul>
    </>
  );
}

function AlarmCard(props: {
  alarm: Alarm;
  actions: ActionRow[];
  devices: DeviceRow[];
  shelf: Shelf | undefined;
  now: number;
  actor: Actor;
}) {
  const { alarm, actions, devices, shelf, now, actor } = props;
  const picture = alarm.event.pictures[0];
  const reading = temperature(alarm.event);
  return (
    <li className={`alarm ${alarmTone(alarm)}`}>
      {picture && <img src={`/api/v1/media/${encodeURIComponent(picture.mediaId)}`} alt="Taken at the alarm" />}
      <div className="what">
        <strong>{typeLabel(alarm.type)}</strong>
        <span className="state">{alarmState(alarm)}</span>
        <FloodChips alarm={alarm} />
        <FalseAlarmChip alarm={alarm} />
        {shelf && <span className="chip">shelved by {shelf.by}</span>}
        <p>
          {alarm.deviceName}
          {place(alarm) && ` · ${place(alarm)}`}
          {reading && ` · ${reading}`}
        </p>
        <p className="small">
          <time title={dayAndTime(alarm.raisedAt)}>{clockTime(alarm.raisedAt)}</time>, {span(now - alarm.raisedAt)} ago
          {alarm.count > 1 && ` · ${alarm.count} times`} · {alarm.triggerName}
          {alarm.acknowledgedBy && ` · acknowledged by ${alarm.acknowledgedBy}`}
        </p>
      </div>
      {actor.mayOperate && (
        <div className="do">
          <button
            type="button"
            disabled={alarm.acknowledgedAt !== null}
            onClick={() => actor.act(api.acknowledge(alarm.id))}
          >
            Acknowledge
          </button>
          <button
            type="button"
            disabled={alarm.acknowledgedAt !== null}
            title="Acknowledges it, and keeps on record that it was none"
            onClick={() => actor.act(api.acknowledge(alarm.id, 'false-alarm'))}
          >
            False alarm
          </button>
          <button type="button" onClick={() => actor.act(api.resetAlarm(alarm.id))}>
            Clear
          </button>
          {!shelf && <ShelveChoice alarm={alarm} actor={actor} />}
        </div>
      )}
      <div className="asks">
        <AlarmMediaView alarm={alarm} actions={actions} devices={devices} />
        <AskWhy alarm={alarm} />
      </div>
    </li>
  );
}
