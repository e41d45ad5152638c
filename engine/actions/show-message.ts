/** The action `show-message` (REQUIREMENTS L11): a pop-up in every open console, with a tour of linked cameras. */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionRow } from '../domain/actions';
import type { Alarm, AlarmPhase } from '../domain/alarms';
import { userError } from '../domain/errors';
import type { CameraChannel } from '../domain/media';
import {
  POPUP_LIMITS,
  type Popup,
  type PopupBoard,
  type PopupEnd,
  type PopupLevel,
  type PopupSound,
  popupEnds,
  popupLevels,
  popupSounds,
} from '../domain/popups';
import { templateValues } from './alarm-values';
import { badParameter, isAskedFor, oneOf, type Params, readPhases, text, wholeNumber } from './fields';
import { heldBackLines, heldBackOf, withHeldBack } from './held-back';
import { manyLines, oneLine, renderTemplate } from './template';

/** Parameters of the action `show-message`. */
export interface ShowMessageParams {
  phases: AlarmPhase[];
  /** `by-alarm`: pre-alarms are warnings, all else alarms; plain messages are information. */
  level: PopupLevel | 'by-alarm';
  /** Templates; empty: words that fit the phase. */
  title: string;
  text: string;
  /** Whether pictures of the alarm are shown. */
  picture: boolean;
  /** Cameras that are shown in turn. */
  tour: CameraChannel[];
  /** Seconds for each of them. */
  dwell: number;
  sound: PopupSound;
  goesWhen: PopupEnd;
  /** Seconds after which it goes by itself; 0: it stays. */
  seconds: number;
}

export interface ShowMessageParts {
  /** Absent: there are no consoles (simulations). */
  popups?: PopupBoard;
  /** An alarm as it is now, also one that is over; null: there is none. Absent: none is known. */
  alarmNow?(id: string): Promise<Alarm | null>;
  deviceName?(id: string): string;
  siteName: string;
  clock: Clock;
}

const ACTION = 'Show message';
const TEST_SECONDS = 60;
const defaultTitle = '{{phaseText}}: {{alarm.typeText}}';
const defaultText = '{{alarm.deviceName}}, {{time}}';

function readTour(params: Params): CameraChannel[] {
  const tour = params.tour ?? [];
  if (!Array.isArray(tour) || tour.length > POPUP_LIMITS.tourStops)
    throw badParameter(ACTION, 'tour', `must be a list of at most ${POPUP_LIMITS.tourStops} linked channels`);
  return tour.map((stop: unknown) => {
    const { deviceId, channel } = (stop ?? {}) as Params;
    if (typeof deviceId !== 'string' || deviceId === '' || deviceId.length > 200)
      throw badParameter(ACTION, 'tour', 'has a channel without a device: choose one');
    return { deviceId, channel: wholeNumber(ACTION, { tour: channel }, 'tour', 1, 65_535) };
  });
}

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readShowMessageParams(params: Params): ShowMessageParams {
  const { seconds, dwell } = POPUP_LIMITS;
  if (typeof params.picture !== 'boolean') throw badParameter(ACTION, 'picture', 'must be true or false');
  const goesAfter = wholeNumber(ACTION, params, 'seconds', 0, seconds.most);
  if (goesAfter > 0 && goesAfter < seconds.least)
    throw badParameter(ACTION, 'seconds', `must be 0 (it stays) or at least ${seconds.least}`);
  return {
    phases: readPhases(ACTION, params),
    level: oneOf(ACTION, params, 'level', ['by-alarm', ...popupLevels]),
    title: text(ACTION, params, 'title', 500),
    text: text(ACTION, params, 'text', 4_000),
    picture: params.picture,
    tour: readTour(params),
    dwell: wholeNumber(ACTION, params, 'dwell', dwell.least, dwell.most),
    sound: oneOf(ACTION, params, 'sound', popupSounds),
    goesWhen: oneOf(ACTION, params, 'goesWhen', popupEnds),
    seconds: goesAfter,
  };
}

/** Later messages of an alarm by the same node take the place of its first. */
function popupId(row: ActionRow): string {
  const subject = row.alarmId === null ? row.key : `${row.alarmId}:${row.nodeId}`;
  return createHash('sha256').update(subject).digest('base64url').slice(0, 22);
}

const levelOf = ({ level }: ShowMessageParams, { alarm }: ActionRow): PopupLevel => {
  if (level !== 'by-alarm') return level;
  if (!alarm) return 'information';
  return alarm.level === 'pre-alarm' ? 'warning' : 'alarm';
};

function wordsOf(params: ShowMessageParams, row: ActionRow, siteName: string): Pick<Popup, 'title' | 'text'> {
  const values = templateValues(row, siteName);
  const plain = row.alarm === null;
  const title = params.title.trim() || (plain ? 'Message from {{node}}' : defaultTitle);
  const body = params.text.trim() || (plain ? '{{time}}' : defaultText);
  const heldBack = heldBackOf(row);
  const before =
    heldBack === null ? '' : `\nHeld back before: ${heldBack.count}\n${heldBackLines(heldBack).slice(0, 5).join('\n')}`;
  return {
    title: oneLine(renderTemplate(title, values, POPUP_LIMITS.title)),
    text: manyLines(`${renderTemplate(body, values, POPUP_LIMITS.text)}${before}`).trim(),
  };
}

/** Why an alarm needs no pop-up any more, or null. */
function over(row: ActionRow, now: Alarm | null, { goesWhen }: ShowMessageParams): string | null {
  // A step of an escalation is asked about by whoever runs it; clear and end speak of what is over.
  if (row.alarm === null || row.phase === 'clear' || row.phase === 'end' || row.phase === 'message') return null;
  const alarm = now ?? row.alarm;
  if (alarm.acknowledgedAt !== null) return `acknowledged by ${alarm.acknowledgedBy} before it was shown`;
  if (goesWhen === 'cleared' && alarm.clearedAt !== null) return 'the alarm had cleared before it was shown';
  return goesWhen === 'ended' && alarm.endedAt !== null ? 'the alarm was over before it was shown' : null;
}

export function showMessageHandler(parts: ShowMessageParts): ActionHandler {
  return {
    kind: 'show-message',
    heavy: false,
    // Who comes late must still see what stands: nobody is called by it, so it may be late.
    defaultDeadlineMs: 60 * 60_000,
    attempts: 5,
    check(params) {
      readShowMessageParams(params);
    },
    rehearse(row) {
      const params = readShowMessageParams(row.params);
      const { title } = wordsOf(params, row, parts.siteName);
      const stops = params.tour.length;
      const tour = stops === 0 ? '' : stops === 1 ? ' and a linked channel' : ` and ${stops} linked channels in turn`;
      return `would show "${title}" (${levelOf(params, row)})${tour} in every open console`;
    },
    async execute({ row, test }) {
      const params = readShowMessageParams(row.params);
      if (!isAskedFor(params.phases, row))
        return { status: 'skipped', summary: `No message is asked for at the phase "${row.phase}"` };
      if (!parts.popups)
        throw userError('E_NO_CONSOLE', `Node "${row.nodeName || row.nodeId}": there is no console to show it in`);
      const alarm = test || !row.alarm ? null : await parts.alarmNow?.(row.alarm.id);
      const gone = test ? null : over(row, alarm ?? null, params);
      if (gone !== null) return { status: 'skipped', summary: `Not shown: ${gone}` };
      const now = parts.clock.now();
      const words = wordsOf(params, row, parts.siteName);
      const seconds = test ? TEST_SECONDS : params.seconds;
      const popup: Popup = {
        id: popupId(row),
        nodeName: row.nodeName,
        // A test stands for no alarm: acknowledging it must touch none.
        alarmId: test ? null : row.alarmId,
        phase: row.phase,
        shownAt: now,
        at: now,
        level: levelOf(params, row),
        ...words,
        picture: params.picture,
        pictures: params.picture ? (row.alarm?.event.pictures ?? []).slice(0, 3).map(({ mediaId }) => mediaId) : [],
        tour:
          params.tour.length === 0
            ? null
            : {
                stops: params.tour.map((stop) => ({
                  ...stop,
                  deviceName: parts.deviceName?.(stop.deviceId) ?? stop.deviceId,
                })),
                dwellMs: params.dwell * 1_000,
              },
        sound: params.sound,
        goesWhen: params.goesWhen,
        goesAt: seconds === 0 ? null : now + seconds * 1_000,
        ...(test ? { test } : {}),
      };
      // The end of what somebody has closed is no news to them; where the raise was not asked for, it is.
      const onlyOpen = (row.phase === 'clear' || row.phase === 'end') && params.phases.includes('raise');
      const outcome = await parts.popups.show(popup, row.key, onlyOpen);
      if (outcome === 'closed') return { status: 'skipped', summary: 'Not shown: its message was closed before' };
      const how = outcome === 'shown' ? 'Shown' : 'Message renewed';
      return { status: 'done', summary: withHeldBack(`${how} in the consoles: ${words.title} (${popup.level})`, row) };
    },
  };
}
