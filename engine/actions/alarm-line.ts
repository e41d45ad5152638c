import type { ActionRow } from '../domain/actions';
import { templateValues } from './alarm-values';
import { oneLine, renderTemplate } from './template';

const DEFAULT_TEXT = '{{phaseText}}: {{alarm.typeText}} on {{alarm.deviceName}}';

/** One line about an alarm or a message, from a template; an empty one means phase, type and device. */
export function alarmLine(template: string, row: ActionRow, siteName: string, longest: number): string {
  const chosen = template.trim() || (row.alarm ? DEFAULT_TEXT : 'Message from {{node}}');
  return oneLine(renderTemplate(chosen, templateValues(row, siteName), longest));
}
