/** What reaches people in their browsers: pop-ups of the console, notifications, and links that answer alarms. */
import { endpointFault, type PushNetwork, sendTestPush } from '../actions';
import type { Alarms } from '../alarms';
import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { AcknowledgedAs, Alarm } from '../domain/alarms';
import type { Announce, Announcement } from '../domain/announcements';
import type { DeviceDirectory } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { Popup } from '../domain/popups';
import type { StandingRow } from '../domain/record';
import type { Store } from '../store';
import { type AnswerLinks, type AnswerSettings, createAnswerLinks } from './answer-links';
import { readCredentialSecret } from './credential-secret';
import { createLivePictures, type LivePictures } from './live-pictures';
import { createPopups, type Popups } from './popups';
import { createPushAnswers } from './push-answers';
import { createPushes, type Pushes } from './push-subscriptions';
import { createSeals } from './sealed-settings';
import { dryTest } from './service-tests';

export interface ReachSettings {
  /** null: messages carry no links that answer. */
  answers: AnswerSettings | null;
  /** `https:` or `mailto:`, for operators of push services; null: none is known. */
  pushContact: string | null;
  /** Absent: push services of the open Internet. */
  pushNetwork?: PushNetwork;
}

const TEST_EVERY_MS = 5_000;

export const usualReach: ReachSettings = { answers: null, pushContact: null };

export interface ReachOptions {
  dataDir: string;
  settings: ReachSettings;
  store: Store;
  alarms: Pick<Alarms, 'alarm' | 'live' | 'acknowledge' | 'shelving'>;
  devices: DeviceDirectory;
  announce: Announce;
  /** Somebody has closed a pop-up by hand. Absent: nobody wants to know. */
  popupDismissed?(popup: Popup, who: string): void;
  /** The whole site only says what it would do. */
  siteIsDry(): boolean;
  /** Has rows that are on disk carried out; before the site is live they wait there. */
  submit(rows: ActionRow[]): Promise<void>;
  clock: Clock;
  log: Log;
}

export interface Reach {
  readonly popups: Popups;
  readonly pushes: Pushes;
  readonly answers: AnswerLinks;
  readonly pictures: LivePictures;
  /** What the actions are given of it. */
  readonly forActions: {
    popups: Popups;
    push: Pushes;
    pushNetwork?: PushNetwork;
    alarmNow(id: string): Promise<Alarm | null>;
    links: AnswerLinks['links'];
  };
  /** Acknowledges the alarm of a pop-up, which closes it; of one whose alarm is over, closes it. @throws E_UNKNOWN_POPUP (user) */
  acknowledge(popupId: string, who: string, as?: AcknowledgedAs): Promise<void>;
  /** Sends one browser a test. A failure is an outcome. @throws E_UNKNOWN_SUBSCRIPTION, E_TOO_MANY_TESTS (user) */
  testPush(id: string, siteName: string): Promise<{ ok: boolean; detail: string }>;
  resume(rows: readonly StandingRow[]): void;
  /** The flows have started for the first time, the actions not yet. */
  start(): Promise<void>;
  /** Hears what the engine tells. */
  hear(announcement: Announcement): void;
  close(): void;
}

export function createReach(options: ReachOptions): Reach {
  const { store, alarms, announce, clock, log, settings } = options;
  const seals = createSeals(() => readCredentialSecret(options.dataDir));
  const recorded = async (id: string): Promise<Alarm | null> => (await store.alarm(id))?.alarm ?? null;
  const alarmNow = async (id: string): Promise<Alarm | null> => alarms.alarm(id) ?? (await recorded(id));
  const popups = createPopups({
    writer: store,
    clock,
    log,
    announce,
    alarm: alarmNow,
    ...(options.popupDismissed ? { dismissed: options.popupDismissed } : {}),
  });
  const pushes = createPushes({
    writer: store,
    settings: store,
    seals,
    users: () => store.users.list(),
    endpointFault,
    contact: settings.pushContact,
    clock,
    log,
  });
  const answers = createAnswerLinks({
    settings: settings.answers,
    record: store,
    writer: store,
    seals,
    alarms,
    recorded,
    mayAnswer: (user) => pushes.mayAnswer(user),
    clock,
    log,
  });
  const pushAnswers = createPushAnswers({ record: store, submit: options.submit, clock, log });
  const testedAt = new Map<string, number>();

  async function closeQuietly(popupId: string, who: string): Promise<void> {
    try {
      await popups.dismiss(popupId, who);
    } catch (thrown) {
      // It has gone meanwhile, which is what was wanted.
      if (asAlarmflowError(thrown).code !== 'E_UNKNOWN_POPUP') throw thrown;
    }
  }

  async function testSubscription(
    id: string,
    browser: string,
    siteName: string,
  ): Promise<{ ok: boolean; detail: string }> {
    try {
      const subscription = await pushes.open(id);
      if (subscription === null)
        return {
          ok: false,
          detail: 'It was made under another key of this site: switch notifications off and on again',
        };
      if (options.siteIsDry()) return dryTest(`would send a test notification to ${browser}`);
      const answer = await sendTestPush(subscription, await pushes.identity(), siteName, {
        clock,
        ...(settings.pushNetwork ? { network: settings.pushNetwork } : {}),
      });
      if (answer === 'taken') {
        pushes.reached(id);
        return {
          ok: true,
          detail: `Its push service has taken a test for ${browser}: it should be shown within seconds`,
        };
      }
      await pushes.gone(id);
      return { ok: false, detail: 'Its push service has forgotten this browser: switch notifications on again' };
    } catch (thrown) {
      return { ok: false, detail: asAlarmflowError(thrown).message };
    }
  }

  return {
    popups,
    pushes,
    answers,
    pictures: createLivePictures(options.devices, clock),
    forActions: {
      popups,
      push: pushes,
      ...(settings.pushNetwork ? { pushNetwork: settings.pushNetwork } : {}),
      alarmNow,
      links: (row, receiver, by) => answers.links(row, receiver, by),
    },
    async acknowledge(popupId, who, as) {
      const { alarmId } = popups.find(popupId);
      const alarm = alarmId === null ? undefined : alarms.alarm(alarmId);
      if (alarm?.acknowledgedAt === null) await alarms.acknowledge(alarm.id, who, as);
      // The acknowledgement closes it by itself, sooner or later than this.
      if (popups.list().some(({ id }) => id === popupId)) await closeQuietly(popupId, who);
    },
    async testPush(id, siteName) {
      const { browser } = pushes.find(id);
      const left = TEST_EVERY_MS - (clock.monotonic() - (testedAt.get(id) ?? Number.NEGATIVE_INFINITY));
      if (left > 0)
        throw userError(
          'E_TOO_MANY_TESTS',
          `This browser was tested just now: try again in ${Math.ceil(left / 1000)} s`,
        );
      testedAt.set(id, clock.monotonic());
      return await testSubscription(id, browser, siteName);
    },
    resume(rows) {
      popups.resume(rows);
      pushes.resume(rows);
      answers.resume(rows);
    },
    async start() {
      await answers.start();
      await popups.start(alarmNow);
      // A crash may have come between an acknowledgement and what closes it on the phones.
      await pushAnswers.start(alarms.live());
    },
    hear(announcement) {
      if (announcement.kind !== 'alarm') return;
      popups.alarmChanged(announcement.data);
      pushAnswers.alarmChanged(announcement.data);
    },
    close() {
      popups.close();
      answers.close();
    },
  };
}
