/** Notifications of this very browser: what stands in their way, and switching them on and off. */
import type { GivenSubscription, PushPage } from '../../engine/host/console-api';
import { api } from './api';

const WORKER = '/push-worker.js';

/** Why this browser cannot notify anybody, in words; null: it can. */
export function pushObstacle(): string | null {
  if (!window.isSecureContext)
    return `Browsers allow notifications only where the console is opened by HTTPS, or on the machine itself as http://localhost. This page was opened as ${location.origin}: open it by HTTPS (settings tlsCert and tlsKey, or a proxy).`;
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window))
    return 'This browser has no push notifications. On an iPhone or iPad, add the console to the home screen and open it from there.';
  if (Notification.permission === 'denied')
    return "Notifications of this page are blocked in this browser: allow them in the browser's settings for the page, then load it again.";
  return null;
}

/** As the engine makes it, so that a browser finds itself in the list. */
async function idOf(endpoint: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(endpoint)));
  const text = btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  return text.slice(0, 22);
}

async function currentSubscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration('/');
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** The id under which this browser is known, if it is; null: its notifications are off. */
export async function ownSubscription(): Promise<string | null> {
  if (pushObstacle() !== null) return null;
  const subscription = await currentSubscription();
  return subscription && (await idOf(subscription.endpoint));
}

function keyBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (sign) => sign.charCodeAt(0));
}

const isSameKey = (subscription: PushSubscription, key: Uint8Array): boolean => {
  const known = subscription.options.applicationServerKey;
  return known !== null && new Uint8Array(known).toString() === key.toString();
};

/** Asks the person, the browser and its push service; every refusal is an error in words. */
export async function switchOn(publicKey: string): Promise<PushPage> {
  if ((await Notification.requestPermission()) !== 'granted')
    throw new Error('Notifications were not allowed: nothing is switched on.');
  const registration = await navigator.serviceWorker.register(WORKER);
  await navigator.serviceWorker.ready;
  const applicationServerKey = keyBytes(publicKey);
  const former = await registration.pushManager.getSubscription();
  // One that was made under another key of the site would never hear of it again.
  if (former && !isSameKey(former, applicationServerKey)) await former.unsubscribe();
  let subscription: PushSubscription;
  try {
    subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  } catch (error) {
    throw new Error(`The push service of this browser was not reached: ${(error as Error).message}`);
  }
  const { endpoint, keys } = subscription.toJSON();
  return await api.pushSubscribe({
    endpoint: endpoint ?? '',
    p256dh: keys?.p256dh ?? '',
    auth: keys?.auth ?? '',
    browser: browserName(navigator.userAgent),
  } satisfies GivenSubscription);
}

/** This browser forgets its own part; the site is told by whoever calls. */
export async function switchOffHere(): Promise<void> {
  await (await currentSubscription())?.unsubscribe();
}

const find = (agent: string, names: [RegExp, string][]): string | undefined =>
  names.find(([pattern]) => pattern.test(agent))?.[1];

/** "Firefox on Linux", for people who look for their own in a list. */
export function browserName(agent: string): string {
  const browser = find(agent, [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]);
  const system = find(agent, [
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Mac OS/, 'Mac'],
    [/Linux/, 'Linux'],
  ]);
  return [browser ?? 'A browser', system].filter(Boolean).join(' on ');
}
