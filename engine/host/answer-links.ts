/**
 * Links by which the receiver of a message answers an alarm without logging in: acknowledge, snooze, false alarm.
 * Each works once, for a time, and only while the alarm lives and nobody has acknowledged it.
 */
import { randomBytes } from 'node:crypto';
import type { Alarms } from '../alarms';
import type { Clock, Timer } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { Alarm } from '../domain/alarms';
import { asAlarmflowError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { AlarmLinks } from '../domain/mail';
import type { AuditRow, RecordWriter, RowsBeside, SettingsRecord, StandingRow } from '../domain/record';
import { type Answer, type AnswerClaim, isPressed, nonceOf, readToken, writeStamp, writeToken } from './answer-tokens';
import type { Seals } from './sealed-settings';

/** Path below the public URL; the token follows. */
export const ANSWER_PATH = '/answer';
const KIND = 'answer-used';
const KEY_SETTING = 'answer-link-key';
const KEY_BYTES = 32;
const LONGEST_RECEIVER = 254;
const LONGEST_AGENT = 160;
const FORGET_EVERY_MS = 3_600_000;

export interface AnswerSettings {
  /** Without a slash at its end. */
  publicUrl: string;
  /** How long a link works. */
  validMs: number;
  snoozeMinutes: number;
}

/** A link that has done its work; kept until it would have expired anyway. */
interface UsedDoc {
  at: number;
  /** Who used it, as the audit trail names them. */
  who: string;
  answer: Answer;
  expiresAt: number;
}

/** What became of a link that somebody follows. `open`: it may be used now. */
export type LinkState =
  | { kind: 'unknown' }
  | { kind: 'used'; at: number; answer: Answer }
  | { kind: 'expired'; at: number; answer: Answer }
  | { kind: 'acknowledged'; alarm: Alarm; answer: Answer }
  | { kind: 'over'; alarm: Alarm | null; answer: Answer }
  /** Whose link it is may not answer alarms any more. */
  | { kind: 'not-allowed'; receiver: string; answer: Answer }
  /** `stamp`: what its form has to carry. */
  | { kind: 'open'; alarm: Alarm; answer: Answer; stamp: string };

/** `done`: by this very call. */
export type LinkOutcome = LinkState | { kind: 'done'; alarm: Alarm; answer: Answer; who: string };

export interface AnswerLinksOptions {
  /** null: switched off. */
  settings: AnswerSettings | null;
  record: SettingsRecord;
  writer: RecordWriter;
  seals: Seals;
  alarms: Pick<Alarms, 'alarm' | 'acknowledge' | 'shelving'>;
  /** An alarm of the record, which may have ended. */
  recorded(alarmId: string): Promise<Alarm | null>;
  /** Whether a user, whose browser was given links, may still answer alarms. */
  mayAnswer(user: string): Promise<boolean>;
  clock: Clock;
  log: Log;
}

/** From where an answer came, for the audit trail. */
export interface AnswerSender {
  address: string;
  /** What the browser calls itself; '': nothing. */
  agent: string;
}

/** What links are made of: the message that carries them, as it was asked for. */
export type LinkedMessage = Pick<ActionRow, 'key' | 'alarmId' | 'alarm' | 'requestedAt'>;

export interface AnswerLinks {
  /** Takes up what the last run has left. Once, before anything else. */
  resume(rows: readonly StandingRow[]): void;
  /** Reads or makes the key; until then there are no links. */
  start(): Promise<void>;
  isOn(): boolean;
  /**
   * The links of one message: the same ones whenever it is sent again, also when somebody was quicker meanwhile, which
   * their page then says. null: switched off, or the alarm was acknowledged before the message was asked for.
   * @param receiver who is on record when they are used
   */
  links(row: LinkedMessage, receiver?: string, by?: AnswerClaim['by']): AlarmLinks | null;
  /** Whether a token is one of ours: the same for the same link, whatever has become of it; null: it is made up. */
  idOf(token: string): string | null;
  /** Changes nothing. */
  look(token: string): Promise<LinkState>;
  /**
   * Does what the link is for, once. A stamp that is none of its question's, or too young for a person, is asked again.
   * Rejects with an operational error where nothing could be written.
   */
  use(token: string, stamp: string, from: AnswerSender): Promise<LinkOutcome>;
  close(): void;
}

const wayWords: Record<AnswerClaim['by'], string> = {
  mail: 'by mail link',
  push: 'by push link',
  notice: 'by link of a notice',
};

/** Who is on record: the receiver, and by what. */
export const whoOf = ({ receiver, by }: Pick<AnswerClaim, 'receiver' | 'by'>): string =>
  `${receiver || 'somebody'} ${wayWords[by]}`;

export function createAnswerLinks(options: AnswerLinksOptions): AnswerLinks {
  const { settings, writer, seals, alarms, clock, log } = options;
  const used = new Map<string, UsedDoc>();
  /** Links that are being used just now: who comes second waits, and is then told. */
  const underWay = new Map<string, Promise<LinkOutcome>>();
  let key: Buffer | null = null;
  let forgetting: Timer | null = null;

  async function readKey(): Promise<Buffer> {
    const sealed = await options.record.readSetting<string>(KEY_SETTING);
    const known = sealed === null ? null : await seals.open<string>(KEY_SETTING, sealed);
    if (known !== null) return Buffer.from(known, 'base64url');
    if (sealed !== null) log.warn('answer.key-lost', { remedy: 'links in messages of before do not work any more' });
    const made = randomBytes(KEY_BYTES);
    await options.record.writeSetting(KEY_SETTING, await seals.seal(KEY_SETTING, made.toString('base64url')));
    return made;
  }

  async function forget(): Promise<void> {
    const old = [...used].filter(([, { expiresAt }]) => expiresAt < clock.now()).map(([nonce]) => nonce);
    if (old.length === 0) return;
    await writer.commit({ standingDeleted: old.map((nonce) => `${KIND}:${nonce}`) });
    for (const nonce of old) used.delete(nonce);
  }

  async function stateOf(claim: AnswerClaim, ownKey: Buffer): Promise<LinkState> {
    const { alarmId, answer, expiresAt, nonce, receiver } = claim;
    const before = used.get(nonce);
    if (before) return { kind: 'used', at: before.at, answer };
    if (expiresAt <= clock.now()) return { kind: 'expired', at: expiresAt, answer };
    // A mail's receiver has no account; a browser's user has, and may have lost it or its rights since.
    if (claim.by === 'push' && !(await options.mayAnswer(receiver))) return { kind: 'not-allowed', receiver, answer };
    const live = alarms.alarm(alarmId);
    if (live?.acknowledgedAt === null)
      return { kind: 'open', alarm: live, answer, stamp: writeStamp(nonce, clock.now(), ownKey) };
    if (live) return { kind: 'acknowledged', alarm: live, answer };
    const alarm = await options.recorded(alarmId);
    return alarm !== null && alarm.acknowledgedAt !== null
      ? { kind: 'acknowledged', alarm, answer }
      : { kind: 'over', alarm, answer };
  }

  async function carryOut(answer: Answer, alarm: Alarm, who: string, beside: RowsBeside): Promise<void> {
    if (answer.kind === 'snooze') {
      const { triggerId: id, key: condition } = alarm;
      const forMs = answer.minutes * 60_000;
      const shelved = alarms.shelving
        .list()
        .find((s) => s.scope === 'condition' && s.subject === id && s.key === condition);
      // Whoever shelved it for longer knew why: a snooze makes nothing shorter.
      if (shelved && !shelved.oneShot && shelved.until >= clock.now() + forMs) await writer.commit(beside);
      else
        await alarms.shelving.shelve({ scope: 'condition', id, key: condition, forMs, reason: 'snoozed' }, who, beside);
    } else await alarms.acknowledge(alarm.id, who, answer.kind === 'false-alarm' ? 'false-alarm' : undefined, beside);
  }

  function auditRow({ answer, alarmId }: AnswerClaim, who: string, { address, agent }: AnswerSender): AuditRow {
    const at = clock.now();
    // What a browser calls itself is anybody's word.
    const browser = agent
      .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
      .slice(0, LONGEST_AGENT)
      .trim();
    const detail = `${answer.kind}, from ${address}${browser === '' ? '' : `, ${browser}`}`;
    return { id: sortableId(at), at, who, action: 'answer.use', subject: alarmId, detail };
  }

  async function answerOnce(
    claim: AnswerClaim,
    ownKey: Buffer,
    stamp: string,
    from: AnswerSender,
  ): Promise<LinkOutcome> {
    const { answer, nonce, expiresAt } = claim;
    const state = await stateOf(claim, ownKey);
    if (state.kind !== 'open') {
      log.info('answer.too-late', { alarm: claim.alarmId, answer: answer.kind, link: state.kind, from: from.address });
      return state;
    }
    if (!isPressed(stamp, nonce, clock.now(), ownKey)) {
      log.info('answer.asked-again', { alarm: claim.alarmId, answer: answer.kind, from: from.address });
      return state;
    }
    const { alarm } = state;
    // Somebody may have been quicker while this was found out.
    if (alarms.alarm(alarm.id)?.acknowledgedAt !== null) return await stateOf(claim, ownKey);
    const who = whoOf(claim);
    const doc: UsedDoc = { at: clock.now(), who, answer, expiresAt };
    const row: RowsBeside = {
      standing: [{ id: `${KIND}:${nonce}`, kind: KIND, doc }],
      audit: [auditRow(claim, who, from)],
    };
    // What is done and that the link is used reach the disk together: neither can be without the other.
    try {
      await carryOut(answer, alarm, who, row);
    } catch (thrown) {
      // It ended, or its trigger was taken away, in this very moment.
      if (asAlarmflowError(thrown).family === 'user') return await stateOf(claim, ownKey);
      throw thrown;
    }
    used.set(nonce, doc);
    log.info('answer.used', { alarm: alarm.id, answer: answer.kind, by: claim.by, from: from.address });
    return { kind: 'done', alarm: alarms.alarm(alarm.id) ?? alarm, answer, who };
  }

  /** The claim of a token of ours and the key that it was read with. */
  function opened(token: string): { claim: AnswerClaim; ownKey: Buffer } | null {
    const claim = key === null ? null : readToken(token, key);
    return claim === null || key === null ? null : { claim, ownKey: key };
  }

  return {
    resume(rows) {
      for (const { id, kind, doc } of rows) if (kind === KIND) used.set(id.slice(KIND.length + 1), doc as UsedDoc);
    },
    async start() {
      if (settings === null || key !== null) return;
      key = await readKey();
      if (settings.publicUrl.startsWith('http:'))
        log.warn('answer.no-https', {
          url: settings.publicUrl,
          remedy: 'whoever can listen between the readers and this site can use the links: set up HTTPS',
        });
      forgetting = clock.every(
        FORGET_EVERY_MS,
        () => {
          forget().catch((error: unknown) =>
            log.warn('answer.not-forgotten', { error: asAlarmflowError(error).message }),
          );
        },
        { background: true },
      );
    },
    isOn: () => settings !== null && key !== null,
    links({ key: message, alarmId, alarm, requestedAt }, receiver = '', by = 'mail') {
      const ownKey = key;
      if (settings === null || ownKey === null || alarmId === null || alarm?.acknowledgedAt !== null) return null;
      const expiresAt = requestedAt + settings.validMs;
      const link = (answer: Answer): string => {
        const claim = {
          alarmId,
          answer,
          expiresAt,
          nonce: nonceOf(ownKey, [message, answer.kind, by, receiver, requestedAt]),
          receiver: receiver.slice(0, LONGEST_RECEIVER),
          by,
        };
        return `${settings.publicUrl}${ANSWER_PATH}/${writeToken(claim, ownKey)}`;
      };
      return {
        acknowledge: link({ kind: 'acknowledge' }),
        snooze: link({ kind: 'snooze', minutes: settings.snoozeMinutes }),
        falseAlarm: link({ kind: 'false-alarm' }),
      };
    },
    idOf: (token) => opened(token)?.claim.nonce ?? null,
    async look(token) {
      const ours = opened(token);
      return ours === null ? { kind: 'unknown' } : await stateOf(ours.claim, ours.ownKey);
    },
    async use(token, stamp, from) {
      const ours = opened(token);
      if (ours === null) return { kind: 'unknown' };
      const { claim, ownKey } = ours;
      for (let other = underWay.get(claim.nonce); other; other = underWay.get(claim.nonce))
        // Whoever was first hears of what failed.
        await other.catch(() => undefined);
      const work = answerOnce(claim, ownKey, stamp, from);
      underWay.set(claim.nonce, work);
      try {
        return await work;
      } finally {
        underWay.delete(claim.nonce);
      }
    },
    close: () => forgetting?.cancel(),
  };
}
