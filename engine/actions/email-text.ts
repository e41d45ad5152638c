import type { ActionRow } from '../domain/actions';
import type { EmailParams } from './email-params';
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

/** Subject and text of a mail; `missing` tells why a picture that was asked for is not there. */
export function mailText(
  row: ActionRow,
  params: EmailParams,
  values: TemplateValues,
  missing: string | null,
): { subject: string; text: string } {
  const subject = renderTemplate(params.subject.trim() || defaultSubjects[row.phase], values, 4_000);
  const body = params.text.trim() ? params.text : withoutEmptyLines(defaultTexts[row.phase], values);
  const text = manyLines(renderTemplate(body, values, LONGEST_TEXT));
  const note = missing === null ? '' : `\n\nThe picture is missing: ${oneLine(missing).slice(0, 1_000)}`;
  return {
    subject: oneLine(subject).slice(0, LONGEST_SUBJECT).toWellFormed() || defaultSubjects.message,
    text: `${text}${note}\n`,
  };
}
