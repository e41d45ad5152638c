/** An alarm on record in a line, with its pictures and its why. */
import type { ActionRow, Alarm, DeviceRow } from '../../../engine/host/console-api';
import { clockTime, dayAndTime, place, span, typeLabel } from '../words';
import { AlarmMediaView } from './alarm-media';
import { AskWhy } from './why';

/** @param dated with its day, where not all are of today */
export function AlarmLine(props: { alarm: Alarm; dated: boolean; actions: ActionRow[]; devices: DeviceRow[] }) {
  const { alarm, dated, actions, devices } = props;
  return (
    <li>
      <time title={dayAndTime(alarm.raisedAt)}>{dated ? dayAndTime(alarm.raisedAt) : clockTime(alarm.raisedAt)}</time>
      <span>
        {typeLabel(alarm.type)} · {alarm.deviceName}
        {place(alarm) && <small> · {place(alarm)}</small>}
      </span>
      <small>
        {alarm.endedAt === null ? 'still on' : span(alarm.endedAt - alarm.raisedAt)}
        {alarm.count > 1 ? ` · ${alarm.count} times` : ''}
        {dated && alarm.acknowledgedBy && ` · acknowledged by ${alarm.acknowledgedBy}`}
      </small>
      <FloodChips alarm={alarm} />
      <FalseAlarmChip alarm={alarm} />
      <div className="asks">
        <AlarmMediaView alarm={alarm} actions={actions} devices={devices} />
        <AskWhy alarm={alarm} />
      </div>
    </li>
  );
}

export function FalseAlarmChip({ alarm: { acknowledgedAs, acknowledgedBy } }: { alarm: Alarm }) {
  if (acknowledgedAs !== 'false-alarm') return null;
  return (
    <span className="chip warn" title={`Acknowledged as a false alarm by ${acknowledgedBy}`}>
      false alarm
    </span>
  );
}

/** What a flood made of the alarm; its place in it matters after its end, too. */
export function FloodChips({ alarm: { flood } }: { alarm: Alarm }) {
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
