/**
 * The pages behind links that answer alarms. GET only asks, for mail filters and previews follow every link that they
 * find; POST does it. Both work without a login and without scripts, and leave no trace in caches or referrers.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { type Clock, localTime } from '../clock/clock';
import type { Alarm } from '../domain/alarms';
import { asAlarmflowError } from '../domain/errors';
import { eventTypeLabel } from '../domain/event-words';
import type { Log } from '../domain/log';
import { ANSWER_PATH, type AnswerLinks, type LinkOutcome, type LinkState } from './answer-links';
import { type Answer, LONGEST_TOKEN } from './answer-tokens';
import type { PartHandler } from './http-server';
import { type Bucket, fullBucket, type RateRules, takeToken } from './rate-limit';
import { closeAfterAnswer } from './replies';

/** For one address; a person needs two requests for an answer, a mail filter one for each link. */
const RATE: RateRules = { perSecond: 1, burst: 20 };
/** For all of them together: guessing is hopeless, but it costs an HMAC each. */
const RATE_OF_ALL: RateRules = { perSecond: 50, burst: 200 };
const MOST_ADDRESSES = 5_000;
/** A form with one button. */
const MOST_BODY = 4 * 1024;

export interface AnswerPagesOptions {
  links: Pick<AnswerLinks, 'isOn' | 'look' | 'use'>;
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
  /** Words of the button that does it; null: there is none. */
  button: string | null;
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
        button: buttonWord(state.answer),
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
${button === null ? '' : `<form method="post"><button type="submit" name="confirm" value="yes">${html(button)}</button></form>`}
<p class="note">${html(note)}</p>
</main>
</body>
</html>
`;

/** One household of IPv6 addresses counts as one. */
const guesser = (address: string): string => (isIPv6(address) ? address.split(':').slice(0, 4).join(':') : address);

/** Serves `/answer/<token>`. */
export function createAnswerPages({ links, siteName, clock, log }: AnswerPagesOptions): PartHandler {
  const buckets = new Map<string, Bucket>();
  let all: Bucket | null = null;

  /** Milliseconds to wait, or 0. */
  function waitOf(address: string): number {
    const now = clock.monotonic();
    const asked = guesser(address);
    const own = takeToken(buckets.get(asked) ?? fullBucket(now, RATE), now, RATE);
    buckets.delete(asked);
    buckets.set(asked, own.bucket);
    const oldest = buckets.keys().next().value;
    if (buckets.size > MOST_ADDRESSES && oldest !== undefined) buckets.delete(oldest);
    if (own.waitMs > 0) return own.waitMs;
    const shared = takeToken(all ?? fullBucket(now, RATE_OF_ALL), now, RATE_OF_ALL);
    all = shared.bucket;
    return shared.waitMs;
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

  /** The body says only that a form was sent; false: it is none, or too large. */
  async function isForm(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') return false;
    if (request.headers.expect !== undefined) response.writeContinue();
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MOST_BODY) return false;
      parts.push(chunk);
    }
    return new URLSearchParams(Buffer.concat(parts).toString('utf8')).get('confirm') === 'yes';
  }

  return async (request, response, { peer }) => {
    const refuse = (page: Page, more?: Record<string, string>): void => {
      closeAfterAnswer(request, response, clock);
      send(request, response, page, more);
    };
    const wait = waitOf(peer.address);
    if (wait > 0) {
      const retry = { 'retry-after': String(Math.ceil(wait / 1000)) };
      return refuse(plain(429, 'Too many requests', 'Wait a moment and follow the link again.'), retry);
    }
    const token = (request.url ?? '').split('?', 1)[0]!.slice(ANSWER_PATH.length + 1);
    if (!links.isOn() || token.length > LONGEST_TOKEN) return refuse(pageOf({ kind: 'unknown' }));
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
      return refuse(plain(405, 'This is not how the link works', 'Open it in a browser.'), {
        allow: 'GET, HEAD, POST',
      });
    try {
      let state: LinkState | LinkOutcome;
      if (method !== 'POST') state = await links.look(token);
      else if (await isForm(request, response)) state = await links.use(token);
      else return refuse(plain(400, 'Nothing was changed', 'Open the link again and press its button.'));
      send(request, response, pageOf(state));
    } catch (thrown) {
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
