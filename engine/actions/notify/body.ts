/** What is sent to an alarm centre: the body in its format, and its content type. */
import { createHash } from 'node:crypto';
import { isoTime } from '../../clock/clock';
import type { ActionRow } from '../../domain/actions';
import { momentOf } from '../alarm-values';
import { heldBackOf } from '../held-back';
import type { AlarmPicture } from '../pictures';
import { renderForm } from './form-template';
import { type IsapiSender, isapiAlert, isapiForm, isapiName } from './isapi-alert';
import { renderJson } from './json-template';
import { idempotencyKey, isActive, type MachineValues } from './machine-values';
import type { NotifyFormat, NotifyParams } from './params';
import { renderXml } from './xml-template';

export interface NotifyBody {
  /** Empty: there is none. */
  contentType: string;
  bytes: Buffer;
}

const xmlNames = [
  'id',
  'site',
  'node',
  'phase',
  'active',
  'test',
  'isoTime',
  'alarm.id',
  'alarm.type',
  'alarm.typeText',
  'alarm.level',
  'alarm.deviceName',
  'alarm.channel',
  'alarm.channelName',
  'alarm.input',
  'alarm.rule',
  'alarm.target',
  'alarm.description',
  'alarm.triggerName',
  'alarm.count',
  'alarm.isoRaisedAt',
  'alarm.isoClearedAt',
  'alarm.isoEndedAt',
  'temperatureValue',
  'temperatureThreshold',
  'temperatureUnit',
] as const;

const bare = (name: string): string =>
  name.replace(/^alarm\.(.)/, (_whole, first: string) => `alarm${first.toUpperCase()}`);

/** What an empty template stands for. */
export const usualXml = `<?xml version="1.0" encoding="UTF-8"?>
<alarmflow>
${xmlNames.map((name) => `  <${bare(name)}>{{${name}}}</${bare(name)}>`).join('\n')}
</alarmflow>
`;
export const usualForm = xmlNames.map((name) => `${bare(name)}={{${name}}}`).join('\n');

/** The alarm whole, as a machine wants it. */
export function usualJson(row: ActionRow, siteName: string, test: boolean): string {
  const { alarm } = row;
  const heldBack = heldBackOf(row);
  const { raw: _raw, ...event } = (alarm?.event ?? {}) as Record<string, unknown>;
  return JSON.stringify({
    id: idempotencyKey(row),
    test,
    site: siteName,
    node: row.nodeName || row.nodeId,
    phase: row.phase,
    active: isActive(row),
    time: isoTime(momentOf(row)),
    alarm: alarm && { ...alarm, event: alarm.event ? event : undefined },
    ...(heldBack ? { heldBack } : {}),
  });
}

const usualTypes: Readonly<Record<Exclude<NotifyFormat, 'isapi-pictures' | 'none'>, string>> = {
  json: 'application/json',
  xml: 'application/xml; charset=UTF-8',
  form: 'application/x-www-form-urlencoded',
  isapi: 'application/xml; charset="UTF-8"',
};

/** An address of the locally administered kind, the same for ever for one site. */
export function isapiSender(params: Pick<NotifyParams, 'senderAddress' | 'senderMac'>, siteName: string): IsapiSender {
  const digits = createHash('sha256').update(`alarmflow:${siteName}`).digest('hex').slice(0, 10);
  return {
    ipAddress: params.senderAddress || '0.0.0.0',
    macAddress: params.senderMac || `02:${digits.match(/../g)!.join(':')}`,
  };
}

export function notifyBody(
  row: ActionRow,
  params: NotifyParams,
  about: { siteName: string; test: boolean; values: MachineValues; pictures: readonly AlarmPicture[] },
): NotifyBody {
  const { format } = params;
  const { siteName, values, pictures } = about;
  if (format === 'none') return { contentType: '', bytes: Buffer.alloc(0) };
  if (format === 'isapi-pictures' && pictures.length > 0) {
    const alert = isapiAlert(row, siteName, isapiSender(params, siteName), pictures.length);
    const form = isapiForm(isapiName(row.alarm?.type ?? null), alert, pictures, `alarmflow-${idempotencyKey(row)}`);
    // The boundary is in it: no other content type could be right.
    return form;
  }
  const plain = format === 'isapi-pictures' ? 'isapi' : format;
  return { contentType: params.contentType || usualTypes[plain], bytes: Buffer.from(textOf(plain)) };

  function textOf(kind: keyof typeof usualTypes): string {
    const template = params.body.trim();
    if (kind === 'json') return template === '' ? usualJson(row, siteName, about.test) : renderJson(template, values);
    if (kind === 'xml') return renderXml(template || usualXml, values);
    if (kind === 'form') return renderForm(template || usualForm, values);
    return isapiAlert(row, siteName, isapiSender(params, siteName), 0);
  }
}
