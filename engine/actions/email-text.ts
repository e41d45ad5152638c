import type { ActionRow } from '../domain/actions';
import type { EmailParams } from './email-params';
import { floodNote, floodSubject } from './flood-words';
import { heldBackLines, heldBackOf, isDigest } from './held-back';
import { stepWord } from './phase-words';
import { manyLines, oneLine, renderTemplate, type TemplateValues, withoutEmptyLines } from './template';

const LONGEST_SUBJECT = 200;
const LONGEST_TEXT = 256 * 1024;

/** Subjects where the node has none of its own. */
const defaultSubjects: Record<ActionRow['phase'], string> = {
  raise: '{{alarm.typeText}}: {{alarm.deviceName}} ({{site}})',
  escalate: 'Getting worse: {{alarm.typeText}}: {{alarm.deviceName}} ({{site}})',
  remind: 'Still on: {{alarm.typeText}}: {{alarm.deviceName}} ({{site}})',
  clear: 'Cleared: {{alarm.typeText}}: {{alarm.deviceName}} ({{site}})',
  end: 'Over: {{alarm.typeText}}: {{alarm.deviceName}} ({{site}})',
  message: 'Message from {{node}} ({{site}})',
};

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

const defaultTexts: Record<ActionRow['phase'], string> = {
  raise: `{{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`,
  escalate: `The alarm on {{alarm.deviceName}} has become worse: {{alarm.typeText}}, {{time}}.\n${facts}`,
  remind: `The alarm on {{alarm.deviceName}} goes on: {{alarm.typeText}}.\n${facts}`,
  clear: `The condition has ended: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`,
  end: `The alarm is over: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}} ({{alarm.endReason}}).\n${facts}`,
  message: 'A message reached the node {{node}} of {{site}} at {{time}}.',
};

/** Of a step of an escalation: the alarm is what it was, but nobody has answered. */
const stepSubject = '{{phaseText}}: {{alarm.typeText}}: {{alarm.deviceName}} ({{site}})';
const stepText = `{{phaseText}}: {{alarm.typeText}} on {{alarm.deviceName}}, {{time}}.\n${facts}`;

const subjectOf = (row: ActionRow): string => (stepWord(row) === null ? defaultSubjects[row.phase] : stepSubject);
const textOf = (row: ActionRow): string => (stepWord(row) === null ? defaultTexts[row.phase] : stepText);

/** Texts of a mail that sums up what an interval has held back. */
const digestSubject = '{{heldBackCount}} held back: {{alarm.typeText}}: {{alarm.deviceName}} ({{site}})';
const digestText = 'The mail interval has held back {{heldBackCount}} since the last mail. The last was:';

/** What an interval has held back, below a text that does not show it itself. */
function summedUp(row: ActionRow, body: string): string {
  const heldBack = heldBackOf(row);
  if (!heldBack || /\{\{ {0,4}heldBack {0,4}\}\}/.test(body)) return '';
  return `\n\nHeld back by the mail interval (${heldBack.count}):\n${heldBackLines(heldBack).join('\n')}`;
}

function templatesOf(row: ActionRow, params: EmailParams): { subject: string; text: string } {
  const digest = isDigest(row);
  const subject = params.subject.trim();
  return {
    subject:
      subject === ''
        ? digest
          ? digestSubject
          : subjectOf(row)
        : `${digest ? '{{heldBackCount}} held back: ' : ''}${subject}`,
    text: digest && params.text.trim() === '' ? `${digestText}\n\n${textOf(row)}` : params.text,
  };
}

/** Subject and text of a mail; `missing` tells why a picture that was asked for is not there. */
export function mailText(
  row: ActionRow,
  params: EmailParams,
  values: TemplateValues,
  missing: string | null,
): { subject: string; text: string } {
  const templates = templatesOf(row, params);
  const subject = renderTemplate(templates.subject, values, 4_000);
  const own = params.text.trim() !== '';
  const body = own ? params.text : withoutEmptyLines(templates.text.trim() || textOf(row), values);
  const text = manyLines(renderTemplate(body, values, LONGEST_TEXT));
  const note = missing === null ? '' : `\n\nThe picture is missing: ${oneLine(missing).slice(0, 1_000)}`;
  return {
    subject:
      oneLine(`${floodSubject(row)}${subject}`)
        .slice(0, LONGEST_SUBJECT)
        .toWellFormed() || defaultSubjects.message,
    text: `${text}${floodNote(row)}${summedUp(row, body)}${note}\n`,
  };
}
