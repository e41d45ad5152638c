import { createHash } from 'node:crypto';
import type { ActionRow } from '../domain/actions';
import type { AlarmLinks } from '../domain/mail';
import { PUSH_BYTES, type PushPayload } from '../domain/web-push';
import { momentOf, templateValues } from './alarm-values';
import { heldBackOf } from './held-back';
import { manyLines, oneLine, renderTemplate } from './template';

const LONGEST_TITLE = 120;
const LONGEST_TEXT = 1_000;
const defaultTitle = '{{phaseText}}: {{alarm.typeText}}';
const defaultText = '{{alarm.deviceName}} · {{site}} · {{time}}';

/** What a push says, before it is known whose browser it goes to. */
export interface PushWords {
  title: string;
  text: string;
  picture: boolean;
  stays: boolean;
  silent: boolean;
  /** What has been done about the alarm, so that nothing needs to stand for it any more; null: nothing yet. */
  answered: string | null;
}

/** What all messages of one alarm by one node have in common; also the Topic of RFC 8030 §5.4 (32 of base64url). */
export const tagOf = (row: Pick<ActionRow, 'alarmId' | 'nodeId' | 'key'>): string =>
  createHash('sha256')
    .update(row.alarmId === null ? row.key : `${row.alarmId}:${row.nodeId}`)
    .digest('base64url')
    .slice(0, 32);

const isOver = (words: PushWords, { phase }: ActionRow): boolean =>
  words.answered !== null || phase === 'clear' || phase === 'end';

const capital = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;

export function pushPayload(words: PushWords, row: ActionRow, siteName: string, test: boolean): PushPayload {
  const values = templateValues(row, siteName);
  const plain = row.alarm === null;
  const over = isOver(words, row);
  const title = words.title.trim() || (plain ? 'Message from {{node}}' : defaultTitle);
  const body = words.text.trim() || (plain ? '{{site}} · {{time}}' : defaultText);
  const heldBack = heldBackOf(row);
  const picture = words.picture && !over ? row.alarm?.event.pictures[0]?.mediaId : undefined;
  return {
    kind: over ? 'close' : 'show',
    tag: tagOf(row),
    id: createHash('sha256').update(row.key).digest('base64url').slice(0, 22),
    // A title of the node's own may name a phase, and it is none of them that is told.
    title:
      words.answered === null
        ? `${test ? 'Test: ' : ''}${oneLine(renderTemplate(title, values, LONGEST_TITLE))}`
        : oneLine(`${capital(words.answered)}: ${values.get('alarm.typeText') ?? ''}`)
            .slice(0, LONGEST_TITLE)
            .toWellFormed(),
    body: manyLines(
      `${renderTemplate(body, values, LONGEST_TEXT)}${heldBack === null ? '' : `\n${heldBack.count} more were held back before`}`,
    ).trim(),
    at: momentOf(row),
    ...(picture === undefined ? {} : { picture: `/api/v1/media/${encodeURIComponent(picture)}` }),
    ...(words.silent || over ? { silent: true } : {}),
    ...(words.stays && !over ? { stays: true } : {}),
  };
}

/** The bytes that are encrypted; a text that is too long is cut, the links never. */
export function payloadBytes(payload: PushPayload, links: AlarmLinks | null): Buffer {
  const whole = links === null ? payload : { ...payload, links };
  for (let { body, title } = whole; ; ) {
    const bytes = Buffer.from(JSON.stringify({ ...whole, title, body }));
    if (bytes.length <= PUSH_BYTES) return bytes;
    // Sign by sign would be slow, and nobody reads the last words of a thousand.
    if (body.length > 20) body = `${body.slice(0, Math.floor(body.length * 0.8)).toWellFormed()}…`;
    else if (title.length > 20) title = `${title.slice(0, Math.floor(title.length * 0.8)).toWellFormed()}…`;
    else return payloadBytes(payload, null);
  }
}
