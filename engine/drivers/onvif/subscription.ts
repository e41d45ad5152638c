import type { Clock } from '../../clock/clock';
import { isoTime } from '../../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import { parseDeviceTime } from '../device-time';
import { childText, type XmlElement } from '../wire';
import { faultError, faultWords, firstOf, isUnsupported, type SoapFault, textIn } from './answer';
import { element, type SoapRequest, xmlText } from './envelope';
import { eventActions, ns } from './namespaces';
import { referenceHeaders } from './reference-parameters';
import { type ServiceAddress, serviceAddress } from './service-address';
import type { SoapClient, SoapReply } from './soap-client';

/** A subscription at the device; its life is measured by the device's own times, never by our clock (§4.3 rule 4). */
export interface Subscription {
  address: ServiceAddress;
  /** Reference parameters, to be sent with every request. */
  headers: string;
  /** Milliseconds granted at the creation or the last renewal; null where the device doesn't tell or tells nonsense. */
  granted: number | null;
  /** On the monotonic clock; null where unknown. */
  endsAt: number | null;
  renewedAt: number;
}

/** How the wanted life is written: a few devices want a moment, or nothing at all (§4.3 rule 1). */
type LifeForm = 'duration' | 'moment' | 'none';
/** Refusals in a row after which a form that was taken before is doubted. */
const DOUBT_AFTER = 5;
const forms: readonly LifeForm[] = ['duration', 'moment', 'none'];

/** Makes, keeps and ends subscriptions; remembers which forms the device takes. */
export interface Subscriptions {
  createPullPoint(events: ServiceAddress, signal: AbortSignal): Promise<Subscription>;
  subscribe(events: ServiceAddress, consumerUrl: string, signal: AbortSignal): Promise<Subscription>;
  /** Renews when the life is half over; throws `E_SUBSCRIPTION_OVER` where that is needed and can't be done. */
  keepAlive(subscription: Subscription, signal: AbortSignal): Promise<void>;
  /** Takes the life that an answer tells. */
  prolonged(subscription: Subscription, currentTime: string | null, terminationTime: string | null): void;
  /** Asks for all states again; a device that can't is not asked twice. */
  synchronize(subscription: Subscription, signal: AbortSignal): Promise<void>;
  unsubscribe(subscription: Subscription, signal: AbortSignal): Promise<void>;
}

export interface SubscriptionsOptions {
  client: SoapClient;
  clock: Clock;
  /** Wanted life, milliseconds. */
  lifeMs: number;
  /** Longest time for one answer. */
  answerMs: number;
}

/** The subscription is unknown to the device, or can't go on: make a new one. */
export const subscriptionOver = (reason: string): AlarmflowError =>
  operationalError('E_SUBSCRIPTION_OVER', `The event subscription is over: ${reason}`);

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { client, clock, lifeMs, answerMs } = options;
  let form = 0;
  let failures = 0;
  let formWorked = false;
  let renews = true;
  let synchronizes = true;

  const seconds = Math.max(1, Math.round(lifeMs / 1000));

  function lifeOf(name: string, kind = forms[form % forms.length]): string {
    if (kind === 'none') return '';
    const value = kind === 'duration' ? `PT${seconds}S` : isoTime(clock.now() + (client.offset() ?? 0) + lifeMs);
    return `<${name}>${value.replace(/\.\d+Z$/, 'Z')}</${name}>`;
  }

  function measure(currentTime: string | null, terminationTime: string | null): number | null {
    const from = currentTime === null ? null : parseDeviceTime(currentTime, 'UTC');
    const until = terminationTime === null ? null : parseDeviceTime(terminationTime, 'UTC');
    const base = from ?? (client.offset() === null ? null : clock.now() + (client.offset() ?? 0));
    // An end that lies at or before the beginning occurs; it means nothing and must not be acted upon (§4.3 rule 4).
    return base === null || until === null || until <= base ? null : until - base;
  }

  async function create(
    address: ServiceAddress,
    what: string,
    action: string,
    body: () => string,
    signal: AbortSignal,
  ): Promise<Subscription> {
    // A form that was taken once is the right one; only a long refusal makes us doubt it.
    const tries = formWorked && failures < DOUBT_AFTER ? 1 : forms.length;
    let fault: SoapFault | null = null;
    for (let i = 0; i < tries; i++) {
      const request = { what, action, body: body(), to: address.told, timeoutMs: answerMs };
      const reply = await client.call(address, request, signal);
      if (reply.ok && reply.body) {
        failures = 0;
        formWorked = true;
        return opened(address, reply.body, reply.text);
      }
      if (!reply.ok) {
        fault = reply.fault;
        // Another form does not help where there is no room, or no such call at all.
        if (isFull(fault)) break;
        if (tries > 1) form++;
        if (fault.codes.some((code) => /ActionNotSupported|NotImplemented|NoSuchService/i.test(code))) break;
      } else if (tries > 1) form++;
    }
    failures++;
    if (!fault) throw operationalError('E_DEVICE_ERROR', `${what}: the device answered with something unreadable`);
    throw isFull(fault)
      ? operationalError(
          'E_DEVICE_BUSY',
          `${what}: the device has no subscription left (${faultWords(fault)}): end other clients of its events. It is tried again`,
          { facts: { http: fault.status } },
        )
      : faultError(fault, what);
  }

  function opened(service: ServiceAddress, body: XmlElement, text: string): Subscription {
    const reference = firstOf(body, 'SubscriptionReference');
    const address = serviceAddress(childText(reference, 'Address')) ?? service;
    const granted = measure(textIn(body, 'CurrentTime'), textIn(body, 'TerminationTime'));
    const now = clock.monotonic();
    return {
      address,
      headers: referenceHeaders(text),
      granted,
      endsAt: granted === null ? null : now + granted,
      renewedAt: now,
    };
  }

  const to = (subscription: Subscription): { to: string; headers: string; timeoutMs: number } => ({
    to: subscription.address.told,
    headers: subscription.headers,
    timeoutMs: answerMs,
  });

  /** A call that a subscription can do without. null: the device has no such thing there, or doesn't allow it. */
  async function manager(
    subscription: Subscription,
    request: SoapRequest,
    signal: AbortSignal,
  ): Promise<SoapReply | null> {
    try {
      return await client.call(subscription.address, request, signal);
    } catch (thrown) {
      const { code } = asAlarmflowError(thrown);
      if (['E_NOT_ONVIF', 'E_DEVICE_ERROR', 'E_LOW_PRIVILEGE'].includes(code)) return null;
      throw thrown;
    }
  }

  const dueFor = (subscription: Subscription): boolean => {
    const now = clock.monotonic();
    if (subscription.endsAt === null || subscription.granted === null) return now - subscription.renewedAt > lifeMs / 2;
    return subscription.endsAt - now < subscription.granted / 2;
  };

  return {
    createPullPoint: (events, signal) =>
      create(
        events,
        'Pull point',
        eventActions.createPullPoint,
        () => element('CreatePullPointSubscription', ns.events, lifeOf('InitialTerminationTime')),
        signal,
      ),

    subscribe: (events, consumerUrl, signal) =>
      create(
        events,
        'Notification subscription',
        eventActions.subscribe,
        () =>
          element(
            'Subscribe',
            ns.notification,
            `<ConsumerReference><a:Address>${xmlText(consumerUrl)}</a:Address></ConsumerReference>${lifeOf('InitialTerminationTime')}`,
          ),
        signal,
      ),

    async keepAlive(subscription, signal) {
      if (!dueFor(subscription)) return;
      if (!renews) {
        // Where pulling doesn't prolong it either, a new one takes over in time.
        const left = (subscription.endsAt ?? Number.POSITIVE_INFINITY) - clock.monotonic();
        if (left < (subscription.granted ?? 0) / 4) throw subscriptionOver('the device does not renew it');
        return;
      }
      const request = {
        what: 'Renewal',
        action: eventActions.renew,
        // Here it may not be left away (WS-BaseNotification 1.3 §6.1.1).
        body: element('Renew', ns.notification, lifeOf('TerminationTime') || lifeOf('TerminationTime', 'duration')),
        ...to(subscription),
      };
      const reply = await manager(subscription, request, signal);
      subscription.renewedAt = clock.monotonic();
      if (reply?.ok && reply.body) {
        const granted = measure(textIn(reply.body, 'CurrentTime'), textIn(reply.body, 'TerminationTime'));
        subscription.granted = granted;
        subscription.endsAt = granted === null ? null : clock.monotonic() + granted;
        return;
      }
      if (reply && !reply.ok && isGone(reply.fault)) throw subscriptionOver(faultWords(reply.fault));
      renews = false;
    },

    prolonged(subscription, currentTime, terminationTime) {
      const left = measure(currentTime, terminationTime);
      if (left === null) return;
      subscription.endsAt = clock.monotonic() + left;
      subscription.granted = Math.max(left, subscription.granted ?? 0);
    },

    async synchronize(subscription, signal) {
      if (!synchronizes) return;
      const request = {
        what: 'Synchronisation point',
        action: eventActions.synchronize,
        body: element('SetSynchronizationPoint', ns.events),
        ...to(subscription),
      };
      const reply = await manager(subscription, request, signal);
      if (!reply || (!reply.ok && isUnsupported(reply.fault))) synchronizes = false;
    },

    async unsubscribe(subscription, signal) {
      const request = {
        what: 'End of the subscription',
        action: eventActions.unsubscribe,
        body: element('Unsubscribe', ns.notification),
        ...to(subscription),
      };
      await client.call(subscription.address, request, signal);
    },
  };
}

/** Everything in a fault that names its kind. */
const wordsOf = (fault: SoapFault): string =>
  `${fault.codes.join(' ')} ${fault.detail?.children.map((c) => c.name).join(' ') ?? ''} ${fault.reason}`;

/** No subscription is left; a limit of its life is another matter. */
const isFull = (fault: SoapFault): boolean =>
  !/termination/i.test(wordsOf(fault)) &&
  /unable to create|too many|maximum|MaxPullPoints|SubscribeCreationFailed|no (?:free|more)|limit/i.test(
    wordsOf(fault),
  );

/** The device doesn't know the subscription any more. */
const isGone = (fault: SoapFault): boolean =>
  /ResourceUnknown|unknown (?:subscription|resource)|expired|not found|does not exist|invalid subscription|no such/i.test(
    wordsOf(fault),
  );
