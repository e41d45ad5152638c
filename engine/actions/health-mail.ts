/** The text of a health mail (REQUIREMENTS L4): that the site lives, and what a person should look after. */
import { eventTypeLabel } from '../domain/event-words';
import type { EventType } from '../domain/events';
import type { HealthReport } from '../domain/mail';
import { localTime } from './local-time';
import { oneLine } from './template';

/** Lines of one list at most. */
const MOST_LINES = 20;
const LONGEST_LINE = 300;
const LONGEST_SUBJECT = 200;

const line = (text: string): string => oneLine(text).slice(0, LONGEST_LINE).toWellFormed();

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GB`;

const span = (ms: number): string => {
  const minutes = Math.round(ms / 60_000);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
};

function list(title: string, entries: string[], count = entries.length): string {
  const shown = entries.slice(0, MOST_LINES).map((entry) => `- ${line(entry)}`);
  const rest = count > shown.length ? [`- and ${count - shown.length} more`] : [];
  return [`${title} (${count}):`, ...shown, ...rest].join('\n');
}

/** How many things a person should look after. */
const troubles = (report: HealthReport): number =>
  report.away.length + report.unconfirmed.length + report.failedCount + report.problems.length;

/** Subject and text; the same for one report, whenever it is sent. */
export function healthMail(report: HealthReport, siteName: string): { subject: string; text: string } {
  const trouble = troubles(report);
  const state = trouble === 0 ? 'all well' : `${trouble} to look after`;
  const alarms = report.alarms.reduce((sum, { count }) => sum + count, 0);
  const facts = [
    `Site:        ${line(siteName)}`,
    `Alarms:      ${alarms} since ${localTime(report.since)}, ${report.live} live now`,
    `Devices:     ${report.devices - report.away.length} of ${report.devices} online`,
    `Outputs:     ${report.outputs - report.unconfirmed.length} of ${report.outputs} confirmed`,
    `Actions:     ${report.failedCount} failed, ${report.waiting} waiting`,
    ...(report.disk
      ? [
          `Disk:        ${gigabytes(report.disk.free)} of ${gigabytes(report.disk.total)} free (${Math.round((100 * report.disk.free) / Math.max(1, report.disk.total))} %)`,
        ]
      : []),
  ];
  const blocks = [
    `The site ${line(siteName)} lives: ${state}, ${localTime(report.at)}.`,
    facts.join('\n'),
    ...(report.problems.length > 0 ? [list('Could not be told, or is wrong', report.problems)] : []),
    ...(report.away.length > 0
      ? [
          list(
            'Devices that are away',
            report.away.map(({ name, detail }) => `${name}: ${detail}`),
          ),
        ]
      : []),
    ...(report.unconfirmed.length > 0
      ? [
          list(
            'Outputs that no device has confirmed',
            report.unconfirmed.map(({ name, detail }) => `${name}: ${detail}`),
          ),
        ]
      : []),
    ...(report.failedCount > 0
      ? [
          list(
            'Actions that failed',
            report.failed.map(({ name, detail }) => `${name}: ${detail}`),
            report.failedCount,
          ),
        ]
      : []),
    list('Arming', report.arming),
    report.alarms.length === 0
      ? 'No alarm has been raised in this period.'
      : list(
          'Alarms of this period, by type',
          report.alarms.map(
            ({ type, count, last }) =>
              `${count} × ${eventTypeLabel(type as EventType)}, the last on ${last.deviceName} at ${localTime(last.at)}`,
          ),
        ),
    `The next health mail comes in ${span(report.everyMs)}. If none comes, the site, its network or the mail server is down.`,
  ];
  return {
    subject: oneLine(`Health: ${siteName}: ${state}`).slice(0, LONGEST_SUBJECT).toWellFormed(),
    text: blocks.join('\n\n'),
  };
}
