/**
 * The action `email` (REQUIREMENTS L4): one mail for each phase that is asked for, the text whatever happens. Pictures
 * and clips that are late come in a mail of their own, which answers the first.
 */
import { type ActionHandler, type ActionResult, type ActionRow, finalActionStatuses, untried } from '../domain/actions';
import { asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { AlarmLinks, MailServer } from '../domain/mail';
import { templateValues } from './alarm-values';
import { type EmailParams, readEmailParams } from './email-params';
import { countOf, type Receivers, receiversAt, type ScheduleVerdict } from './email-receivers';
import { followUpText, mailSubject, mailText } from './email-text';
import { isAskedFor } from './fields';
import { healthMail } from './health-mail';
import { withHeldBack } from './held-back';
import { createLoginBreaker, type LoginBreaker } from './login-breaker';
import { idDomain } from './mail-address';
import { mailLogin } from './mail-errors';
import { linksText, mailHtml } from './mail-html';
import {
  type GatheredMedia,
  gatherClip,
  gatherPictures,
  type MediaParts,
  type MediaWish,
  picturesAtOnce,
  stillToCome,
} from './mail-media';
import { isOfOneAlarm, messageIdOf, raiseKey, threadOf } from './mail-thread';
import type { TokenKeeping } from './mail-tokens';
import {
  attachmentBytes,
  createMailPost,
  type MailAttachment,
  type MailPost,
  type MailReceipt,
  type OutgoingMail,
  senderOf,
} from './mail-transport';
import { oneLine } from './template';

/** Rows of mails beside the one that is being sent. Without them a mail waits for its pictures. */
export interface MailRows {
  /** A row of the record; null: there is none. */
  find(key: string): Promise<ActionRow | null>;
  /** Puts a row on disk; one that is there under its key stays as it is. */
  add(row: ActionRow): Promise<void>;
  /** Has a row that is on disk carried out. */
  submit(row: ActionRow): Promise<void>;
}

export interface EmailParts extends MediaParts {
  mailServer(id: string): MailServer | undefined;
  siteName: string;
  mailRows?: MailRows;
  /** Whether an arming schedule is armed; absent: none is known. */
  schedule?: ScheduleVerdict;
  /** Keeps refresh tokens; absent: those of the dialog are used as long as they work. */
  tokenKeeping?: TokenKeeping;
  /** Links to answer an alarm with; null: they are switched off. */
  links?(row: ActionRow, receiver?: string, by?: 'mail' | 'push'): AlarmLinks | null | Promise<AlarmLinks | null>;
}

/** How long the text waits for pictures. */
export const TEXT_WAIT_MS = 700;
/** Texts that wait for pictures at once; in a rush the others go without, and their pictures follow. */
const MOST_TEXT_WAITS = 8;
/** How long a test waits for them, which is one mail and over within 30 s. */
const TEST_WAIT_MS = 15_000;
/** How long a second mail waits for them. */
const FOLLOW_UP_WAIT_MS = 30_000;
/** Wait of a follow-up for its first mail. */
const FIRST_MAIL_MS = 2_000;

const FOLLOW_UP = ':media';
const LATER = ':later';

interface Collected {
  pictures: GatheredMedia | null;
  clip: GatheredMedia | null;
}

const nothing: GatheredMedia = { pictures: [], told: null, missing: null };

export function emailHandler(parts: EmailParts): ActionHandler {
  const breaker = createLoginBreaker(parts.clock);
  let textWaits = 0;
  const post = createMailPost(parts.clock, parts.tokenKeeping);
  /** A person who tests waits for no other mail. */
  const postOf = (test: boolean): MailPost => (test ? createMailPost(parts.clock, parts.tokenKeeping) : post);

  function serverOf(params: EmailParams, row: ActionRow): MailServer {
    const server = parts.mailServer(params.serverId);
    if (server) return server;
    throw userError(
      'E_UNKNOWN_MAIL_SERVER',
      `Email node "${row.nodeName || row.nodeId}" names a mail server that is gone: choose one in its dialog`,
    );
  }

  /** Null in place of what is not there in time. */
  async function collect(row: ActionRow, wish: MediaWish, waitMs: number, signal: AbortSignal): Promise<Collected> {
    const late = new AbortController();
    const stop = AbortSignal.any([signal, late.signal]);
    const timer = parts.clock.after(waitMs, () => late.abort());
    const inTime = async (gathering: Promise<GatheredMedia>): Promise<GatheredMedia | null> => {
      try {
        return await Promise.race([gathering, whenAborted(stop)]);
      } catch (thrown) {
        signal.throwIfAborted();
        if (late.signal.aborted) return null;
        throw thrown;
      }
    };
    try {
      const budget = wish.mostBytes;
      const [pictures, clip] = await Promise.all([
        inTime(gatherPictures(parts, row, wish, stop)),
        inTime(gatherClip(parts, row, wish, stop)),
      ]);
      return { pictures, clip: clip && fitting(clip, pictures, budget) };
    } finally {
      timer.cancel();
      late.abort();
    }
  }

  /** A text holds a place among the mails while it waits; in a rush those behind it would be late. */
  async function collectInTime(
    row: ActionRow,
    wish: MediaWish,
    canFollow: boolean,
    signal: AbortSignal,
  ): Promise<Collected> {
    if (!canFollow) return collect(row, wish, TEST_WAIT_MS, signal);
    if (textWaits >= MOST_TEXT_WAITS)
      return { pictures: await picturesAtOnce(parts, row, wish, signal), clip: wish.clip === 0 ? nothing : null };
    textWaits++;
    try {
      return await collect(row, wish, TEXT_WAIT_MS, signal);
    } finally {
      textWaits--;
    }
  }

  /** The mail that this one answers: the one of the raise, where it was sent. */
  async function answered(row: ActionRow, params: EmailParams): Promise<ActionRow | null> {
    if (!isOfOneAlarm(row) || row.phase === 'raise' || !parts.mailRows) return null;
    const raise = await parts.mailRows.find(raiseKey(row));
    return raise?.kind === 'email' && raise.status === 'done' && raise.params.serverId === params.serverId
      ? raise
      : null;
  }

  async function subjectAndThread(row: ActionRow, params: EmailParams, domain: string) {
    const raise = await answered(row, params);
    const core = raise
      ? mailSubject(raise, typeof raise.params.subject === 'string' ? raise.params.subject : '', parts.siteName)
      : mailSubject(row, params.subject, parts.siteName);
    const first = params.followUp?.of ?? (raise ? raise.key : null);
    const thread = threadOf(row, domain, first === null ? null : messageIdOf(first, domain), core);
    return { subject: thread.inReplyTo === null ? core : `Re: ${core}`, thread };
  }

  /** Who answers by a link is known by name where one person alone got it. */
  const linksFor = async (row: ActionRow, identity: string, { to, cc, bcc }: Receivers): Promise<AlarmLinks | null> => {
    if (!parts.links || !isOfOneAlarm(row) || !['raise', 'escalate', 'remind'].includes(row.phase)) return null;
    const [first = '', ...others] = [...to, ...cc, ...bcc];
    return parts.links({ ...row, key: identity }, others.length === 0 ? first : '', 'mail');
  };

  /** The follow-up's row, which is on disk before the text is sent: a crash in between leaves both to be sent once. */
  function followUpOf(row: ActionRow, late: { pictures: boolean; clip: boolean }): ActionRow {
    return fresh(row, `${row.key}${FOLLOW_UP}`, { ...row.params, followUp: { of: row.key, ...late } });
  }

  async function execute(
    row: ActionRow,
    params: EmailParams,
    test: boolean,
    signal: AbortSignal,
  ): Promise<ActionResult> {
    const server = serverOf(params, row);
    const domain = idDomain(senderOf(server).address);
    const { receivers, leftOut } = receiversAt(params, row.requestedAt, parts.schedule);
    if (countOf(receivers) === 0) return { status: 'skipped', summary: `Nobody to mail now: ${leftOut.join('; ')}` };

    const identity = params.mailOf ?? row.key;
    const rows = test ? undefined : parts.mailRows;
    const wish: MediaWish = { ...params, mostBytes: attachmentBytes(server), hurried: rows !== undefined };
    let late = { pictures: false, clip: false };
    let collected: Collected = { pictures: nothing, clip: nothing };
    let followUp: ActionRow | null = null;
    if (params.picture !== 'none' || params.clip > 0) {
      followUp = (await rows?.find(`${identity}${FOLLOW_UP}`)) ?? null;
      const decided = followUp ? readEmailParams(followUp.params).followUp : null;
      const expected = decided ?? (rows ? stillToCome(parts, row, wish) : late);
      const now: MediaWish = {
        ...wish,
        picture: expected.pictures ? 'none' : wish.picture,
        clip: expected.clip ? 0 : wish.clip,
      };
      collected = await collectInTime(row, now, rows !== undefined, signal);
      if (decided === null) {
        late = {
          pictures: expected.pictures || collected.pictures === null,
          clip: expected.clip || collected.clip === null,
        };
        if (rows && (late.pictures || late.clip)) {
          followUp = followUpOf(row, late);
          await rows.add(followUp);
        }
      } else late = decided;
    }
    const media = [collected.pictures ?? nothing, collected.clip ?? nothing];
    const notes = [...mediaNotes(media), ...(late.pictures || late.clip ? [followWords(late)] : [])];
    if (test) notes.unshift('This is a test: nothing has happened.');
    const links = params.links && !test ? await linksFor(row, identity, receivers) : null;
    const { subject, thread } = await subjectAndThread(row, params, domain);
    const values = templateValues(row, parts.siteName);
    const sent = await sendWhole(parts, breaker, postOf(test), server, signal, {
      receivers,
      subject: test ? `[Test] ${subject}` : subject,
      thread,
      messageId: messageIdOf(identity, domain),
      text: mailText(row, params, values, notes),
      links,
      attachments: media.flatMap(({ pictures }) => pictures),
    });
    if (followUp && rows && params.mailOf === null) await rows.submit(followUp);
    if (rows) await sendLater(row, params, identity, sent.receipt, rows);
    const words = [
      ...sent.words,
      ...mediaWords(media),
      ...(late.pictures || late.clip ? [lateSummary(late)] : []),
      ...leftOut,
    ];
    return { status: 'done', summary: withHeldBack(summaryOf(server, sent.receipt, words), row) };
  }

  /** Who was refused for the moment gets the same mail later; the others must not get it twice. */
  async function sendLater(
    row: ActionRow,
    params: EmailParams,
    identity: string,
    receipt: MailReceipt,
    rows: MailRows,
  ): Promise<void> {
    const waiting = receipt.refused.filter(({ forNow }) => forNow).map(({ address }) => address);
    if (waiting.length === 0) return;
    const round = params.mailOf === null ? `${identity}${LATER}` : `${row.key}+`;
    const later = fresh(row, round, {
      ...row.params,
      to: waiting,
      more: [],
      mailOf: identity,
    });
    await rows.add(later);
    // Greylisting takes its time; the outbox and the back-off of the queue have it.
    await rows.submit(later);
  }

  async function executeFollowUp(row: ActionRow, params: EmailParams, signal: AbortSignal): Promise<ActionResult> {
    const { of, ...late } = params.followUp!;
    const server = serverOf(params, row);
    const domain = idDomain(senderOf(server).address);
    const { receivers, leftOut } = receiversAt(params, row.requestedAt, parts.schedule);
    if (countOf(receivers) === 0) return { status: 'skipped', summary: `Nobody to mail now: ${leftOut.join('; ')}` };
    const wish: MediaWish = {
      ...params,
      picture: late.pictures ? params.picture : 'none',
      clip: late.clip ? params.clip : 0,
      mostBytes: attachmentBytes(server),
      hurried: false,
    };
    const collected = await collect(row, wish, FOLLOW_UP_WAIT_MS + params.clip * 1_000, signal);
    const first = await parts.mailRows?.find(of);
    if (first && first.status !== 'done') {
      const about = `The mail that these pictures belong to is ${first.status}: ${oneLine(first.summary ?? '').slice(0, 300)}`;
      if (finalActionStatuses.includes(first.status)) throw userError('E_MAIL_FIRST', about);
      throw operationalError('E_MAIL_FIRST', about, { retryAfterMs: FIRST_MAIL_MS });
    }
    const timedOut: GatheredMedia = { ...nothing, missing: 'the camera took too long' };
    const media = [collected.pictures ?? timedOut, collected.clip ?? timedOut];
    const attachments = media.flatMap(({ pictures }) => pictures);
    if (attachments.length === 0)
      return { status: 'skipped', summary: `Nothing to send: ${mediaWords(media).join('; ')}` };
    const { subject, thread } = await subjectAndThread(row, params, domain);
    const sent = await sendWhole(parts, breaker, post, server, signal, {
      receivers,
      subject,
      thread,
      messageId: messageIdOf(row.key, domain),
      text: followUpText(row, templateValues(row, parts.siteName), mediaNotes(media)),
      links: null,
      attachments,
    });
    return {
      status: 'done',
      summary: summaryOf(server, sent.receipt, [...sent.words, ...mediaWords(media), ...leftOut]),
    };
  }

  async function executeHealth(row: ActionRow, params: EmailParams, signal: AbortSignal): Promise<ActionResult> {
    const server = serverOf(params, row);
    const domain = idDomain(senderOf(server).address);
    const { subject, text } = healthMail(params.health!, parts.siteName);
    const sent = await sendWhole(parts, breaker, post, server, signal, {
      receivers: { to: params.to, cc: [], bcc: [] },
      subject,
      thread: undefined,
      messageId: messageIdOf(row.key, domain),
      text,
      links: null,
      attachments: [],
    });
    return { status: 'done', summary: `Health mail: ${summaryOf(server, sent.receipt, sent.words)}` };
  }

  return {
    kind: 'email',
    heavy: false,
    // A mail of its own with the pictures and the clip; the text goes at once.
    waitsFor: ({ key }) => (key.endsWith(FOLLOW_UP) ? 'pictures' : 'mails'),
    defaultDeadlineMs: 60 * 60_000,
    // The deadline decides: a greylisting server takes minutes, one that is away may be back within the hour.
    attempts: 100,
    check(params) {
      readEmailParams(params);
    },
    async execute({ row, signal, ...run }): Promise<ActionResult> {
      const params = readEmailParams(row.params);
      const test = run.test === true;
      if (params.health) return executeHealth(row, params, signal);
      if (params.followUp) return executeFollowUp(row, params, signal);
      if (!test && !isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No mail is asked for at the phase "${row.phase}"` };
      return execute(row, params, test, signal);
    },
    rehearse(row) {
      const params = readEmailParams(row.params);
      const server = parts.mailServer(params.serverId);
      const { receivers, leftOut } = receiversAt(params, row.requestedAt, parts.schedule);
      const by = server ? ` by ${server.host}:${server.port}` : '';
      const media = [
        ...(params.picture === 'none' ? [] : [params.picture === 'three' ? 'three pictures' : 'a picture']),
        ...(params.clip > 0 ? [`a clip of ${params.clip} s`] : []),
      ];
      const subject = params.health ? 'a health mail' : mailSubject(row, params.subject, parts.siteName);
      return [
        `"${subject}" to ${receiverWords(countOf(receivers))}${by}${media.length > 0 ? ` with ${media.join(' and ')}` : ''}`,
        ...leftOut,
      ].join('; ');
    },
  };
}

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** Another row of the same node, still to be carried out. */
const fresh = (row: ActionRow, key: string, params: Record<string, unknown>): ActionRow => ({
  ...row,
  key,
  params,
  ...untried,
});

/** The clip, unless pictures and clip are too much together. */
function fitting(clip: GatheredMedia, pictures: GatheredMedia | null, mostBytes: number): GatheredMedia {
  const bytes = [...(pictures?.pictures ?? []), ...clip.pictures].reduce((sum, { content }) => sum + content.length, 0);
  if (bytes <= mostBytes) return clip;
  return { pictures: [], told: null, missing: 'the clip does not fit into a mail beside the pictures' };
}

const receiverWords = (count: number): string => `${count} receiver${count === 1 ? '' : 's'}`;

const lateWords = ({ pictures, clip }: { pictures: boolean; clip: boolean }): string =>
  [...(pictures ? ['pictures'] : []), ...(clip ? ['the clip'] : [])].join(' and ');

const lateSummary = (late: { pictures: boolean; clip: boolean }): string =>
  `${lateWords(late)} ${late.pictures ? 'follow in a mail of their' : 'follows in a mail of its'} own`;

function followWords(late: { pictures: boolean; clip: boolean }): string {
  const words = lateWords(late);
  const [follow, them] = late.pictures ? ['follow', 'them'] : ['follows', 'it'];
  return `${words[0]!.toUpperCase()}${words.slice(1)} ${follow} in an answer to this mail, if the camera has ${them}.`;
}

const mediaNotes = ([pictures, clip]: GatheredMedia[]): string[] => [
  ...[pictures, clip].flatMap((one) => (one?.told ? [`Attached: ${one.told}.`] : [])),
  ...(pictures?.missing ? [`The picture is missing: ${pictures.missing}`] : []),
  ...(clip?.missing ? [`The clip is missing: ${clip.missing}`] : []),
];

function mediaWords([pictures, clip]: GatheredMedia[]): string[] {
  const count = pictures?.pictures.length ?? 0;
  return [
    ...(count > 0 ? [pictures?.told ?? `${count} picture${count === 1 ? '' : 's'}`] : []),
    ...(pictures?.missing ? [`${count > 0 ? 'less than asked for' : 'no picture'}: ${pictures.missing}`] : []),
    ...(clip?.told ? [clip.told] : []),
    ...(clip?.missing ? [`no clip: ${clip.missing}`] : []),
  ];
}

interface WholeMail {
  receivers: Receivers;
  subject: string;
  thread: OutgoingMail['thread'];
  messageId: string;
  text: string;
  links: AlarmLinks | null;
  attachments: MailAttachment[];
}

/** Sends a mail with its HTML; where it is too large for the server, without what it brings, and says so. */
async function sendWhole(
  parts: EmailParts,
  breaker: LoginBreaker,
  post: MailPost,
  server: MailServer,
  signal: AbortSignal,
  mail: WholeMail,
): Promise<{ receipt: MailReceipt; words: string[] }> {
  const send = (text: string, given: MailAttachment[]): Promise<MailReceipt> => {
    const attachments = given.map((one, at) =>
      one.contentType.startsWith('image/') ? { ...one, cid: `picture-${at + 1}@alarmflow` } : one,
    );
    const images = attachments.flatMap(({ cid, filename }) => (cid ? [{ cid, name: filename }] : []));
    return breaker.through(mailLogin(server), () =>
      post.send(
        server,
        {
          ...mail.receivers,
          subject: mail.subject,
          text: `${text}${linksText(mail.links)}`,
          html: mailHtml({ text, images, links: mail.links, site: parts.siteName }),
          messageId: mail.messageId,
          ...(mail.thread ? { thread: mail.thread } : {}),
          attachments,
        },
        signal,
      ),
    );
  };
  try {
    return { receipt: await send(mail.text, mail.attachments), words: [] };
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    if (error.code !== 'E_MAIL_TOO_LARGE' || mail.attachments.length === 0) throw thrown;
    const why = `what was to be attached is too large for the mail server (${error.message})`;
    parts.log.warn('action.mail-too-large', { server: server.name, error: error.message });
    const receipt = await send(`${mail.text}\n\nThe picture is missing: ${oneLine(why).slice(0, 600)}`, []);
    return { receipt, words: [`sent without attachments: ${oneLine(why).slice(0, 300)}`] };
  }
}

function summaryOf(server: MailServer, receipt: MailReceipt, words: string[]): string {
  const parts = [
    `Mail to ${receiverWords(receipt.accepted.length)} accepted by ${server.host}:${server.port}`,
    ...words,
  ];
  for (const { address, reason, forNow } of receipt.refused)
    parts.push(
      `refused ${forNow ? 'for the moment, tried again later, ' : ''}for ${address}: ${oneLine(reason).slice(0, 200)}`,
    );
  return parts.join('; ');
}
