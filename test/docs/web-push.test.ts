/** The fault tables of messages, notifications and links: each row happens, or is a test by its name. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateVAPIDKeys } from 'web-push';
import { isPublicAddress } from '../../engine/actions/public-address';
import type { PushNetwork } from '../../engine/actions/push-request';
import { webPushHandler } from '../../engine/actions/web-push';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import type { PushSubscription } from '../../engine/domain/web-push';
import { aRow, RAISED } from '../actions/action-bench';
import { tablesIn } from '../support/doc-tables';
import { type Behaviour, type PushService, startPushService } from '../support/push-service';
import { type Authority, anAuthority } from '../support/smtp-certificate';

const faultsOf = (file: string): string[][] =>
  tablesIn(readFileSync(file, 'utf8')).find(({ heading }) => heading[0] === 'Fault')!.rows;

describe.each([
  ['docs/actions/show-message.md', 'test/host/popups.test.ts'],
  ['docs/acknowledge-links.md', 'test/host/answer-links.test.ts'],
])('the faults of %s', (doc, tests) => {
  const source = readFileSync(tests, 'utf8');
  it.each(faultsOf(doc).map(([fault]) => fault!))('%s: is a test', (fault) => {
    expect(source).toContain(`it('${fault}: `);
  });
});

const authority = anAuthority() as Authority;
const keys = generateVAPIDKeys();
const params = {
  phases: ['raise'],
  to: 'all',
  title: '',
  text: '',
  picture: false,
  stays: false,
  silent: false,
  ttl: 60,
  urgency: 'high',
  links: false,
};

interface Setting {
  behaviour?: Behaviour;
  network?: (usual: PushNetwork) => PushNetwork;
  /** Whether the browser has notifications switched on. */
  nobody?: boolean;
  /** Time that passes while the action is under way. */
  passMs?: number;
}

const settings: Record<string, Setting> = {
  'nobody has switched notifications on': { nobody: true },
  'browser gone (410)': { behaviour: { status: 410 } },
  'browser unknown (404)': { behaviour: { status: 404 } },
  'push service away': {
    network: (usual) => ({
      ...usual,
      allows: () => true,
      lookup: (_name, options, callback) =>
        (options as { all?: boolean }).all
          ? callback(null, [{ address: '127.0.0.200', family: 4 }])
          : callback(null, '127.0.0.200', 4),
    }),
  },
  'connection breaks': { behaviour: 'reset' },
  'push service does not answer': { behaviour: 'hang', passMs: 15_000 },
  'push service has failed (503)': { behaviour: { status: 503 } },
  'too many messages (429)': { behaviour: { status: 429, headers: { 'retry-after': '60' } } },
  'signature refused (403)': { behaviour: { status: 403 } },
  'message refused (400)': { behaviour: { status: 400 } },
  'message too large for it (413)': { behaviour: { status: 413 } },
  'certificate not trusted': { network: ({ ca: _ca, ...usual }) => usual },
  'name leads into this network': { network: (usual) => ({ ...usual, allows: isPublicAddress }) },
  'endless answer': { behaviour: { status: 201, body: 'x'.repeat(1_000_000) } },
};

describe.skipIf(authority === null)('the faults of docs/actions/web-push.md', () => {
  let service: PushService;
  beforeAll(async () => {
    service = await startPushService(authority);
  });
  afterAll(() => service.close());
  const rows = faultsOf('docs/actions/web-push.md');

  it('are those that are tried here', () => {
    expect(rows.map(([fault]) => fault)).toEqual(Object.keys(settings));
  });

  it.each(rows)('%s', async (fault, code, again, journal, then, messages) => {
    const { behaviour = 'take', network, nobody = false, passMs = 0 } = settings[fault]!;
    const clock = new VirtualClock(RAISED);
    const browser: PushSubscription = { id: 'b', user: 'anna', browser: 'Firefox', ...service.browser(fault) };
    let kept = nobody ? [] : [browser];
    let mended = false;
    const usual = service.network;
    const handler = webPushHandler({
      push: {
        of: async () => kept,
        identity: async () => ({ ...keys, contact: 'mailto:alarm@example.org' }),
        gone: async () => {
          kept = [];
        },
        reached: () => undefined,
      },
      pushNetwork: {
        allows: (address) => (mended ? usual : (network?.(usual) ?? usual)).allows(address),
        lookup: (name, options, callback) =>
          (mended ? usual : (network?.(usual) ?? usual)).lookup!(name, options, callback),
        get ca() {
          return (mended ? usual : (network?.(usual) ?? usual)).ca;
        },
      },
      siteName: 'Plant',
      clock,
      log: silentLog,
    });
    const attempt = async () => {
      const signal = new AbortController().signal;
      const work = handler.execute({ row: aRow('web-push', params), attempt: 1, signal }).then(
        ({ status, summary }) => ({ code: '–', family: status, message: summary }),
        (error: { code: string; family: string; message: string }) => error,
      );
      if (!mended && passMs > 0) {
        const before = service.requests;
        await expect.poll(() => service.requests, { timeout: 15_000 }).toBe(before + 1);
        await clock.advance(passMs);
      }
      return await work;
    };
    service.behave(fault, behaviour);
    const first = await attempt();
    expect(first.code).toBe(code);
    expect(first.family).toBe({ yes: 'operational', no: 'user', '–': 'done' }[again!]);
    expect(first.message).toContain(journal);
    // An endless answer was an answer: the browser has it, and only a person would send it anew.
    const handed = fault === 'endless answer' ? 1 : 0;
    mended = true;
    if (nobody) kept = [browser];
    service.behave(fault, 'take');
    await clock.advance(60_000);
    const second = await attempt();
    expect(second.family === 'done' ? 'done' : second.code).toBe(then);
    const got = service.taken.filter((push) => push.browser === fault).length;
    expect(got + handed).toBe(handed === 1 ? 1 : Number(messages));
  });
});
