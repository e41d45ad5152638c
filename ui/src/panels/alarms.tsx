import { useEffect, useState } from 'react';
import type { ActionRow, Alarm, DeviceRow, Shelf } from '../../../engine/host/console-api';
import type { Actor } from '../actor';
import { api } from '../api';
import { alarmState, alarmTone, clockTime, dayAndTime, place, span, temperature, typeLabel } from '../words';
import { AlarmMediaView } from './alarm-media';
import { ShelveChoice, shelfOf } from './shelves';
import { AskWhy } from './why';

export function AlarmsPanel(props: {
  alarms: Alarm[];
  actions: ActionRow[];
  devices: DeviceRow[];
  shelves: Shelf[];
  now: number;
  actor: Actor;
}) {
  const { alarms, actions, devices, shelves, now, actor } = props;
  const live = alarms.filter((alarm) => alarm.endedAt === null);
  const ended = alarms.filter((alarm) => alarm.endedAt !== null);
  return (
    <section className="panel" aria-labelledby="alarms-title">
      <h2 id="alarms-title">
        Alarms <span className={`count ${live.length > 0 ? 'some' : ''}`}>{live.length}</span>
      </h2>
      {live.length === 0 && <p className="empty">No alarm is active.</p>}
      <ul className="alarms" aria-live="polite">
        {live.map((alarm) => (
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
      <EndedAlarms ended={ended} actions={actions} devices={devices} />
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
          <li key={alarm.id}>
            <time title={dayAndTime(alarm.raisedAt)}>
              {onlyFalse ? dayAndTime(alarm.raisedAt) : clockTime(alarm.raisedAt)}
            </time>
            <span>
              {typeLabel(alarm.type)} · {alarm.deviceName}
              {place(alarm) && <small> · {place(alarm)}</small>}
            </span>
            <small>
              {alarm.endedAt === null ? 'still on' : span(alarm.endedAt - alarm.raisedAt)}
              {alarm.count > 1 ? ` · ${alarm.count} times` : ''}
              {onlyFalse && ` · ${alarm.acknowledgedBy}`}
            </small>
            <FloodChips alarm={alarm} />
            {!onlyFalse && <FalseAlarmChip alarm={alarm} />}
            <div className="asks">
              <AlarmMediaView alarm={alarm} actions={actions} devices={devices} />
              <AskWhy alarm={alarm} />
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

function FalseAlarmChip({ alarm: { acknowledgedAs, acknowledgedBy } }: { alarm: Alarm }) {
  if (acknowledgedAs !== 'false-alarm') return null;
  return (
    <span className="chip warn" title={`Acknowledged as a false alarm by ${acknowledgedBy}`}>
      false alarm
    </span>
  );
}

/** What a flood made of the alarm; its place in it matters after its end, too. */
function FloodChips({ alarm: { flood } }: { alarm: Alarm }) {
  return (
    <>
      {flood?.firstOut && (
        <span className="chip alarm" title={`First alarm of the flood in ${flood.area}`}>
          first-out
        </span>
      )}
      {flood?.grouped && (
        <span className="chip" title={`Flood in ${flood.area}: one notice stands for several alarms`}>
          notices grouped
        </span>
      )}
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
