/** What the console knows, and how each message of the stream changes it. Pure. */
import type {
  ActionRow,
  Alarm,
  CaughtMail,
  DeviceRow,
  ExplainedEvent,
  OutputRow,
  Popup,
  Shelf,
  Site,
  StreamMessage,
} from '../../engine/host/console-api';

export interface LiveState {
  /** Whether what is shown was ever read. */
  known: boolean;
  /** What the stream told while all was being read: what is read may be older. null: nothing is being read. */
  meanwhile: StreamMessage[] | null;
  /** Counts the changes of arming. */
  armingTurn: number;
  site: Site | null;
  alarms: Alarm[];
  /** What operators hold back. */
  shelves: Shelf[];
  /** Messages before every console, the most severe first. */
  popups: Popup[];
  outputs: OutputRow[];
  devices: DeviceRow[];
  events: ExplainedEvent[];
  actions: ActionRow[];
  mails: CaughtMail[];
}

export const emptyState: LiveState = {
  known: false,
  meanwhile: null,
  armingTurn: 0,
  site: null,
  alarms: [],
  shelves: [],
  popups: [],
  outputs: [],
  devices: [],
  events: [],
  actions: [],
  mails: [],
};

const KEPT_EVENTS = 60;
const KEPT_ACTIONS = 40;
const KEPT_MAILS = 50;
const KEPT_ENDED_ALARMS = 6;

/** `loading` and `loaded` or `not-loaded` go around reading all anew; `heard` tells when devices were heard last. */
export type Change =
  | StreamMessage
  | { kind: 'heard'; devices: DeviceRow[] }
  | { kind: 'loading' }
  | { kind: 'loaded'; data: Partial<LiveState> }
  | { kind: 'not-loaded' };

/** Puts a row in the place of the one with the same key, or in front. */
function upsert<T>(rows: T[], row: T, key: (row: T) => string, most: number): T[] {
  const index = rows.findIndex((other) => key(other) === key(row));
  if (index >= 0) return rows.with(index, row);
  return [row, ...rows].slice(0, most);
}

/** The stream tells what becomes of a device, but not each sign of life, of which a camera gives one every few seconds. */
function heardSince(row: DeviceRow, read: DeviceRow[]): DeviceRow {
  const lastSeenAt = read.find(({ id }) => id === row.id)?.status.lastSeenAt ?? null;
  if (lastSeenAt === null || lastSeenAt <= (row.status.lastSeenAt ?? 0)) return row;
  // Nothing else of what was read: the stream may have told of the device meanwhile.
  return { ...row, status: { ...row.status, lastSeenAt } };
}

export function reduce(state: LiveState, change: Change): LiveState {
  switch (change.kind) {
    case 'loading':
      return { ...state, meanwhile: [] };
    case 'loaded':
      return (state.meanwhile ?? []).reduce(told, { ...state, ...change.data, known: true, meanwhile: null });
    case 'not-loaded':
      return { ...state, meanwhile: null };
    case 'heard':
      return { ...state, devices: state.devices.map((row) => heardSince(row, change.devices)) };
    default:
      return told(state.meanwhile ? { ...state, meanwhile: [...state.meanwhile, change] } : state, change);
  }
}

/** What a message of the stream changes. */
function told(state: LiveState, change: StreamMessage): LiveState {
  switch (change.kind) {
    case 'site':
      return { ...state, site: { ...state.site, ...change.data } as Site };
    case 'alarm': {
      const alarms = upsert(state.alarms, change.data, (alarm) => alarm.id, Number.POSITIVE_INFINITY).sort(
        (a, b) => b.raisedAt - a.raisedAt,
      );
      const ended = alarms.filter((alarm) => alarm.endedAt !== null).slice(KEPT_ENDED_ALARMS);
      return { ...state, alarms: alarms.filter((alarm) => !ended.includes(alarm)) };
    }
    case 'output':
      return { ...state, outputs: upsert(state.outputs, change.data, (output) => output.id, 500) };
    case 'device':
      return { ...state, devices: upsert(state.devices, change.data, (device) => device.id, 500) };
    case 'event':
      return { ...state, events: upsert(state.events, change.data, ({ event }) => event.id, KEPT_EVENTS) };
    // The panel reads all rows anew: one change turns what is open and armed elsewhere too.
    case 'shelves':
      return { ...state, shelves: change.data.shelves };
    case 'popups':
      return { ...state, popups: change.data.popups };
    case 'arming':
      return { ...state, armingTurn: state.armingTurn + 1 };
    case 'decision': {
      const decision = change.data;
      return {
        ...state,
        events: state.events.map((entry) =>
          entry.event.id === decision.eventId && !entry.decisions.some(({ id }) => id === decision.id)
            ? { ...entry, decisions: [...entry.decisions, decision] }
            : entry,
        ),
      };
    }
    case 'action':
      return { ...state, actions: upsert(state.actions, change.data, (action) => action.key, KEPT_ACTIONS) };
    case 'mail':
      return { ...state, mails: upsert(state.mails, change.data, (mail) => mail.id, KEPT_MAILS) };
  }
}
