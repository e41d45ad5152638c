import { asAlarmflowError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { FramedPart } from '../wire';
import { type Alert, type AlertSetting, understand } from './alert';
import { looksLikeDocument, readDocuments } from './document';
import { createEventPhases, type EventPhases } from './event-phases';
import { dropAbsent } from './thermal';

/** What one part of a stream or push turned out to be. */
export type Finding =
  | { kind: 'event'; draft: EventDraft; late: boolean; clockSuspect: boolean }
  | { kind: 'heartbeat'; at: string | null; deviceAt: number | null }
  | { kind: 'picture'; contentType: string; bytes: Buffer; name?: string }
  | { kind: 'notice'; text: string }
  | { kind: 'fault'; reason: string; bytes: number };

/** How far an alert's time can be trusted, and whether it tells of the past. */
export interface TimeVerdict {
  late: boolean;
  clockSuspect: boolean;
}

export interface ReaderOptions {
  setting(): AlertSetting;
  judge(draft: Omit<EventDraft, 'phase'>): TimeVerdict;
  /** Milliseconds on a clock that never goes back, for quiet times. */
  at(draft: Omit<EventDraft, 'phase'>): number;
  /** Whether the end of what is open is found out by asking, so that no silence ends it. Absent: never. */
  isWatched?(draft: Omit<EventDraft, 'phase'>): boolean;
}

export interface Reader {
  read(part: FramedPart): Finding[];
  readonly phases: EventPhases;
}

/** Turns framed parts of one device into findings, in order; keeps what is open between them. Never throws. */
export function createReader(options: ReaderOptions): Reader {
  const phases = createEventPhases();

  function read(part: FramedPart): Finding[] {
    if (part.kind === 'fault') return [{ kind: 'fault', reason: part.reason, bytes: part.bytes }];
    if (isPicture(part)) {
      const name = part.filename ?? part.name;
      return [dropAbsent({ kind: 'picture' as const, contentType: pictureType(part), bytes: part.body, name })];
    }
    if (!looksLikeDocument(part.body)) {
      if (part.body.toString('latin1').trim() === '') return [];
      const type = part.contentType || 'unknown';
      return [
        { kind: 'fault', reason: `a part of type ${type} is neither alert nor picture`, bytes: part.body.length },
      ];
    }
    try {
      return documentFindings(part.body);
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      // Anything but a broken document is our own mistake; the stream goes on all the same (§0.1 rule 7).
      return [{ kind: 'fault', reason: error.message, bytes: part.body.length }];
    }
  }

  function documentFindings(body: Buffer): Finding[] {
    const source = body
      .toString('utf8')
      .replaceAll('\0', '')
      .replace(/^\uFEFF/, '')
      .trim();
    return readDocuments(body).flatMap((root): Finding[] => {
      const meaning = understand(root, source, options.setting());
      if (meaning.kind === 'notice') return [meaning];
      if (meaning.kind === 'unknown') return [{ kind: 'fault', reason: meaning.reason, bytes: body.length }];
      return meaning.alerts.flatMap(alertFindings);
    });
  }

  function alertFindings(alert: Alert): Finding[] {
    const { nature, state } = alert;
    const watched = options.isWatched?.(alert.draft) === true;
    const { quietMs: _found, ...unending } = alert.draft;
    const draft = watched ? unending : alert.draft;
    // Heart-beat A: it may only end a loss of picture that is open on exactly this channel (PROTOCOLS §1.5).
    const beat =
      nature.life === 'beat' ||
      (draft.type === 'video-loss' &&
        state === 'inactive' &&
        !alert.continuing &&
        !phases.isOpen('video-loss', draft.channel));
    if (beat) return [{ kind: 'heartbeat', at: draft.deviceTime, deviceAt: draft.deviceAt }];
    const verdict = options.judge(draft);
    const report = {
      type: draft.type,
      vendorType: draft.vendorType,
      life: nature.life,
      state,
      continuing: alert.continuing,
      channel: draft.channel,
      input: draft.input,
      rule: draft.rule,
      ruleKey: nature.ruleKey,
      quietMs: watched ? undefined : nature.quietMs,
      at: options.at(draft),
    };
    // A replay must neither open nor end what is open now: the live event behind it would be taken for a repeat.
    const phase = verdict.late ? phases.decideLate(report) : phases.decide(report);
    return [{ kind: 'event', draft: { ...draft, phase }, ...verdict }];
  }

  return { read, phases };
}

type BodyPart = Extract<FramedPart, { kind: 'part' }>;

const isPicture = (part: BodyPart): boolean =>
  part.contentType.startsWith('image/') ||
  /\.jpe?g$/i.test(part.filename ?? '') ||
  (part.body[0] === 0xff && part.body[1] === 0xd8 && part.body[2] === 0xff);

const pictureType = (part: BodyPart): string => {
  // image/pjpeg is the old name that browsers and mail clients no longer know.
  if (part.contentType === '' || part.contentType === 'image/pjpeg' || part.contentType === 'image/jpg')
    return 'image/jpeg';
  return part.contentType.startsWith('image/') ? part.contentType : 'image/jpeg';
};
