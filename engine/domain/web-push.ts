/** Notifications of browsers by Web Push (RFC 8030, 8291, 8292). */

/** Whose browsers a push goes to. */
export const pushAudiences = ['all', 'roles', 'users'] as const;
export type PushAudience = (typeof pushAudiences)[number];

export const pushRoles = ['viewer', 'operator', 'administrator'] as const;
export type PushRole = (typeof pushRoles)[number];

/** RFC 8030 §5.3. */
export const pushUrgencies = ['very-low', 'low', 'normal', 'high'] as const;
export type PushUrgency = (typeof pushUrgencies)[number];

/** Roles are exact: who wants operators and administrators names both. */
export type PushReceivers = { to: 'all' } | { to: 'roles'; roles: PushRole[] } | { to: 'users'; users: string[] };

/** One browser that somebody has let notify them. */
export interface PushSubscription {
  id: string;
  /** User name, or `local` while no users are set up. */
  user: string;
  /** What its user may do; absent: not asked. */
  role?: PushRole;
  /** What the browser calls itself, in short ("Firefox on Linux"). */
  browser: string;
  /** Where its push service takes messages: whoever knows it can name the browser, so it is shown to nobody. */
  endpoint: string;
  /** P-256 public key and authentication secret of the browser, base64url (RFC 8291 §2). */
  p256dh: string;
  auth: string;
}

/** What a browser gives (PushSubscription.toJSON of the Push API). */
export interface GivenSubscription {
  endpoint: string;
  p256dh: string;
  auth: string;
  browser: string;
}

/** What may be shown of a subscription. Times are wall milliseconds. */
export interface ShownSubscription {
  id: string;
  user: string;
  browser: string;
  /** Name of its push service. */
  service: string;
  since: number;
  /** When a push service last took a message for it, as far as this process knows. */
  reachedAt: number | null;
}

/** Our identity towards push services (RFC 8292). */
export interface PushIdentity {
  /** base64url, 65 bytes. */
  publicKey: string;
  /** base64url, 32 bytes; a secret. */
  privateKey: string;
  /** `https:` or `mailto:`: whom the operator of a push service may ask. */
  contact: string;
}

/** The subscriptions that are kept. */
export interface PushSubscriptions {
  /** Those of the receivers who still have an account. */
  of(receivers: PushReceivers): Promise<PushSubscription[]>;
  identity(): Promise<PushIdentity>;
  /** The push service says that the browser is gone (404, 410): it is forgotten. */
  gone(id: string): Promise<void>;
  /** A message was taken for it. */
  reached(id: string): void;
}

/** What goes to a browser's service worker, as JSON; at most PUSH_BYTES. */
export interface PushPayload {
  /** `close`: the alarm is over; what is shown under the tag goes. */
  kind: 'show' | 'close';
  /** The same for all messages of one alarm by one node: a later one takes the place of an earlier. */
  tag: string;
  /** Tells messages of one tag apart: the same one that comes twice makes no second sound. */
  id: string;
  title: string;
  body: string;
  /** Wall milliseconds. */
  at: number;
  /** Path of the alarm's picture in the console, which shows it to those who are logged in. */
  picture?: string;
  silent?: true;
  /** Stays until somebody answers it. */
  stays?: true;
  /** Whole URLs of pages that ask before they do anything. */
  links?: { acknowledge: string; snooze: string; falseAlarm: string };
}

/**
 * Bytes of a payload at most: 4096 that every push service takes (RFC 8030 §7.2), without header (86), padding mark (1)
 * and tag (16) of the encryption (RFC 8188 §2, RFC 8291 §4).
 */
export const PUSH_BYTES = 4_096 - 86 - 1 - 16;
