import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type { PushIdentity, PushSubscription } from '../domain/web-push';
import { payloadBytes } from './push-payload';
import { openInternet, type PushAnswer, type PushNetwork, sendPush } from './push-request';

const TTL_SECONDS = 60;

/** Sends one browser a notification that says that it is a test. @throws as `sendPush` */
export function sendTestPush(
  subscription: PushSubscription,
  identity: PushIdentity,
  siteName: string,
  parts: { clock: Clock; network?: PushNetwork },
): Promise<PushAnswer> {
  const { clock, network = openInternet } = parts;
  const id = randomBytes(12).toString('base64url');
  const payload = payloadBytes(
    {
      kind: 'show',
      tag: 'alarmflow-test',
      id,
      title: `Test of ${siteName}`,
      body: 'Notifications of alarms reach this browser.',
      at: clock.now(),
    },
    null,
  );
  const sending = { payload, ttl: TTL_SECONDS, urgency: 'high', topic: 'alarmflow-test' } as const;
  return sendPush(subscription, sending, identity, { clock, network }, new AbortController().signal);
}
