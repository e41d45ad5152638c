/** The browsers that people have let notify them, and the site's identity towards push services. Kept sealed. */
import { createHash } from 'node:crypto';
import { generateVAPIDKeys } from 'web-push';
import type { Clock } from '../clock/clock';
import { asAlarmflowError, userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import type { AuditRow, RecordWriter, SettingsRecord, StandingRow } from '../domain/record';
import type {
  GivenSubscription,
  PushIdentity,
  PushReceivers,
  PushRole,
  PushSubscription,
  PushSubscriptions,
  ShownSubscription,
} from '../domain/web-push';
import type { Seals } from './sealed-settings';

const KIND = 'push-subscription';
const KEYS_SETTING = 'web-push-keys';
const SEAL_KEYS = 'web-push-keys';
const SEAL_SUBSCRIPTION = 'push-subscription';
const MOST_PER_USER = 20;
const MOST = 500;
/** Name of the console's user while no users are set up. */
const NOBODY = 'local';
/** RFC 2606: no push service can reach it, and none that asks for a contact takes it. */
const NO_CONTACT = 'mailto:nobody@example.org';

interface SubscriptionDoc {
  user: string;
  browser: string;
  service: string;
  since: number;
  /** Public key of ours under which it was made: a push service takes no other. */
  madeFor: string;
  sealed: string;
}

type Secrets = Pick<PushSubscription, 'endpoint' | 'p256dh' | 'auth'>;

export interface PushParts {
  writer: RecordWriter;
  settings: SettingsRecord;
  seals: Seals;
  /** Accounts as they are now. */
  users(): Promise<{ name: string; role: PushRole }[]>;
  /** Why an endpoint cannot be that of a push service, or null. */
  endpointFault(endpoint: string): string | null;
  /** `https:` or `mailto:`; null: nobody has given one. */
  contact: string | null;
  clock: Clock;
  log: Log;
}

export interface Pushes extends PushSubscriptions {
  /** Takes up what the last run has left. Once, before anything else. */
  resume(rows: readonly StandingRow[]): void;
  /** For `pushManager.subscribe`. */
  publicKey(): Promise<string>;
  list(): ShownSubscription[];
  /** The same browser again replaces what was known of it, also of another user. @throws E_PUSH_ENDPOINT, E_PUSH_LIMIT (user) */
  subscribe(given: GivenSubscription, user: string): Promise<ShownSubscription>;
  /** @throws E_UNKNOWN_SUBSCRIPTION (user) */
  unsubscribe(id: string, who: string): Promise<void>;
  /** One of them, for a test. @throws E_UNKNOWN_SUBSCRIPTION (user) */
  find(id: string): ShownSubscription;
  /** Whether a user has an account, and one that may answer alarms. */
  mayAnswer(user: string): Promise<boolean>;
  /** The subscription as it is sent to; null: it cannot be read any more. */
  open(id: string): Promise<PushSubscription | null>;
}

/** The same browser has the same endpoint, and nobody can tell the endpoint from the id. */
const idOf = (endpoint: string): string => createHash('sha256').update(endpoint).digest('base64url').slice(0, 22);

export function createPushes(parts: PushParts): Pushes {
  const { writer, clock, log, seals } = parts;
  const docs = new Map<string, SubscriptionDoc>();
  const reachedAt = new Map<string, number>();
  let keys: Promise<{ publicKey: string; privateKey: string }> | null = null;

  /** Made once; another key would silence every browser that has subscribed. */
  async function readKeys(): Promise<{ publicKey: string; privateKey: string }> {
    const sealed = await parts.settings.readSetting<string>(KEYS_SETTING);
    const known =
      sealed === null ? null : await seals.open<{ publicKey: string; privateKey: string }>(SEAL_KEYS, sealed);
    if (known) return known;
    if (sealed !== null) log.warn('push.keys-lost', { remedy: 'every browser must switch notifications on again' });
    const made = generateVAPIDKeys();
    await parts.settings.writeSetting(KEYS_SETTING, await seals.seal(SEAL_KEYS, made));
    return made;
  }

  function ownKeys(): Promise<{ publicKey: string; privateKey: string }> {
    keys ??= readKeys();
    keys.catch(() => {
      keys = null;
    });
    return keys;
  }

  const shown = ([id, { user, browser, service, since }]: [string, SubscriptionDoc]): ShownSubscription => ({
    id,
    user,
    browser,
    service,
    since,
    reachedAt: reachedAt.get(id) ?? null,
  });

  function known(id: string): SubscriptionDoc {
    const doc = docs.get(id);
    if (!doc) throw userError('E_UNKNOWN_SUBSCRIPTION', 'This browser has no notifications switched on any more');
    return doc;
  }

  const auditRow = (who: string, action: string, doc: SubscriptionDoc, detail = ''): AuditRow => {
    const at = clock.now();
    const told = [`${doc.browser} by ${doc.service}`, detail].filter((part) => part !== '').join(', ');
    return { id: sortableId(at), at, who, action, subject: doc.user, detail: told };
  };

  async function remove(gone: [string, AuditRow][]): Promise<void> {
    await writer.commit({
      standingDeleted: gone.map(([id]) => `${KIND}:${id}`),
      audit: gone.map(([, row]) => row),
    });
    for (const [id] of gone) {
      docs.delete(id);
      reachedAt.delete(id);
    }
  }

  async function open(id: string): Promise<PushSubscription | null> {
    const doc = docs.get(id);
    if (!doc || doc.madeFor !== (await ownKeys()).publicKey) return null;
    const secrets = await seals.open<Secrets>(SEAL_SUBSCRIPTION, doc.sealed);
    return secrets && { id, user: doc.user, browser: doc.browser, ...secrets };
  }

  /** Users who may still be told; without users whoever sits at this machine may. */
  async function roles(): Promise<Map<string, PushRole>> {
    const users = await parts.users();
    return new Map(users.length === 0 ? [[NOBODY, 'administrator']] : users.map(({ name, role }) => [name, role]));
  }

  return {
    resume(rows) {
      for (const { id, kind, doc } of rows)
        if (kind === KIND) docs.set(id.slice(KIND.length + 1), doc as SubscriptionDoc);
    },
    publicKey: async () => (await ownKeys()).publicKey,
    async identity(): Promise<PushIdentity> {
      return { ...(await ownKeys()), contact: parts.contact ?? NO_CONTACT };
    },
    list: () => [...docs].map(shown).sort((a, b) => a.since - b.since),
    find: (id) => shown([id, known(id)]),
    open,
    async of(receivers: PushReceivers) {
      const may = await roles();
      const left = [...docs].filter(([, { user }]) => !may.has(user));
      if (left.length > 0)
        await remove(left.map(([id, doc]) => [id, auditRow('alarmflow', 'push.unsubscribe', doc, 'the user is gone')]));
      const wanted = [...docs].filter(([, { user }]) => {
        if (receivers.to === 'all') return true;
        return receivers.to === 'users' ? receivers.users.includes(user) : receivers.roles.includes(may.get(user)!);
      });
      const opened = await Promise.all(wanted.map(([id]) => open(id)));
      return opened.filter((one) => one !== null).map((one) => ({ ...one, role: may.get(one.user)! }));
    },
    async mayAnswer(user) {
      const role = (await roles()).get(user);
      return role !== undefined && role !== 'viewer';
    },
    async subscribe(given, user) {
      const fault = parts.endpointFault(given.endpoint);
      if (fault !== null)
        throw userError('E_PUSH_ENDPOINT', `The push service that this browser names cannot be used: ${fault}`);
      const id = idOf(given.endpoint);
      const own = [...docs].filter(([other, doc]) => doc.user === user && other !== id).length;
      if (own >= MOST_PER_USER || (!docs.has(id) && docs.size >= MOST))
        throw userError(
          'E_PUSH_LIMIT',
          `Notifications are switched on in too many browsers (${MOST_PER_USER} for one user, ${MOST} in all): switch them off where they are not needed any more`,
        );
      const { endpoint, p256dh, auth } = given;
      const doc: SubscriptionDoc = {
        user,
        browser: given.browser,
        service: new URL(endpoint).host,
        since: clock.now(),
        madeFor: (await ownKeys()).publicKey,
        sealed: await seals.seal(SEAL_SUBSCRIPTION, { endpoint, p256dh, auth } satisfies Secrets),
      };
      await writer.commit({
        standing: [{ id: `${KIND}:${id}`, kind: KIND, doc }],
        audit: [auditRow(user, 'push.subscribe', doc)],
      });
      docs.set(id, doc);
      return shown([id, doc]);
    },
    async unsubscribe(id, who) {
      const doc = known(id);
      await remove([[id, auditRow(who, 'push.unsubscribe', doc)]]);
    },
    async gone(id) {
      const doc = docs.get(id);
      if (!doc) return;
      try {
        await remove([[id, auditRow('alarmflow', 'push.unsubscribe', doc, 'its push service has forgotten it')]]);
      } catch (thrown) {
        // It will say so again at the next message.
        log.warn('push.not-forgotten', { user: doc.user, error: asAlarmflowError(thrown).message });
      }
    },
    reached(id) {
      if (docs.has(id)) reachedAt.set(id, clock.now());
    },
  };
}
