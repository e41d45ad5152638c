import { type Clock, sleepOrStop } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { backoff, type DeviceResponse } from '../wire';
import { durationMs, faultWords, type SoapFault, textIn } from './answer';
import { element } from './envelope';
import { eventActions, ns } from './namespaces';
import type { Services } from './services';
import type { SoapClient } from './soap-client';
import { createSubscriptions, type Subscription, subscriptionOver } from './subscription';

/**
 * Times of the event subscription. A dead device must be noticed within 15 s although a pull waits 10 s for events: it
 * is asked for its time beside the pull, 7 s + 3 s + 0.5 s + 3 s.
 */
export interface FeedTiming {
  /** Longest wait of one pull. */
  pullMs: number;
  /** Wanted life of a subscription. */
  lifeMs: number;
  /** Time for an answer other than that of a pull. */
  answerMs: number;
  /** Silence after which the device is asked, time for its answer, pause before it is asked once more. */
  askAfterMs: number;
  askMs: number;
  askAgainMs: number;
  /** What was open before and is not told again within this time after a subscription is settled. */
  untoldMs: number;
  /** While something is open its state is asked for this often: a message that was lost is told again. */
  resyncMs: number;
  /** A subscription that lived so long was a good one: the next failure starts with the shortest wait. */
  goodLifeMs: number;
}

export const defaultTiming: FeedTiming = {
  // PROTOCOLS §4.3 begins with 20 s; a password that is changed must be noticed within 15 s.
  pullMs: 10_000,
  lifeMs: 60_000,
  answerMs: 8_000,
  askAfterMs: 7_000,
  askMs: 3_000,
  askAgainMs: 500,
  untoldMs: 15_000,
  resyncMs: 60_000,
  goodLifeMs: 30_000,
};

export interface FeedOptions {
  client: SoapClient;
  clock: Clock;
  log: Log;
  timing: FeedTiming;
  /**
   * `pull`; `notify`: the device posts to the address; `auto`: the first, and the second where that is broken; `push`:
   * `notify` where that can be, else the device was told elsewhere and is only watched.
   */
  way: 'pull' | 'notify' | 'auto' | 'push';
  /** Where notifications go; null: no address is known. */
  consumerUrl(): Promise<string | null>;
  services(signal: AbortSignal): Promise<Services>;
  /** A subscription stands; states are about to be told anew. */
  onOpen(detail: string): void;
  /** An answer to a pull; resolves with the number of messages in it and the times that it tells. */
  onAnswer(response: DeviceResponse): Promise<{
    messages: number;
    currentTime: string | null;
    terminationTime: string | null;
  }>;
  /** Whether a condition is open that only the device can end. */
  hasOpen(): boolean;
  /** The states that the device tells have been told, by the way in which it tells. */
  onSettled(way: 'pull' | 'notify'): void;
  onLost(error: AlarmflowError, dead: boolean): void;
  /** Monotonic time of the last sign of life. */
  seenAt(): number;
}

/** Keeps one subscription for as long as it runs, whatever the device does (PROTOCOLS §4.3). */
export interface EventFeed {
  start(): void;
  /** Ends the subscription at the device, so that its slot is free. */
  close(): Promise<void>;
}

/** Answers in a row that hold nothing readable before the subscription is made anew. */
const MOST_STRIKES = 3;
/** Failures in a row after which pulling counts as broken. */
const BROKEN_AFTER = 3;
const CLOSE_MS = 600;
/** A device that answers an empty pull at once must not be hammered. */
const QUICK_MS = 300;

export function createEventFeed(options: FeedOptions): EventFeed {
  const { client, clock, log, timing } = options;
  const closing = new AbortController();
  const subscriptions = createSubscriptions({
    client,
    clock,
    lifeMs: timing.lifeMs,
    answerMs: timing.answerMs,
  });
  let way: 'pull' | 'notify' = options.way === 'notify' || options.way === 'push' ? 'notify' : 'pull';
  let pullMs = timing.pullMs;
  let messageLimit = 50;
  let running: Promise<void> = Promise.resolve();

  interface Life {
    opened: boolean;
    delivered: boolean;
    dead: boolean;
    startedAt: number;
    syncedAt: number;
  }

  const lived = (life: Life): number => clock.monotonic() - life.startedAt;

  async function run(): Promise<void> {
    let attempt = 0;
    let broken = 0;
    let notifyFailed = false;
    while (!closing.signal.aborted) {
      const now = clock.monotonic();
      const life: Life = { opened: false, delivered: false, dead: false, startedAt: now, syncedAt: now };
      let error: AlarmflowError;
      try {
        await live(life);
        error = subscriptionOver('the device ended it');
      } catch (thrown) {
        error = asAlarmflowError(thrown);
      }
      if (closing.signal.aborted) return;
      if (error.family === 'bug') log.error('onvif.feed-bug', { error: error.message, stack: error.stack });
      else log.debug('onvif.subscription-lost', { reason: error.message, opened: life.opened });
      if (life.delivered || lived(life) > timing.goodLifeMs) {
        attempt = 0;
        broken = 0;
        notifyFailed = false;
      }
      options.onLost(error, life.dead);
      broken = mayBeBroken(error) && !life.delivered ? broken + 1 : broken;
      const hopeless = error.code === 'E_NOT_SUPPORTED' || broken >= BROKEN_AFTER;
      if (options.way === 'auto' && way === 'pull' && hopeless && (await consumer()) !== null) {
        log.warn('onvif.pull-broken', { reason: error.message });
        way = 'notify';
        // Where that has failed as well, the pauses grow on.
        if (!notifyFailed) attempt = 0;
        broken = 0;
      } else if (options.way === 'auto' && way === 'notify' && !life.opened && (hopeless || isAddressless(error))) {
        // What was refused for minutes may be taken now (§4.3 rule 7): neither way is given up for ever.
        log.warn('onvif.notify-broken', { reason: error.message });
        way = 'pull';
        notifyFailed = true;
        broken = 0;
      }
      // One that ran out in its time is followed by the next at once: what happens between them would be lost.
      const ranOut = error.code === 'E_SUBSCRIPTION_OVER' && life.opened && lived(life) > timing.goodLifeMs / 6;
      const pause = ranOut ? 0 : Math.max(backoff(attempt++), error.retryAfterMs ?? 0);
      await sleepOrStop(clock, pause, closing.signal);
    }
  }

  async function live(life: Life): Promise<void> {
    const ends = new AbortController();
    const signal = AbortSignal.any([ends.signal, closing.signal]);
    let subscription: Subscription | null = null;
    try {
      watch(life, ends, signal);
      const { events } = await options.services(signal);
      const target = way === 'notify' ? await consumer() : null;
      if (options.way === 'push' && (target === null || !events)) return await onlyWatched(life, signal);
      if (!events)
        throw operationalError('E_NO_EVENTS', 'The device offers no event service: switch ONVIF events on', {
          retryAfterMs: 60_000,
        });
      if (way === 'pull') subscription = await subscriptions.createPullPoint(events, signal);
      else if (target === null) throw noAddress();
      else {
        try {
          subscription = await subscriptions.subscribe(events, target, signal);
        } catch (thrown) {
          if (options.way !== 'push' || asAlarmflowError(thrown).code !== 'E_NOT_SUPPORTED') throw thrown;
          return await onlyWatched(life, signal);
        }
      }
      life.opened = true;
      options.onOpen(
        way === 'pull' ? 'Event subscription stands' : 'Event subscription stands; the device notifies us',
      );
      await subscriptions.synchronize(subscription, signal);
      life.syncedAt = clock.monotonic();
      const settled = clock.after(timing.untoldMs, () => {
        if (!signal.aborted) options.onSettled(way);
      });
      try {
        if (way === 'pull') await pull(subscription, life, signal);
        else await hold(subscription, life, signal);
      } finally {
        settled.cancel();
      }
    } catch (thrown) {
      throw ends.signal.aborted ? ends.signal.reason : thrown;
    } finally {
      const left = subscription;
      if (!ends.signal.aborted) ends.abort(operationalError('E_CLOSED', 'The event subscription is over'));
      if (left && !life.dead) await leave(left);
    }
  }

  /** Gives the slot back; a device that is gone or has forgotten it must not hold us up. */
  async function leave(subscription: Subscription): Promise<void> {
    const limit = new AbortController();
    const timer = clock.after(CLOSE_MS, () => limit.abort(operationalError('E_DEVICE_TIMEOUT', 'No answer')));
    try {
      await subscriptions.unsubscribe(subscription, limit.signal);
    } catch (thrown) {
      log.debug('onvif.unsubscribe-failed', { reason: asAlarmflowError(thrown).message });
    } finally {
      timer.cancel();
    }
  }

  async function pull(subscription: Subscription, life: Life, signal: AbortSignal): Promise<void> {
    let strikes = 0;
    let quick = 0;
    while (!signal.aborted) {
      await subscriptions.keepAlive(subscription, signal);
      await resynchronize(subscription, life, signal);
      const left = subscription.endsAt === null ? pullMs : (subscription.endsAt - clock.monotonic()) / 2;
      const longest = Math.max(Math.min(timing.pullMs / 20, pullMs), Math.min(pullMs, left));
      // Some firmware reads whole seconds alone.
      const wait = longest < 1_000 ? Math.round(longest) : Math.floor(longest / 1_000) * 1_000;
      const asked = clock.monotonic();
      const reply = await client.call(
        subscription.address,
        {
          what: 'Events',
          action: eventActions.pull,
          body: element(
            'PullMessages',
            ns.events,
            `<Timeout>PT${wait / 1_000}S</Timeout><MessageLimit>${messageLimit}</MessageLimit>`,
          ),
          to: subscription.address.told,
          headers: subscription.headers,
          timeoutMs: wait + 10_000,
          tolerant: true,
        },
        signal,
      );
      if (!reply.ok) {
        if (adopted(reply.fault)) continue;
        throw subscriptionOver(faultWords(reply.fault));
      }
      const answer = await options.onAnswer(reply.response);
      if (answer.messages > 0) life.delivered = true;
      subscriptions.prolonged(subscription, answer.currentTime, answer.terminationTime);
      strikes = reply.body || answer.messages > 0 ? 0 : strikes + 1;
      if (strikes >= MOST_STRIKES) throw subscriptionOver(`its answers can't be read (${reply.text})`);
      const isQuick = answer.messages === 0 && clock.monotonic() - asked < Math.min(QUICK_MS, wait / 2);
      quick = isQuick ? Math.min(quick + 1, 4) : 0;
      if (quick > 0) await clock.sleep(quick * 250, signal);
    }
  }

  /** An end that was lost would leave its condition open for ever: the device tells all states again (§4.3 rule 5). */
  async function resynchronize(subscription: Subscription, life: Life, signal: AbortSignal): Promise<void> {
    const now = clock.monotonic();
    if (now - life.syncedAt < timing.resyncMs || !options.hasOpen()) return;
    life.syncedAt = now;
    await subscriptions.synchronize(subscription, signal);
  }

  /** Takes the limits that a fault tells (§4.3 rule 3); false when it tells none that is new. */
  function adopted(fault: SoapFault): boolean {
    const longest = durationMs(textIn(fault.detail, 'MaxTimeout'));
    const most = Number(textIn(fault.detail, 'MaxMessageLimit') ?? Number.NaN);
    let changed = false;
    if (longest !== null && longest > 0 && longest < pullMs) {
      pullMs = longest;
      changed = true;
    }
    if (Number.isInteger(most) && most > 0 && most < messageLimit) {
      messageLimit = most;
      changed = true;
    }
    if (changed) log.info('onvif.pull-limits', { pullMs, messageLimit });
    return changed;
  }

  /** A subscription whose messages come by themselves: it is renewed, and the device watched. */
  async function hold(subscription: Subscription, life: Life, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(Math.min(timing.askAfterMs, timing.lifeMs / 4), signal);
      await subscriptions.keepAlive(subscription, signal);
      await resynchronize(subscription, life, signal);
      if (clock.monotonic() - life.startedAt > timing.goodLifeMs) life.delivered = true;
    }
  }

  /** null also where finding it out failed: what is missing is told by whoever needs it. */
  async function consumer(): Promise<string | null> {
    try {
      return await options.consumerUrl();
    } catch (thrown) {
      log.warn('onvif.no-push-address', { reason: asAlarmflowError(thrown).message });
      return null;
    }
  }

  /** A device that is told elsewhere where to push: that it lives is all that is to be seen to. */
  async function onlyWatched(life: Life, signal: AbortSignal): Promise<never> {
    await client.readClock(signal, timing.askMs);
    life.opened = true;
    options.onOpen('Answers; its events come by push');
    for (;;) await clock.sleep(60_000, signal);
  }

  /** Asks a silent device for its time, twice; no answer ends the life. Any answer is a sign of life. */
  function watch(life: Life, ends: AbortController, signal: AbortSignal): void {
    const ask = async (): Promise<void> => {
      while (!signal.aborted) {
        const due = Math.max(options.seenAt(), life.startedAt) + timing.askAfterMs - clock.monotonic();
        if (due > 0) {
          await clock.sleep(due, signal);
          continue;
        }
        const asked = clock.monotonic();
        let failure = await question(signal);
        if (failure) {
          await clock.sleep(timing.askAgainMs, signal);
          failure = await question(signal);
        }
        if (failure && options.seenAt() <= asked) {
          life.dead = true;
          ends.abort(operationalError('E_DEVICE_OFFLINE', `No sign of life: ${failure.message}`, { cause: failure }));
          return;
        }
        // What answers without a sign of life (a refusal) is asked again in its time.
        if (options.seenAt() <= asked) await clock.sleep(timing.askAfterMs, signal);
      }
    };
    ask().catch((thrown: unknown) => {
      const error = asAlarmflowError(thrown);
      if (!signal.aborted) ends.abort(error);
    });
  }

  /** null: it answered. */
  async function question(signal: AbortSignal): Promise<AlarmflowError | null> {
    try {
      await client.readClock(signal, timing.askMs);
      return null;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const error = asAlarmflowError(thrown);
      return error.code === 'E_DEVICE_OFFLINE' || error.code === 'E_DEVICE_TIMEOUT' ? error : null;
    }
  }

  return {
    start() {
      running = run().catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        log.error('onvif.feed-stopped', { error: error.message, stack: error.stack });
      });
    },
    async close() {
      closing.abort(operationalError('E_CLOSED', 'The connection is being closed'));
      await running;
    },
  };
}

const noAddress = (): AlarmflowError =>
  operationalError(
    'E_NO_PUSH_ADDRESS',
    'Nobody knows under which address the device reaches us: set publicUrl (--public-url), or the address in its dialog',
    { retryAfterMs: 60_000 },
  );

const isAddressless = (error: AlarmflowError): boolean => error.code === 'E_NO_PUSH_ADDRESS';

/** Failures that speak against pulling itself, not against the network or the login. */
const mayBeBroken = (error: AlarmflowError): boolean =>
  ['E_SUBSCRIPTION_OVER', 'E_DEVICE_ERROR', 'E_BAD_PARAMETER', 'E_NOT_ONVIF', 'E_NOT_SUPPORTED'].includes(error.code);
