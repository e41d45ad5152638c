/**
 * The pages behind links that answer alarms. GET only asks, for mail filters and previews follow every link that they
 * find; the POST of a form that we have asked with does it, after the time that a person needs, for some filters send
 * forms, too. Both work without a login and without scripts, and leave no trace in caches or referrers.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { type Clock, localTime } from '../clock/clock';
import type { Alarm } from '../domain/alarms';
import { asAlarmflowError } from '../domain/errors';
import { eventTypeLabel } from '../domain/event-words';
import type { Log } from '../domain/log';
import { ANSWER_PATH, type AnswerLinks, type LinkOutcome } from './answer-links';
import { type Answer, LONGEST_TOKEN } from './answer-tokens';
import type { PartHandler } from './http-server';
import { type Bucket, fullBucket, type RateRules, takeToken } from './rate-limit';
import { closeAfterAnswer } from './replies';

/** Of links that are none, from one address. */
const RATE_OF_GUESSES: RateRules = { perSecond: 1, burst: 20 };
/**
 * Of one link of ours. Addresses do not count for these: the mail filter of a company follows every link of a storm of
 * alarms from the address behind which its people sit, and they must not be kept from answering.
 */
const RATE_OF_LINK: RateRules = { perSecond: 1, burst: 20 };
const MOST_BUCKETS = 5_000;
/** Who guesses is told to the log once in a while, not line by line. */
const TELL_GUESSES_EVERY_MS = 60_000;
/** A form with one button. */
const MOST_BODY = 4 * 1024;

export interface AnswerPagesOptions {
  links: Pick<AnswerLinks, 'isOn' | 'idOf' | 'look' | 'use'>;
  siteName: string;
  clock: Clock;
  log: Log;
}

const style = `:root{color-scheme:light dark;font:16px/1.5 system-ui,"Segoe UI",Roboto,sans-serif;--page:light-dark(#f3f5f6,#0e1416);--panel:light-dark(#fff,#161e21);--line:light-dark(#dbe2e4,#2a3539);--text:light-dark(#182226,#e4ecee);--soft:light-dark(#566569,#94a5aa);--brand:light-dark(#0f766e,#2dd4bf);--ink:light-dark(#fff,#06201d)}
*{box-sizing:border-box}body{margin:0;padding:1.2rem;background:var(--page);color:var(--text)}
main{max-width:32rem;margin:8vh auto;padding:1.4rem 1.5rem;background:var(--panel);border:1px solid var(--line);border-radius:12px;overflow-wrap:anywhere}
p.site{margin:0;color:var(--soft);font-size:.9rem}h1{margin:.2rem 0 1rem;font-size:1.3rem;line-height:1.3}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0 0 1.2rem}dt{color:var(--soft)}dd{margin:0}
button{font:inherit;font-weight:600;width:100%;padding:.75rem;border:0;border-radius:9px;background:var(--brand);color:var(--ink);cursor:pointer}
form{display:flex;flex-direction:column-reverse;gap:.7rem}button.no{background:none;color:var(--text);border:1px solid var(--line);font-weight:400}
button:focus-visible{outline:3px solid var(--text);outline-offset:2px}p.note{color:var(--soft);font-size:.9rem;margin:1rem 0 0}`;

const headers: Record<string, string> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

const escaped: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (text: string): string => text.replace(/[&<>"']/g, (sign) => escaped[sign]!);

const minutesWord = (minutes: number): string => (minutes === 1 ? '1 minute' : `${minutes} minutes`);

const question = (answer: Answer): string => {
  if (answer.kind === 'acknowledge') return 'Acknowledge this alarm?';
  return answer.kind === 'snooze'
    ? `Snooze this alarm for ${minutesWord(answer.minutes)}?`
    : 'Acknowledge this alarm as a false alarm?';
};
const buttonWord = (answer: Answer): string => {
  if (answer.kind === 'acknowledge') return 'Acknowledge';
  return answer.kind === 'snooze' ? `Snooze for ${minutesWord(answer.minutes)}` : 'False alarm';
};
const consequence = (answer: Answer): string => {
  if (answer.kind === 'snooze')
    return 'It is shelved: no reminders and no new alarm of this condition until then. What already runs goes on.';
  const kept = answer.kind === 'false-alarm' ? ' It is kept on record as a false alarm.' : '';
  return `Everybody sees that you have seen to it; reminders and escalations that wait for that stop.${kept}`;
};
const doneWord = (answer: Answer): string => {
  if (answer.kind === 'acknowledge') return 'The alarm is acknowledged.';
  return answer.kind === 'snooze'
    ? `The alarm is snoozed for ${minutesWord(answer.minutes)}.`
    : 'The alarm is acknowledged as a false alarm.';
};

interface Page {
  status: number;
  title: string;
  alarm: Alarm | null;
  note: string;
  /** Of the button that does it; null: there is none. */
  button: { words: string; stamp: string } | null;
}

const plain = (status: number, title: string, note: string, alarm: Alarm | null = null): Page => ({
  status,
  title,
  alarm,
  note,
  button: null,
});

function pageOf(state: LinkOutcome): Page {
  switch (state.kind) {
    case 'unknown':
      return plain(
        404,
        'This link is not valid',
        'It may have been cut off by the mail program, or the site has been given another key since. Use the console instead.',
      );
    case 'used':
      return plain(
        410,
        'This link was used',
        `On ${localTime(state.at)}: ${doneWord(state.answer).toLowerCase().replace(/\.$/, '')}. Each link works once.`,
      );
    case 'expired':
      return plain(410, 'This link has expired', `It was valid until ${localTime(state.at)}. Use the console instead.`);
    case 'acknowledged':
      return plain(
        410,
        'This alarm was acknowledged before',
        `By ${state.alarm.acknowledgedBy ?? 'somebody'} on ${localTime(state.alarm.acknowledgedAt ?? state.alarm.seenAt)}${
          state.alarm.acknowledgedAs === 'false-alarm' ? ', as a false alarm' : ''
        }. Nothing was changed.`,
        state.alarm,
      );
    case 'not-allowed':
      return plain(
        403,
        'This link is no longer yours to use',
        `${state.receiver} may not answer alarms of this site (any more). Nothing was changed.`,
      );
    case 'over': {
      const ended = state.alarm?.endedAt ?? null;
      return plain(
        410,
        'This alarm is over',
        `${ended === null ? '' : `It ended on ${localTime(ended)}. `}Nothing was changed.`,
        state.alarm,
      );
    }
    case 'open':
      return {
        status: 200,
        title: question(state.answer),
        alarm: state.alarm,
        note: consequence(state.answer),
        button: { words: buttonWord(state.answer), stamp: state.stamp },
      };
    case 'done':
      return plain(
        200,
        doneWord(state.answer),
        `On record as done by ${state.who}. You can close this page.`,
        state.alarm,
      );
  }
}

function facts(alarm: Alarm): string {
  const rows: [string, string][] = [
    ['Alarm', eventTypeLabel(alarm.type)],
    ['Device', alarm.deviceName],
    ...(alarm.channel === undefined ? [] : [['Channel', String(alarm.channel)] as [string, string]]),
    ['Trigger', alarm.triggerName],
    ['Raised', `${localTime(alarm.raisedAt)}, time of the site`],
    ...(alarm.clearedAt === null ? [] : [['Cleared', localTime(alarm.clearedAt)] as [string, string]]),
  ];
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${html(value.slice(0, 300))}</dd>`).join('')}</dl>`;
}

/** The button that changes nothing comes first: it is the one that programs press which send forms as they are. */
const form = ({ words, stamp }: { words: string; stamp: string }): string =>
  `<form method="post"><input type="hidden" name="asked" value="${html(stamp)}"><button class="no" type="submit" name="confirm" value="no">Change nothing</button><button type="submit" name="confirm" value="yes">${html(words)}</button></form>`;

const render = ({ title, alarm, note, button }: Page, siteName: string): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${html(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="site">${html(siteName)}</p>
<h1>${html(title)}</h1>
${alarm === null ? '' : facts(alarm)}
${button === null ? '' : form(button)}
<p class="note">${html(note)}</p>
</main>
</body>
</html>
`;

/** Token buckets by name; those that nobody has asked for longest are forgotten. */
function createBuckets(clock: Clock, rules: RateRules) {
  const buckets = new Map<string, Bucket>();
  return {
    /** Milliseconds to wait, or 0. */
    waitOf(name: string): number {
      const now = clock.monotonic();
      const { bucket, waitMs } = takeToken(buckets.get(name) ?? fullBucket(now, rules), now, rules);
      buckets.delete(name);
      buckets.set(name, bucket);
      const oldest = buckets.keys().next().value;
      if (buckets.size > MOST_BUCKETS && oldest !== undefined) buckets.delete(oldest);
      return waitMs;
    },
  };
}

/** One household of IPv6 addresses counts as one. */
const guesser = (address: string): string => (isIPv6(address) ? address.split(':').slice(0, 4).join(':') : address);

/** Serves `/answer/<token>`. */
export function createAnswerPages({ links, siteName, clock, log }: AnswerPagesOptions): PartHandler {
  const guessers = createBuckets(clock, RATE_OF_GUESSES);
  const ofLinks = createBuckets(clock, RATE_OF_LINK);
  let untold = 0;
  let toldAt = Number.NEGATIVE_INFINITY;

  function guessed(address: string): void {
    untold++;
    if (clock.monotonic() - toldAt < TELL_GUESSES_EVERY_MS) return;
    toldAt = clock.monotonic();
    log.warn('answer.guessed', { links: untold, last: address });
    untold = 0;
  }

  function send(
    request: IncomingMessage,
    response: ServerResponse,
    page: Page,
    more: Record<string, string> = {},
  ): void {
    const bytes = Buffer.from(render(page, siteName));
    response.writeHead(page.status, { ...headers, 'content-length': String(bytes.length), ...more });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  /** The form that was sent; null: it is none, or too large. */
  async function formOf(request: IncomingMessage, response: ServerResponse): Promise<URLSearchParams | null> {
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') return null;
    if (request.headers.expect !== undefined) response.writeContinue();
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MOST_BODY) return null;
      parts.push(chunk);
    }
    return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
  }

  return async (request, response, { peer }) => {
    const refuse = (page: Page, more?: Record<string, string>): void => {
      closeAfterAnswer(request, response, clock);
      send(request, response, page, more);
    };
    const token = (request.url ?? '').split('?', 1)[0]!.slice(ANSWER_PATH.length + 1);
    const id = links.isOn() && token.length <= LONGEST_TOKEN ? links.idOf(token) : null;
    if (id === null) guessed(peer.address);
    const wait = id === null ? guessers.waitOf(guesser(peer.address)) : ofLinks.waitOf(id);
    if (wait > 0) {
      const retry = { 'retry-after': String(Math.ceil(wait / 1000)) };
      return refuse(plain(429, 'Too many requests', 'Wait a moment and follow the link again.'), retry);
    }
    // Before anything of the body is read.
    if (id === null) return refuse(pageOf({ kind: 'unknown' }));
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
      return refuse(plain(405, 'This is not how the link works', 'Open it in a browser.'), {
        allow: 'GET, HEAD, POST',
      });
    try {
      if (method !== 'POST') return send(request, response, pageOf(await links.look(token)));
      const form = await formOf(request, response);
      const confirm = form?.get('confirm');
      if (confirm === 'no') return send(request, response, plain(200, 'Nothing was changed', 'The link still works.'));
      if (!form || confirm !== 'yes')
        return refuse(plain(400, 'Nothing was changed', 'Open the link again and press its button.'));
      const from = { address: peer.address, agent: request.headers['user-agent'] ?? '' };
      const outcome = pageOf(await links.use(token, form.get('asked') ?? '', from));
      if (outcome.button === null) return send(request, response, outcome);
      const again =
        'Nothing was changed yet: this page was open for too long, or was answered within a moment, as programs do. Press the button again.';
      send(request, response, { ...outcome, note: `${again} ${outcome.note}` });
    } catch (thrown) {
      if (request.destroyed && !request.complete) return log.debug('answer.hung-up', { from: peer.address });
      const error = asAlarmflowError(thrown);
      log.error('answer.failed', { code: error.code, error: error.message });
      if (response.headersSent) response.destroy();
      else
        refuse(
          plain(503, 'That did not work just now', 'Nothing was changed. Try again in a minute, or use the console.'),
          {
            'retry-after': '30',
          },
        );
    }
  };
}
