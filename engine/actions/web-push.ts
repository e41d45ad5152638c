/** The action `web-push` (REQUIREMENTS L13): notifications of the browsers in which people have switched them on. */
import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionResult, ActionRow } from '../domain/actions';
import type { Alarm, AlarmPhase } from '../domain/alarms';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { AlarmLinks } from '../domain/mail';
import {
  type PushReceivers,
  type PushSubscription,
  type PushSubscriptions,
  type PushUrgency,
  pushAudiences,
  pushRoles,
  pushUrgencies,
} from '../domain/web-push';
import { badParameter, isAskedFor, oneOf, type Params, readPhases, text, wholeNumber } from './fields';
import { withHeldBack } from './held-back';
import { type PushWords, payloadBytes, pushPayload, tagOf } from './push-payload';
import { openInternet, type PushNetwork, sendPush, serviceOf } from './push-request';

/** Parameters of the action `web-push`. */
export interface WebPushParams extends PushWords {
  phases: AlarmPhase[];
  receivers: PushReceivers;
  /** Seconds for which a push service keeps it for a browser that is away. */
  ttl: number;
  urgency: PushUrgency;
  /** Whether it carries the links of `answerLinks`. */
  links: boolean;
}

export interface WebPushParts {
  /** Absent: there are no browsers (simulations). */
  push?: PushSubscriptions;
  /** Links by which a user answers the alarm without logging in; null: none are to be had. Absent: none ever. */
  links?(row: ActionRow, receiver: string, by?: 'mail' | 'push'): AlarmLinks | null;
  /** An alarm as it is now, also one that is over; null: there is none. Absent: none is known. */
  alarmNow?(id: string): Promise<Alarm | null>;
  /** Absent: the open Internet. */
  pushNetwork?: PushNetwork;
  siteName: string;
  clock: Clock;
  log: Log;
}

const ACTION = 'Web push';
/** RFC 8030 sets no bound; push services keep nothing longer than four weeks. */
export const LONGEST_TTL_SECONDS = 28 * 86_400;
const AT_ONCE = 8;
const MOST_NAMES = 100;
/** Actions whose browsers are remembered, so that a try that follows leaves out those who have it. */
const MOST_REMEMBERED = 500;

function readNames(params: Params, field: string, least: number): string[] {
  const names = params[field];
  const right =
    Array.isArray(names) &&
    names.length >= least &&
    names.length <= MOST_NAMES &&
    names.every((name) => typeof name === 'string' && name !== '' && name.length <= 64);
  if (!right) throw badParameter(ACTION, field, `must be a list of ${least} to ${MOST_NAMES} names`);
  return [...new Set(names as string[])];
}

function readReceivers(params: Params): PushReceivers {
  const to = oneOf(ACTION, params, 'to', pushAudiences);
  if (to === 'all') return { to };
  if (to === 'users') return { to, users: readNames(params, 'users', 1).map((name) => name.toLowerCase()) };
  const roles = readNames(params, 'roles', 1).map((role) => oneOf(ACTION, { roles: role }, 'roles', pushRoles));
  return { to, roles };
}

function readFlag(params: Params, field: string): boolean {
  const value = params[field];
  if (typeof value !== 'boolean') throw badParameter(ACTION, field, 'must be true or false');
  return value;
}

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export const readWebPushParams = (params: Params): WebPushParams => ({
  phases: readPhases(ACTION, params),
  receivers: readReceivers(params),
  title: text(ACTION, params, 'title', 500),
  text: text(ACTION, params, 'text', 4_000),
  picture: readFlag(params, 'picture'),
  stays: readFlag(params, 'stays'),
  silent: readFlag(params, 'silent'),
  ttl: wholeNumber(ACTION, params, 'ttl', 0, LONGEST_TTL_SECONDS),
  urgency: oneOf(ACTION, params, 'urgency', pushUrgencies),
  links: readFlag(params, 'links'),
  answered: typeof params.answered === 'string' ? params.answered : null,
});

/** Receivers in words. */
export function receiverWords(receivers: PushReceivers): string {
  if (receivers.to === 'all') return 'everybody';
  if (receivers.to === 'users') return receivers.users.join(', ');
  return receivers.roles.map((role) => `${role}s`).join(' and ');
}

const nobody = (receivers: PushReceivers): string =>
  receivers.to === 'all' ? 'no browser' : `no browser of ${receiverWords(receivers)}`;
const nothingToClose: ActionResult = { status: 'skipped', summary: 'No browser is left that shows it' };
const browsers = (count: number): string => `${count} browser${count === 1 ? '' : 's'}`;

export function webPushHandler(parts: WebPushParts): ActionHandler {
  const network = parts.pushNetwork ?? openInternet;
  /** Until when a push service wants nothing (monotonic milliseconds). */
  const busyUntil = new Map<string, number>();
  /** By action key: the browsers that have it. */
  const taken = new Map<string, Set<string>>();

  function takenOf(key: string): Set<string> {
    const known = taken.get(key) ?? new Set();
    taken.delete(key);
    taken.set(key, known);
    const oldest = taken.keys().next().value;
    if (taken.size > MOST_REMEMBERED && oldest !== undefined) taken.delete(oldest);
    return known;
  }

  function refuseBusy(service: string): void {
    const left = (busyUntil.get(service) ?? 0) - parts.clock.monotonic();
    if (left <= 0) return;
    throw operationalError(
      'E_PUSH_BUSY',
      `The push service ${service} wants no more messages for ${Math.ceil(left / 1000)} s`,
      {
        retryAfterMs: left,
      },
    );
  }

  async function send(
    subscription: PushSubscription,
    row: ActionRow,
    params: WebPushParams,
    test: boolean,
    signal: AbortSignal,
  ): Promise<'taken' | 'gone' | AlarmflowError> {
    const service = serviceOf(subscription.endpoint);
    try {
      refuseBusy(service);
      const payload = pushPayload(params, row, parts.siteName, test);
      // Who may only look gets nothing to answer with.
      const mayAnswer = subscription.role !== 'viewer';
      const answers = mayAnswer && params.links && !test && payload.kind === 'show' && row.alarmId !== null;
      const links = answers ? (parts.links?.(row, subscription.user, 'push') ?? null) : null;
      const sending = {
        payload: payloadBytes(payload, links),
        ttl: params.ttl,
        urgency: params.urgency,
        topic: tagOf(row),
      };
      const identity = await parts.push!.identity();
      const answer = await sendPush(subscription, sending, identity, { clock: parts.clock, network }, signal);
      if (answer === 'gone') await parts.push!.gone(subscription.id);
      else parts.push!.reached(subscription.id);
      return answer;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asAlarmflowError(thrown);
      if (error.code === 'E_PUSH_BUSY' && error.retryAfterMs !== undefined)
        busyUntil.set(service, parts.clock.monotonic() + error.retryAfterMs);
      parts.log.warn('push.not-sent', { key: row.key, service, user: subscription.user, code: error.code });
      return error;
    }
  }

  /** Who has acknowledged the alarm since: a try that comes later would open what was closed. */
  async function answeredBy({ alarm, phase }: ActionRow): Promise<string | null> {
    if (alarm === null || !['raise', 'escalate', 'remind'].includes(phase)) return null;
    const now = await parts.alarmNow?.(alarm.id);
    return now && now.acknowledgedAt !== null && alarm.acknowledgedAt === null
      ? `acknowledged by ${now.acknowledgedBy ?? 'somebody'}`
      : null;
  }

  return {
    kind: 'web-push',
    heavy: false,
    defaultDeadlineMs: 15 * 60_000,
    attempts: 8,
    check(params) {
      readWebPushParams(params);
    },
    rehearse(row) {
      const params = readWebPushParams(row.params);
      const { title } = pushPayload(params, row, parts.siteName, false);
      if (params.answered !== null) return `would close its notifications: ${title}`;
      return `would send "${title}" to the browsers of ${receiverWords(params.receivers)}`;
    },
    async execute({ row, signal, test = false }): Promise<ActionResult> {
      const params = readWebPushParams(row.params);
      if (!isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No push is asked for at the phase "${row.phase}"` };
      const name = row.nodeName || row.nodeId;
      const seenTo = test ? null : await answeredBy(row);
      if (seenTo !== null) return { status: 'skipped', summary: `Not sent: ${seenTo} before it was sent` };
      const all = (await parts.push?.of(params.receivers)) ?? [];
      if (all.length === 0 && params.answered !== null) return nothingToClose;
      if (all.length === 0)
        throw userError(
          'E_PUSH_NOBODY',
          `Node "${name}": ${nobody(params.receivers)} has notifications switched on: each receiver does so in the console, under "Notifications"`,
        );
      const have = takenOf(row.key);
      const left = all.filter(({ id }) => !have.has(id));
      let gone = 0;
      const errors: AlarmflowError[] = [];
      const queue = [...left];
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const outcome = await send(next, row, params, test, signal);
          if (outcome === 'taken') have.add(next.id);
          else if (outcome === 'gone') gone++;
          else errors.push(outcome);
        }
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work));
      if (params.answered !== null && gone === all.length) return nothingToClose;
      return outcomeOf({ row, all: all.length, gone, taken: all.filter(({ id }) => have.has(id)).length, errors });
    },
  };
}

function outcomeOf(found: {
  row: ActionRow;
  all: number;
  gone: number;
  taken: number;
  errors: AlarmflowError[];
}): ActionResult {
  const { row, all, gone, taken, errors } = found;
  const forgotten = gone === 0 ? '' : `; ${browsers(gone)} gone and forgotten`;
  const passing = errors.find(({ family }) => family === 'operational');
  const tally = `Push taken for ${taken} of ${browsers(all)}${forgotten}`;
  // Those who have it are not asked again, so that a further try concerns the others alone.
  if (passing !== undefined)
    throw operationalError(passing.code, `${tally}. ${passing.message}`, {
      ...(passing.retryAfterMs === undefined ? {} : { retryAfterMs: passing.retryAfterMs }),
    });
  const refused = errors[0];
  if (refused?.family === 'bug') throw refused;
  if (taken === 0)
    throw refused
      ? userError(refused.code, `${tally}. ${refused.message}`)
      : userError('E_PUSH_NOBODY', `${tally}: nobody is left who has notifications switched on`);
  return { status: 'done', summary: withHeldBack(refused ? `${tally}. ${refused.message}` : tally, row) };
}
