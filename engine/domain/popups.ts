/** Messages that stand before every open console until somebody has seen to them (L11). */
import type { AlarmPhase } from './alarms';
import type { CameraChannel } from './media';

/** From the least severe. */
export const popupLevels = ['information', 'warning', 'alarm', 'emergency'] as const;
export type PopupLevel = (typeof popupLevels)[number];

export const popupSounds = ['none', 'once', 'repeat'] as const;
export type PopupSound = (typeof popupSounds)[number];

/**
 * What of its alarm takes a pop-up away, beside a person and its own time: each of the later ones does so also where the
 * alarm is acknowledged before.
 */
export const popupEnds = ['acknowledged', 'cleared', 'ended'] as const;
export type PopupEnd = (typeof popupEnds)[number];

/** One camera of a tour. */
export interface TourStop extends CameraChannel {
  deviceName: string;
}

/** Bounds of what a node may ask for. */
export const POPUP_LIMITS = {
  /** Seconds until it goes by itself. */
  seconds: { least: 5, most: 86_400 },
  /** Seconds that each camera of a tour is shown (recorder manuals: Tour, 5–120 s). */
  dwell: { least: 2, most: 120 },
  tourStops: 32,
  title: 120,
  text: 1_000,
} as const;

/** One pop-up, as consoles show it. Times are wall milliseconds. */
export interface Popup {
  /** The same for all messages of one alarm by one node, so that a later one takes the place of an earlier. */
  id: string;
  nodeName: string;
  alarmId: string | null;
  phase: AlarmPhase | 'message';
  /** When it was shown first, and when it said last what it says now. */
  shownAt: number;
  at: number;
  level: PopupLevel;
  title: string;
  text: string;
  /** Whether pictures of its alarm are shown; those that come later, too. */
  picture: boolean;
  /** Those that the alarm's event had, by the ids of the media store. */
  pictures: string[];
  /** Linked channels, shown in turn; null: none. */
  tour: { stops: TourStop[]; dwellMs: number } | null;
  sound: PopupSound;
  goesWhen: PopupEnd;
  /** It goes by itself then; null: by nothing but people and its alarm. */
  goesAt: number | null;
  /** When its alarm was over, where it stays until somebody has seen it; absent: it lives, or there is none. */
  endedAt?: number;
  /** Nothing has happened: somebody tries the node out. */
  test?: true;
}

/** The board that all consoles show. Resolves when it is on disk. */
export interface PopupBoard {
  /**
   * Shows a pop-up, or gives the open one of the same id its new words.
   * @param key the action's key: what was shown under it is not shown again, also when somebody has closed it since
   * @param onlyOpen says nothing new where none is open any more (the clear of what somebody has closed)
   */
  show(popup: Popup, key: string, onlyOpen: boolean): Promise<'shown' | 'renewed' | 'closed'>;
}

/** One of the site itself, which stands until somebody has seen it. Words that are too long are cut. */
export const standingPopup = (
  { title, text, ...said }: Pick<Popup, 'id' | 'nodeName' | 'level' | 'title' | 'text'>,
  at: number,
): Popup => ({
  ...said,
  alarmId: null,
  phase: 'message',
  shownAt: at,
  at,
  title: title.slice(0, POPUP_LIMITS.title),
  text: text.slice(0, POPUP_LIMITS.text),
  picture: false,
  pictures: [],
  tour: null,
  sound: 'once',
  goesWhen: 'acknowledged',
  goesAt: null,
});
