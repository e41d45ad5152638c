import type { AlarmPhase } from '../../domain/alarms';
import { badParameter, oneOf, type Params, readPhases, text } from '../fields';
import { formProblem, pathProblem } from './form-template';
import { jsonProblem } from './json-template';
import { xmlProblem } from './xml-template';

export const notifyFormats = ['json', 'xml', 'form', 'isapi', 'isapi-pictures', 'none'] as const;
export type NotifyFormat = (typeof notifyFormats)[number];

/** Parameters of the action `notify`. */
export interface NotifyParams {
  /** Id of the alarm centre's config node. */
  centreId: string;
  /** Phases of an alarm that are told; plain messages always are. */
  phases: AlarmPhase[];
  format: NotifyFormat;
  /** Template of the body; empty: the alarm whole, in the usual form of the format. */
  body: string;
  /** Put behind the centre's address; empty: nothing. */
  path: string;
  /** Empty: as the format is. */
  contentType: string;
  /** Id of the schedule in whose periods is told (L9 "report plan"); null: always. */
  scheduleId: string | null;
  /** Who an ISAPI receiver takes us for; empty: made from the site. */
  senderAddress: string;
  senderMac: string;
}

const ACTION = 'Notify';

const problems: Readonly<Record<'json' | 'xml' | 'form', (template: string) => string | null>> = {
  json: jsonProblem,
  xml: xmlProblem,
  form: formProblem,
};

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readNotifyParams(params: Params): NotifyParams {
  const centreId = text(ACTION, params, 'centreId', 200);
  if (centreId === '') throw badParameter(ACTION, 'centreId', 'names no alarm centre: choose one');
  const format = oneOf(ACTION, params, 'format', notifyFormats);
  const body = text(ACTION, params, 'body', 20_000);
  const bodyProblem = body.trim() !== '' && format in problems ? problems[format as keyof typeof problems](body) : null;
  if (bodyProblem !== null) throw badParameter(ACTION, 'body', `makes no ${format.toUpperCase()}: ${bodyProblem}`);
  const path = text(ACTION, params, 'path', 1_000).trim();
  const wrongPath = pathProblem(path);
  if (wrongPath !== null) throw badParameter(ACTION, 'path', wrongPath);
  const contentType = text(ACTION, params, 'contentType', 200).trim();
  if (!/^[\x20-\x7e]*$/.test(contentType)) throw badParameter(ACTION, 'contentType', 'must be plain ASCII');
  const { scheduleId = null } = params;
  if (scheduleId !== null && (typeof scheduleId !== 'string' || scheduleId.length > 200))
    throw badParameter(ACTION, 'scheduleId', 'must be the id of a schedule, or null');
  const senderMac = text(ACTION, params, 'senderMac', 17).trim();
  if (!/^(?:|[0-9a-f]{2}(?::[0-9a-f]{2}){5})$/i.test(senderMac))
    throw badParameter(ACTION, 'senderMac', 'must be empty or an address like 02:00:5e:00:53:01');
  return {
    centreId,
    phases: readPhases(ACTION, params),
    format,
    body,
    path,
    contentType,
    scheduleId: scheduleId || null,
    senderAddress: text(ACTION, params, 'senderAddress', 64).trim(),
    senderMac,
  };
}
