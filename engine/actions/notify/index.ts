/** The action `notify` (REQUIREMENTS L9): tells an alarm centre over HTTP, once for each phase that is asked for. */
import { randomUUID } from 'node:crypto';
import { type Clock, isoTime } from '../../clock/clock';
import type { ActionHandler, ActionResult, ActionRow } from '../../domain/actions';
import type { AlarmCentre, NotifyPreview } from '../../domain/alarm-centre';
import { asAlarmflowError, userError } from '../../domain/errors';
import type { PictureRef } from '../../domain/events';
import type { Log } from '../../domain/log';
import type { AlarmLinks } from '../../domain/mail';
import type { MediaRecord } from '../../domain/record';
import type { ScheduleVerdict } from '../email-receivers';
import { isAskedFor } from '../fields';
import { withHeldBack } from '../held-back';
import { createLoginBreaker } from '../login-breaker';
import { type AlarmPicture, asPicture } from '../pictures';
import { isapiSender, type NotifyBody, notifyBody } from './body';
import { centreName } from './centre-errors';
import { renderPath } from './form-template';
import { isapiHeartbeat } from './isapi-alert';
import { idempotencyKey, isActive, machineValues } from './machine-values';
import { type NotifyParams, readNotifyParams } from './params';
import { type CentreParts, centreLogin, type DigestAnswer, sendToCentre, targetOf } from './send';

export { type NotifyParams, notifyFormats, readNotifyParams } from './params';
export type { DigestAnswer } from './send';

export interface NotifyParts {
  alarmCentre(id: string): AlarmCentre | undefined;
  /** Absent: a login by Digest is refused. */
  digest?: DigestAnswer;
  clock: Clock;
  log: Log;
  siteName: string;
  media: MediaRecord;
  /** Pictures that an event has by now. */
  pictures(eventId: string): Promise<PictureRef[]>;
  schedule?: ScheduleVerdict;
  /** Links with which a reader answers the alarm; null: none are to be had. Absent: none ever. */
  links?(row: ActionRow, receiver?: string, by?: 'notice'): AlarmLinks | null | Promise<AlarmLinks | null>;
}

const MOST_PICTURES = 3;
const MOST_PICTURE_BYTES = 8 * 1024 * 1024;

const noDigest: DigestAnswer = () => null;

function centreOf(parts: Pick<NotifyParts, 'alarmCentre'>, params: NotifyParams, row: ActionRow): AlarmCentre {
  const centre = parts.alarmCentre(params.centreId);
  if (centre) return centre;
  throw userError(
    'E_UNKNOWN_ALARM_CENTRE',
    `Notify node "${row.nodeName || row.nodeId}" names an alarm centre that is gone: choose one in its dialog`,
  );
}

/** The alarm's pictures as far as they are there; none of them holds the notice back. */
async function picturesOf(parts: NotifyParts, row: ActionRow): Promise<AlarmPicture[]> {
  const event = row.alarm?.event;
  if (!event) return [];
  const found: AlarmPicture[] = [];
  let bytes = 0;
  try {
    for (const { mediaId, size } of await parts.pictures(event.id)) {
      if (found.length >= MOST_PICTURES || bytes + size > MOST_PICTURE_BYTES) break;
      const picture = await parts.media.read(mediaId);
      if (!picture) continue;
      found.push(asPicture(`event-${found.length + 1}`, picture.contentType, picture.bytes));
      bytes += picture.bytes.length;
    }
  } catch (thrown) {
    parts.log.warn('notify.no-pictures', { key: row.key, error: asAlarmflowError(thrown).message });
  }
  return found;
}

/**
 * Why nothing is reported at the row's time, by its plan, or null. The clear and end of an alarm follow its beginning:
 * whoever was told of it is told of its end, also outside of the plan.
 */
function outsidePlan(parts: NotifyParts, params: NotifyParams, row: ActionRow): string | null {
  if (params.scheduleId === null || !parts.schedule) return null;
  const at = isActive(row) ? row.requestedAt : (row.alarm?.raisedAt ?? row.requestedAt);
  const { armed, detail } = parts.schedule(params.scheduleId, at);
  return armed ? null : `outside of its report plan: ${detail}`;
}

/** A body that names none of the links gets none made; the clear needs no answer. */
async function linksOf(
  parts: NotifyParts,
  row: ActionRow,
  { body, path }: NotifyParams,
  centre: AlarmCentre,
): Promise<AlarmLinks | null> {
  const asked = /\{\{ {0,4}links\./.test(`${body}${path}`) && row.alarmId !== null && isActive(row);
  return asked ? ((await parts.links?.(row, centreName(centre), 'notice')) ?? null) : null;
}

const bodyWords = (body: NotifyBody): string =>
  body.bytes.length === 0 ? 'no body' : `${body.bytes.length} bytes of ${body.contentType.split(';', 1)[0]}`;

function bodyOf(
  parts: { siteName: string },
  row: ActionRow,
  params: NotifyParams,
  test: boolean,
  pictures: AlarmPicture[],
  links: AlarmLinks | null = null,
) {
  const values = machineValues(row, parts.siteName, test, links);
  return {
    body: notifyBody(row, params, { siteName: parts.siteName, test, values, pictures }),
    path: renderPath(params.path, values),
  };
}

export function notifyHandler(parts: NotifyParts): ActionHandler {
  const breaker = createLoginBreaker(parts.clock);
  const centreParts: CentreParts = { clock: parts.clock, digest: parts.digest ?? noDigest };
  return {
    kind: 'notify',
    heavy: false,
    defaultDeadlineMs: 24 * 60 * 60_000,
    attempts: 200,
    check(params) {
      readNotifyParams(params);
    },
    rehearse(row) {
      const params = readNotifyParams(row.params);
      const centre = centreOf(parts, params, row);
      const { body } = bodyOf(parts, row, params, false, []);
      const plan = outsidePlan(parts, params, row);
      if (plan !== null) return `would tell ${centreName(centre)} nothing, ${plan}`;
      return `would send ${centre.method} to ${centreName(centre)} with ${bodyWords(body)}`;
    },
    async execute({ row, signal, test }): Promise<ActionResult> {
      const params = readNotifyParams(row.params);
      if (!isAskedFor(params.phases, row) && !test)
        return { status: 'skipped', summary: `No notice is asked for at the phase "${row.phase}"` };
      const plan = outsidePlan(parts, params, row);
      if (plan !== null && !test) return { status: 'skipped', summary: `Not told, ${plan}` };
      const centre = centreOf(parts, params, row);
      const pictures = params.format === 'isapi-pictures' ? await picturesOf(parts, row) : [];
      const links = test ? null : await linksOf(parts, row, params, centre);
      const { body, path } = bodyOf(parts, row, params, test === true, pictures, links);
      const message = { ...body, path, identity: idempotencyKey(row) };
      const status = await breaker.through(centreLogin(centre), () =>
        sendToCentre(centre, message, centreParts, signal),
      );
      const told = `${centreName(centre)} took it (${status}), ${centre.method === 'GET' ? 'no body' : bodyWords(body)}`;
      const note = plan === null ? '' : `. For alarms it would be ${plan}`;
      return { status: 'done', summary: withHeldBack(`${told}${note}`, row) };
    },
  };
}

const LONGEST_PREVIEW = 20_000;

/** What would be sent, for the dialog; nothing is. @throws E_BAD_PARAMETER (user) */
export function previewNotify(row: ActionRow, centre: AlarmCentre | undefined, siteName: string): NotifyPreview {
  const params = readNotifyParams(row.params);
  const { body, path } = bodyOf({ siteName }, row, params, false, []);
  const origin = centre ? new URL(centre.url).origin : '';
  return {
    request: centre ? `${centre.method} ${origin}${targetOf(centre, path)}` : path,
    contentType: centre?.method === 'GET' ? '' : body.contentType,
    body: centre?.method === 'GET' ? '' : body.bytes.toString('utf8').slice(0, LONGEST_PREVIEW),
  };
}

/** A sign of life in the form that the centre takes: a camera's, or JSON. */
export function signOfLife(centre: Pick<AlarmCentre, 'sign'>, at: number, siteName: string): NotifyBody {
  const [contentType, text] =
    centre.sign === 'isapi'
      ? [
          'application/xml; charset="UTF-8"',
          isapiHeartbeat(at, isapiSender({ senderAddress: '', senderMac: '' }, siteName)),
        ]
      : ['application/json', JSON.stringify({ kind: 'heartbeat', site: siteName, time: isoTime(at) })];
  return { contentType, bytes: Buffer.from(text) };
}

/** Sends a sign of life; resolves with the status by which it was taken. @throws as `sendToCentre` */
export function sendSignOfLife(
  centre: AlarmCentre,
  { clock, siteName, digest, signal }: { clock: Clock; digest?: DigestAnswer; siteName: string; signal: AbortSignal },
): Promise<number> {
  const message = { ...signOfLife(centre, clock.now(), siteName), path: '', identity: randomUUID() };
  return sendToCentre(centre, message, { clock, digest: digest ?? noDigest }, signal);
}

/** Sends a sign of life and says what happened, for the dialog's test button. Never rejects. */
export async function testAlarmCentre(
  centre: AlarmCentre,
  options: { clock: Clock; digest?: DigestAnswer; siteName: string; signal?: AbortSignal },
): Promise<{ ok: boolean; detail: string }> {
  const { signal = new AbortController().signal } = options;
  try {
    const status = await sendSignOfLife(centre, { ...options, signal });
    return { ok: true, detail: `${centreName(centre)} took a sign of life (${status})` };
  } catch (thrown) {
    return { ok: false, detail: asAlarmflowError(thrown).message };
  }
}
