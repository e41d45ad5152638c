/** Calls of the console API and its stream of changes. */
import type {
  ActionPage,
  AlarmDetails,
  AlarmMedia,
  AlarmPage,
  ApiError,
  ArmingCall,
  ArmingPage,
  DemoScenes,
  DeviceRow,
  DryRunState,
  EventPage,
  GivenSubscription,
  MailPage,
  OutputRow,
  Popup,
  PopupPage,
  PushPage,
  PushTest,
  Session,
  Shelf,
  ShelfPage,
  Site,
  WhyAnswer,
  Words,
} from '../../engine/host/console-api';

export class CallFailed extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let csrf = '';

/** Linkage actions that are read at once when older ones are asked for. */
export const ACTION_PAGE = 40;

async function call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method !== 'GET' ? { 'x-alarmflow-csrf': csrf } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new CallFailed(0, 'E_NOT_REACHED', 'alarmflow does not answer: is it running?');
  }
  const answer = await answerOf(response);
  if (answer === null || !response.ok) {
    const { error } = (answer ?? {}) as Partial<ApiError>;
    throw new CallFailed(
      response.status,
      error?.code ?? 'E_API',
      error?.message ??
        `alarmflow could not be asked (${response.status} ${response.statusText}): is it running, and does a proxy before it let it through?`,
    );
  }
  return answer as T;
}

/** null where what came is none of ours: a proxy's page, or an answer that broke off. */
async function answerOf(response: Response): Promise<unknown> {
  try {
    const text = await response.text();
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return null;
  }
}

const id = encodeURIComponent;

/** In a flood, too, none that is live may be missing; more than these the server does not give in one page. */
const MOST_LIVE_ALARMS = 500;

export const api = {
  async session(): Promise<Session> {
    const session = await call<Session>('GET', '/session');
    csrf = session.csrf;
    return session;
  },
  login: (name: string, password: string) => call<unknown>('POST', '/login', { name, password }),
  logout: () => call<unknown>('POST', '/logout', {}),
  words: () => call<Words>('GET', '/words'),
  site: () => call<Site>('GET', '/site'),
  arming: async () => (await call<ArmingPage>('GET', '/arming')).arming,
  order: (order: ArmingCall) => call<ArmingPage>('POST', '/arming', order),
  setArmed: (armed: boolean) => call<unknown>('POST', '/site', { armed }),
  setDryRun: (on: boolean) => call<DryRunState>('POST', '/dry-run', { on }),
  alarmMedia: async (id: string): Promise<AlarmMedia[]> =>
    (await call<AlarmDetails>('GET', `/alarms/${encodeURIComponent(id)}`)).media,
  alarms: async (live: boolean) =>
    (await call<AlarmPage>('GET', `/alarms?live=${live ? 1 : 0}&limit=${live ? MOST_LIVE_ALARMS : 30}`)).alarms,
  falseAlarms: async () => (await call<AlarmPage>('GET', '/alarms?live=0&acknowledgedAs=false-alarm&limit=30')).alarms,
  /** Those raised in a period, oldest first. */
  searchAlarms: (asked: Record<'from' | 'to' | 'type' | 'deviceId' | 'after', string | number | null>) =>
    call<AlarmPage & { next: string | null }>('GET', `/log?${asParameters({ ...asked, what: 'alarms', limit: 50 })}`),
  acknowledge: (alarm: string, as?: 'false-alarm') =>
    call<unknown>('POST', `/alarms/${id(alarm)}/acknowledge`, as ? { as } : {}),
  resetAlarm: (alarm: string) => call<unknown>('POST', `/alarms/${id(alarm)}/reset`, {}),
  shelves: async () => (await call<ShelfPage>('GET', '/shelves')).shelves,
  shelve: (wanted: { scope: Shelf['scope']; id: string; key?: string; minutes?: number; oneShot?: true }) =>
    call<unknown>('POST', '/shelves', wanted),
  unshelve: (shelf: string) => call<unknown>('DELETE', `/shelves/${id(shelf)}`),
  popups: async (): Promise<Popup[]> => (await call<PopupPage>('GET', '/popups')).popups,
  acknowledgePopup: (popup: string, as?: 'false-alarm') =>
    call<PopupPage>('POST', `/popups/${id(popup)}/acknowledge`, as ? { as } : {}),
  closePopup: (popup: string) => call<PopupPage>('POST', `/popups/${id(popup)}/close`, {}),
  push: () => call<PushPage>('GET', '/push'),
  pushSubscribe: (given: GivenSubscription) => call<PushPage>('POST', '/push/subscriptions', given),
  pushUnsubscribe: (subscription: string) => call<PushPage>('DELETE', `/push/subscriptions/${id(subscription)}`),
  pushTest: (subscription: string) => call<PushTest>('POST', `/push/subscriptions/${id(subscription)}/test`, {}),
  outputs: async () => (await call<{ outputs: OutputRow[] }>('GET', '/outputs')).outputs,
  setMode: (output: string, mode: 'auto' | 'on' | 'off') =>
    call<unknown>('POST', `/outputs/${id(output)}/mode`, { mode }),
  resetOutput: (output: string) => call<unknown>('POST', `/outputs/${id(output)}/reset`, {}),
  resetOutputs: () => call<unknown>('POST', '/outputs/reset', {}),
  devices: async () => (await call<{ devices: DeviceRow[] }>('GET', '/devices')).devices,
  events: async () => (await call<EventPage>('GET', '/events?limit=60')).events,
  actions: async () => (await call<ActionPage>('GET', '/actions?limit=40')).actions,
  /** The next of the record, the newest first. @param before key of the oldest that is known; null: from the newest on */
  olderActions: async (before: string | null, trouble: boolean) =>
    (
      await call<ActionPage>(
        'GET',
        `/actions?${asParameters({ before, trouble: trouble ? 1 : null, limit: ACTION_PAGE })}`,
      )
    ).actions,
  retry: (key: string) => call<unknown>('POST', `/actions/${id(key)}/retry`, {}),
  mails: async () => (await call<MailPage>('GET', '/mails')).mails,
  scenes: async () => (await call<DemoScenes>('GET', '/demo')).scenes,
  whyEvent: (event: string) => call<WhyAnswer>('GET', `/why/event/${id(event)}`),
  whyAlarm: (alarm: string) => call<WhyAnswer>('GET', `/why/alarm/${id(alarm)}`),
  whyTrigger: (trigger: string) => call<WhyAnswer>('GET', `/why?trigger=${id(trigger)}`),
  fire: (scene: string) => call<unknown>('POST', `/demo/${id(scene)}`, {}),
};

/** Nulls and empty texts are left out. */
function asParameters(asked: Record<string, string | number | null>): URLSearchParams {
  const given = Object.entries(asked).filter(([, value]) => value !== null && value !== '');
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
}

/** Address of the log as a file. */
export const logFile = (asked: Record<string, string | number | null>): string => `/api/v1/log?${asParameters(asked)}`;
