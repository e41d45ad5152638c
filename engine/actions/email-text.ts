import type { ActionRow } from '../domain/actions';
import { templateValues } from './alarm-values';
import type { EmailParams } from './email-params';
import { floodNote, floodSubject } from './flood-words';
import { heldBackLines, heldBackOf, isDigest } from './held-back';
import { isOfOneAlarm } from './mail-thread';
import { phaseWord, stepWord } from './phase-words';
import { manyLines, oneLine, renderTemplate, type TemplateValues, withoutEmptyLines } from './template';

const LONGEST_SUBJECT = 200;
const LONGEST_TEXT = 256 * 1024;

/** Subjects where the node has none of its own. All mails of one alarm have the same, so that they are one conversation. */
const alarmSubject = '{{alarm.typeText}}: {{alarm.deviceName}} ({{site}})';
const messageSubject = 'Message from {{node}} ({{site}})';

const facts = `
Site:        {{site}}
Device:      {{alarm.deviceName}}
Channel:     {{alarm.channel}}
Input:       {{alarm.input}}
Rule:        {{alarm.rule}}
Target:      {{alarm.target}}
Temperature: {{temperature}}
Threshold:   {{threshold}}
Level:       {{alarm.level}}
Raised:      {{alarm.raisedAt}}
Cleared:     {{alarm.clearedAt}}
Lasted:      {{duration}}
Count:       {{alarm.count}}
Trigger:     {{alarm.triggerName}}
Alarm id:    {{alarm.id}}`;

/** The first line is what mail programs show beside the subject: it says what is new. */
const defaultTexts: Record<ActionRow['phase'], string> = {
  raise: `{{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`,
  escalate: `Getting worse: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`,
  remind: `Still on: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`,
  clear: `Cleared: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`,
  end: `Over: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}} ({{alarm.endReason}}).\n${facts}`,
  message: 'A message reached the node {{node}} of {{site}} at {{time}}.',
};

/** Of a step of an escalation: the alarm is what it was, but nobody has answered. */
const stepText = `{{phaseText}}: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`;

const textOf = (row: ActionRow): string => (stepWord(row) === null ? defaultTexts[row.phase] : stepText);

/** Texts of a mail that sums up what an interval has held back. */
const digestText = 'The mail interval has held back {{heldBackCount}} since the last mail. The last was:';

/** What an interval has held back, below a text that does not show it itself. */
function summedUp(row: ActionRow, body: string): string {
  const heldBack = heldBackOf(row);
  if (!heldBack || /\{\{ {0,4}heldBack {0,4}\}\}/.test(body)) return '';
  return `\n\nHeld back by the mail interval (${heldBack.count}):\n${heldBackLines(heldBack).join('\n')}`;
}

/**
 * An alarm as it was raised: what its subjects are made from, whatever has become of it, because a conversation whose
 * subject changes is none in Gmail.
 */
export const asRaised = (row: ActionRow): ActionRow =>
  row.alarm === null || !isOfOneAlarm(row)
    ? row
    : {
        ...row,
        phase: 'raise',
        requestedAt: row.alarm.raisedAt,
        alarm: {
          ...row.alarm,
          escalation: undefined,
          reminder: undefined,
          phase: 'raise',
          state: 'active',
          count: 1,
          seenAt: row.alarm.raisedAt,
          clearedAt: null,
          endedAt: null,
          endReason: null,
          acknowledgedBy: null,
        },
      };

/** The subject without "Re:", the same for all mails of an alarm. */
export function mailSubject(row: ActionRow, subject: string, siteName: string): string {
  const shown = asRaised(row);
  const values = templateValues(shown, siteName);
  const own = subject.trim();
  const template = own === '' ? (row.phase === 'message' ? messageSubject : alarmSubject) : own;
  const rendered = renderTemplate(`${isDigest(row) ? '{{heldBackCount}} held back: ' : ''}${template}`, values, 4_000);
  return (
    oneLine(`${floodSubject(shown)}${rendered}`)
      .slice(0, LONGEST_SUBJECT)
      .toWellFormed() || renderTemplate(messageSubject, values, LONGEST_SUBJECT)
  );
}

/** The text of a mail; `notes` are sentences below it (what is missing, what follows). */
export function mailText(row: ActionRow, params: EmailParams, values: TemplateValues, notes: string[]): string {
  const own = params.text.trim() !== '';
  const digest = isDigest(row);
  const template = digest && !own ? `${digestText}\n\n${textOf(row)}` : textOf(row);
  const body = own ? params.text : withoutEmptyLines(template, values);
  const text = manyLines(renderTemplate(body, values, LONGEST_TEXT));
  const below = notes.map((note) => `\n\n${oneLine(note).slice(0, 1_000)}`).join('');
  return `${text}${floodNote(row)}${summedUp(row, body)}${below}`;
}

/** The text of a mail that brings what was late. */
export function followUpText(row: ActionRow, values: TemplateValues, notes: string[]): string {
  const of = row.alarm === null ? 'the message' : `${phaseWord(row.phase)}: {{alarm.typeText}} on {{alarm.deviceName}}`;
  const text = manyLines(renderTemplate(`Pictures of ${of}, {{time}}.`, values, LONGEST_TEXT));
  return `${text}${notes.map((note) => `\n\n${oneLine(note).slice(0, 1_000)}`).join('')}`;
}
