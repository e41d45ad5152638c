import { type Clock, isoTime, parseIsoTime } from '../../../clock/clock';
import type { XmlElement } from '../../wire';
import { durationMs, textIn } from '../answer';
import { xmlText } from '../envelope';
import type { OnvifFaults } from './faults';
import { type SimulatedAnswer, simulatedFault, unknownAction } from './soap';
import { createSimulatedSubscriptions, enqueue, type SimulatedSubscription } from './subscriptions';

export interface EventServiceOptions {
  faults: OnvifFaults;
  clock: Clock;
  slots: number;
  /** Longest life that is granted. */
  longestMs: number;
  signal: AbortSignal;
  deviceNow(): number;
  told(path: string): string;
  /** All properties as `Initialized` notifications. */
  states(): string[];
  notify(url: string, notifications: string[]): void;
}

export interface EventCounts {
  created: number;
  refused: number;
  renewals: number;
  synchronizations: number;
  pulls: number;
  unsubscribed: number;
}

/** The event service of a simulated device and its subscription managers (PROTOCOLS §4.3). */
export interface EventService {
  /** `null`: it is none of its calls. */
  answer(
    name: string,
    path: string,
    header: XmlElement | undefined,
    request: XmlElement,
  ): Promise<SimulatedAnswer | null>;
  send(notification: string): void;
  subscriptions(): SimulatedSubscription[];
  counts(): EventCounts;
  forget(): void;
}

/** MaxTimeout of the fault. */
export const SIMULATED_MAX_TIMEOUT_MS = 300;
const MAX_MESSAGES = 10;

const ok = (body: string): SimulatedAnswer => ({ status: 200, body });

export function createEventService(options: EventServiceOptions): EventService {
  const { faults, clock } = options;
  const subscriptions = createSimulatedSubscriptions(options.slots, clock);
  const counts: EventCounts = { created: 0, refused: 0, renewals: 0, synchronizations: 0, pulls: 0, unsubscribed: 0 };

  const times = (subscription: SimulatedSubscription, prefix: string): string => {
    if (faults.has('no-times')) return '';
    const shift = options.deviceNow() - clock.now();
    const now = isoTime(options.deviceNow());
    const end = faults.has('termination-equals-current') ? now : isoTime(subscription.endsAt + shift);
    return `<${prefix}:CurrentTime>${now}</${prefix}:CurrentTime><${prefix}:TerminationTime>${end}</${prefix}:TerminationTime>`;
  };

  function lifeMs(request: XmlElement, name: string): number | null {
    const text = textIn(request, name);
    const moment = text === null ? null : parseIsoTime(text);
    const wanted =
      text === null ? options.longestMs : (durationMs(text) ?? (moment === null ? null : moment - options.deviceNow()));
    if (faults.has('wants-moment') && moment === null) return null;
    if (faults.has('wants-no-time') && text !== null) return null;
    return wanted === null || wanted <= 0 ? null : Math.min(wanted, options.longestMs);
  }

  function create(request: XmlElement, consumer: string | null): SimulatedAnswer {
    if (faults.has('creation-refused')) {
      counts.refused++;
      return simulatedFault(faults, ['SOAP-ENV:Receiver', 'ter:Action'], 'Subscription refused');
    }
    if (faults.has(consumer === null ? 'no-pull' : 'no-notify')) {
      counts.refused++;
      return unknownAction(faults);
    }
    const life = lifeMs(request, 'InitialTerminationTime');
    if (life === null) {
      counts.refused++;
      return simulatedFault(
        faults,
        ['SOAP-ENV:Sender', 'wsnt:UnacceptableInitialTerminationTimeFault'],
        'Absolute or relative time not supported, see the maximum of the termination time',
      );
    }
    const made = subscriptions.create(consumer, life);
    if (!made) {
      counts.refused++;
      return simulatedFault(
        faults,
        ['SOAP-ENV:Receiver', 'ter:Action'],
        'Unable to create pull point, too many subscriptions',
      );
    }
    counts.created++;
    if (!faults.has('no-synchronization')) tell(made, options.states());
    const path = faults.has('reference-parameters') ? '/onvif/subscription' : `/onvif/subscription/${made.id}`;
    const parameters = faults.has('reference-parameters')
      ? `<wsa5:ReferenceParameters xmlns:sim="urn:sim:subscription"><sim:Id a:k="0${made.id}" xmlns:a="urn:a">${made.id}</sim:Id><sim:Other><sim:Deep>x &amp; y</sim:Deep></sim:Other></wsa5:ReferenceParameters>`
      : '';
    const name = consumer === null ? 'tev:CreatePullPointSubscriptionResponse' : 'wsnt:SubscribeResponse';
    const reference = consumer === null ? 'tev:SubscriptionReference' : 'wsnt:SubscriptionReference';
    return ok(
      `<${name}><${reference}><wsa5:Address>${xmlText(options.told(path))}</wsa5:Address>${parameters}</${reference}>${times(made, 'wsnt')}</${name}>`,
    );
  }

  function tell(subscription: SimulatedSubscription, notifications: string[]): void {
    if (subscription.consumer !== null) {
      if (notifications.length > 0) options.notify(subscription.consumer, notifications);
    } else for (const notification of notifications) enqueue(subscription, notification);
  }

  function named(path: string, header: XmlElement | undefined): SimulatedSubscription | undefined {
    if (!faults.has('reference-parameters')) return subscriptions.find(Number(/\/(\d+)$/.exec(path)?.[1] ?? 0));
    // Both parameters must come back, as they were.
    const deep = textIn(header, 'Deep');
    return deep === 'x & y' ? subscriptions.find(Number(textIn(header, 'Id') ?? 0)) : undefined;
  }

  const unknown = (): SimulatedAnswer =>
    simulatedFault(faults, ['SOAP-ENV:Sender', 'wsrf-rw:ResourceUnknownFault'], 'The subscription is unknown');

  async function pull(subscription: SimulatedSubscription, request: XmlElement): Promise<SimulatedAnswer> {
    counts.pulls++;
    if (faults.has('pull-fault-always'))
      return simulatedFault(faults, ['SOAP-ENV:Receiver', 'ter:Action'], 'Pull failed');
    if (faults.spend('unknown-subscription-once')) {
      subscriptions.remove(subscription.id);
      return unknown();
    }
    const wait = durationMs(textIn(request, 'Timeout')) ?? 0;
    const limit = Number(textIn(request, 'MessageLimit') ?? 1);
    const tooLong = faults.has('max-timeout') && wait > SIMULATED_MAX_TIMEOUT_MS;
    if (tooLong || (faults.has('max-messages') && limit > MAX_MESSAGES))
      return simulatedFault(
        faults,
        ['SOAP-ENV:Sender', 'ter:InvalidArgVal'],
        'Pull limits',
        `<tev:PullMessagesFaultResponse><tev:MaxTimeout>PT${SIMULATED_MAX_TIMEOUT_MS / 1000}S</tev:MaxTimeout><tev:MaxMessageLimit>${MAX_MESSAGES}</tev:MaxMessageLimit></tev:PullMessagesFaultResponse>`,
      );
    if (subscription.queue.length === 0 && !faults.has('immediate-answers')) await woken(subscription, wait);
    if (!subscriptions.find(subscription.id)) return unknown();
    if (!faults.has('pull-does-not-prolong')) subscriptions.renew(subscription, options.longestMs);
    const messages = subscription.queue.splice(0, limit).join('');
    return ok(`<tev:PullMessagesResponse>${times(subscription, 'tev')}${messages}</tev:PullMessagesResponse>`);
  }

  const woken = (subscription: SimulatedSubscription, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        options.signal.removeEventListener('abort', done);
        subscription.onWake(() => undefined);
        resolve();
      };
      const timer = clock.after(ms, done);
      options.signal.addEventListener('abort', done, { once: true });
      subscription.onWake(done);
    });

  return {
    async answer(name, path, header, request) {
      if (name === 'CreatePullPointSubscription') return create(request, null);
      if (name === 'Subscribe') return create(request, textIn(request, 'Address'));
      if (!['PullMessages', 'Renew', 'Unsubscribe', 'SetSynchronizationPoint'].includes(name)) return null;
      const subscription = named(path, header);
      if (!subscription) return unknown();
      switch (name) {
        case 'PullMessages':
          return pull(subscription, request);
        case 'Renew': {
          if (faults.has('renew-unsupported')) return unknownAction(faults);
          counts.renewals++;
          subscriptions.renew(subscription, lifeMs(request, 'TerminationTime') ?? options.longestMs);
          return ok(`<wsnt:RenewResponse>${times(subscription, 'wsnt')}</wsnt:RenewResponse>`);
        }
        case 'Unsubscribe':
          counts.unsubscribed++;
          subscriptions.remove(subscription.id);
          return ok('<wsnt:UnsubscribeResponse/>');
        default:
          if (faults.has('no-synchronization')) return unknownAction(faults);
          counts.synchronizations++;
          tell(subscription, options.states());
          return ok('<tev:SetSynchronizationPointResponse/>');
      }
    },
    send(notification) {
      if (faults.has('loses-messages')) return;
      for (const subscription of subscriptions.all()) tell(subscription, [notification]);
    },
    subscriptions: () => subscriptions.all(),
    counts: () => ({ ...counts }),
    forget: () => subscriptions.clear(),
  };
}
