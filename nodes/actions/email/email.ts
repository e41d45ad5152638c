import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { type Fields, isMailAddress } from '../../shared/fields';
import { defaults, migrations } from './migrations';
import { registerPreview } from './preview';

const TITLE = 'Email';
/** As many as the action takes; more belong into a list on the mail server. */
const MAX_RECEIVERS = 50;
const MORE = 'Further receivers';
const kinds = ['to', 'cc', 'bcc'] as const;
const clips = ['0', '3', '5', '7'] as const;

interface Group {
  kind: (typeof kinds)[number];
  addresses: string[];
  scheduleId: string | null;
}

/** The rows of further receivers. A schedule that is gone leaves its receivers out, and is shown as an issue. */
function readMore(fields: Fields): Group[] {
  const rows = fields.raw('more');
  if (!Array.isArray(rows) || rows.length > MAX_RECEIVERS)
    return fields.refuse(MORE, rows, `a list of at most ${MAX_RECEIVERS} rows`);
  return rows.map((row: unknown): Group => {
    if (typeof row !== 'object' || row === null) return fields.refuse(MORE, row, 'a row with addresses');
    const { kind, addresses, schedule = '' } = row as Record<string, unknown>;
    const known = kinds.find((one) => one === kind) ?? fields.refuse(MORE, kind, `one of ${kinds.join(', ')}`);
    const list = String(addresses ?? '')
      .split(/[,;\n]/)
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    if (list.length === 0 || list.length > MAX_RECEIVERS)
      return fields.refuse(MORE, addresses, `rows of 1 to ${MAX_RECEIVERS} mail addresses`);
    for (const entry of list)
      if (!isMailAddress(entry)) fields.refuse(MORE, entry, 'mail addresses like name@example.org');
    if (typeof schedule !== 'string' || schedule.length > 64)
      return fields.refuse(MORE, schedule, 'a schedule, or none');
    if (schedule !== '') fields.isThere(schedule, 'Schedules', 'alarmflow-schedule');
    return { kind: known, addresses: list, scheduleId: schedule === '' ? null : schedule };
  });
}

/** What of a mail can be seen before it is sent. */
const readContent = (fields: Fields) => ({
  subject: fields.text('subject', 'Subject', { max: 500 }),
  text: fields.text('text', 'Text', { max: 20_000, lines: true }),
  picture: fields.choice('picture', 'Attach', ['none', 'event-or-snapshot', 'three'] as const),
  clip: Number(fields.choice('clip', 'Clip', clips)),
});

export default defineNode(
  actionKind({
    type: 'alarmflow-email',
    title: TITLE,
    action: 'email',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      const more = readMore(fields);
      return {
        name: fields.name(TITLE),
        deviceId: null,
        phases,
        interval: readInterval(fields),
        params: {
          serverId: fields.reference('server', 'Mail server', 'alarmflow-mail-server'),
          to: fields.mailAddresses('to', 'Receivers', MAX_RECEIVERS, more.length > 0),
          more,
          phases,
          ...readContent(fields),
          links: fields.flag('links', 'Answer links'),
          // A mail without its picture is better than none.
          snapshotDeviceId: fields.referenceIfThere('snapshotDevice', 'Snapshot device', 'alarmflow-device'),
          snapshotChannel: fields.number('snapshotChannel', 'Snapshot channel', {
            min: 1,
            max: 65_535,
            integer: true,
            optional: true,
          }),
        },
      };
    },
    register: (red) => registerPreview(red, TITLE, readContent),
  }),
);
