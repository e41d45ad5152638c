/** Messages, notifications and their links as people meet them: the product and a real browser. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { removeFolder } from '../support/remove-folder';
import { serverTest } from '../support/server-test';

const message = {
  id: 'say-it',
  type: 'alarmflow-show-message',
  z: 'demo-tab',
  name: 'Tell the guard',
  version: 1,
  phases: ['raise'],
  targets: [
    { device: 'demo-yard', channel: 1 },
    { device: 'demo-hall', channel: 1 },
  ],
  devices: ['demo-yard', 'demo-hall'],
  // Each camera is shown for so long: its picture must be there by then also on a busy machine.
  dwell: 5,
  x: 700,
  y: 100,
  wires: [[]],
};

let folder: string;
let site: AlarmflowProcess;
const runnable = chromiumMissing() === null;

beforeAll(async () => {
  if (!runnable) return;
  folder = await mkdtemp(join(tmpdir(), 'alarmflow-messages-'));
  const flow = JSON.parse(await readFile('flows/demo-site.json', 'utf8')) as Record<string, unknown>[];
  for (const node of flow)
    if (node.id === 'demo-fence') Object.assign(node, { wires: [['say-it']], antiDither: 0, latched: true });
  await writeFile(join(folder, 'flow.json'), JSON.stringify([...flow, message]));
  site = await startAlarmflow({
    args: ['run', join(folder, 'flow.json'), '--demo', '--port', '0'],
    dataDir: join(folder, 'data'),
  });
});

afterAll(async () => {
  if (!runnable) return;
  await site.kill('SIGTERM');
  await removeFolder(folder);
});

async function withBrowser(
  options: Parameters<typeof openBrowser>[0],
  work: (browser: Browser) => Promise<void>,
): Promise<void> {
  const browser = await openBrowser(options);
  try {
    await work(browser);
    expect(browser.complaints).toEqual([]);
  } finally {
    await browser.close();
  }
}

const fire = () => site.api('/api/v1/demo/line-crossing', { method: 'POST', body: {} });

/** No alarm lives, no message stands, and none is on its way. */
async function quiet(): Promise<void> {
  await eventually('a quiet site', async () => {
    const { alarms } = await site.api<{ alarms: { id: string }[] }>('/api/v1/alarms?live=1');
    for (const { id } of alarms) await site.api(`/api/v1/alarms/${id}/reset`, { method: 'POST', body: {} });
    const { actions } = await site.api<{ actions: { finishedAt: number | null }[] }>('/api/v1/actions');
    const { popups } = await site.api<{ popups: { id: string }[] }>('/api/v1/popups');
    for (const { id } of popups) await site.api(`/api/v1/popups/${id}/close`, { method: 'POST', body: {} });
    return alarms.length + popups.length + actions.filter(({ finishedAt }) => finishedAt === null).length === 0;
  });
}

/** Where the keyboard is, whether in the message or not. */
const focus = (page: Page): Promise<unknown> =>
  page.evaluate("document.activeElement.closest('[role=alertdialog]') ? document.activeElement.textContent : null");

describe('a message', () => {
  serverTest(
    'stands before every console, keeps the keyboard, and goes from all of them when one person acknowledges',
    chromiumMissing,
    () =>
      withBrowser({}, async ({ context }) => {
        await quiet();
        const here = await context.newPage();
        await here.goto(site.url);
        await here.locator('.outputs li').first().waitFor();
        await fire();
        const dialog = here.locator('[role=alertdialog]');
        await dialog.getByRole('heading', { name: 'Alarm: Line crossing' }).waitFor();
        const there = await context.newPage();
        await there.goto(site.url);
        await there.locator('[role=alertdialog]').waitFor();
        await here.bringToFront();
        for (let turn = 0; turn < 12; turn++) {
          expect(await focus(here)).not.toBeNull();
          await here.keyboard.press('Tab');
        }
        // Each camera in turn, a real picture of it.
        const shown = (camera: string): Promise<unknown> =>
          here.evaluate(`(() => {
            const tour = document.querySelector('.tour');
            return tour?.textContent.includes(${JSON.stringify(camera)}) && tour.querySelector('img')?.naturalWidth > 0;
          })()`);
        for (const camera of ['Yard camera', 'Hall thermal camera'])
          await expect.poll(() => shown(camera), { timeout: 60_000 }).toBe(true);
        await dialog.getByRole('button', { name: 'Acknowledge' }).click();
        await dialog.waitFor({ state: 'detached' });
        await there.locator('[role=alertdialog]').waitFor({ state: 'detached' });
      }),
    180_000,
  );

  serverTest(
    'is hidden on this screen with all others that stand, by one button, and none of them is answered',
    chromiumMissing,
    () =>
      withBrowser({}, async ({ context }) => {
        await quiet();
        const page = await context.newPage();
        await page.goto(site.url);
        await page.locator('.outputs li').first().waitFor();
        const dialog = page.locator('[role=alertdialog]');
        await fire();
        await dialog.waitFor();
        expect(await dialog.getByRole('button', { name: 'Hide all' }).count()).toBe(0);
        const { alarms } = await site.api<{ alarms: { id: string }[] }>('/api/v1/alarms?live=1');
        for (const { id } of alarms) await site.api(`/api/v1/alarms/${id}/reset`, { method: 'POST', body: {} });
        await expect
          .poll(
            async () => {
              await fire();
              return dialog.getByRole('button', { name: 'Hide all' }).count();
            },
            { interval: 2_000, timeout: 60_000 },
          )
          .toBe(1);
        await dialog.getByRole('button', { name: 'Hide all' }).click();
        await dialog.waitFor({ state: 'detached' });
        await page.locator('.set-aside', { hasText: '2 messages are hidden' }).waitFor();
        expect((await site.api<{ popups: unknown[] }>('/api/v1/popups')).popups).toHaveLength(2);
      }),
    180_000,
  );

  serverTest(
    'is hidden by the escape key on this screen alone, and comes back on demand',
    chromiumMissing,
    () =>
      withBrowser({}, async ({ context }) => {
        await quiet();
        const page = await context.newPage();
        await page.goto(site.url);
        await page.locator('.outputs li').first().waitFor();
        await fire();
        await page.locator('[role=alertdialog]').waitFor();
        await page.keyboard.press('Escape');
        await page.locator('[role=alertdialog]').waitFor({ state: 'detached' });
        expect((await site.api<{ popups: unknown[] }>('/api/v1/popups')).popups).toHaveLength(1);
        await page.locator('.set-aside button', { hasText: 'Show' }).click();
        await page.locator('[role=alertdialog]').getByRole('button', { name: 'Close for everybody' }).click();
        await page.locator('[role=alertdialog]').waitFor({ state: 'detached' });
        expect((await site.api<{ popups: unknown[] }>('/api/v1/popups')).popups).toEqual([]);
      }),
    180_000,
  );

  serverTest(
    'fits a phone',
    chromiumMissing,
    () =>
      withBrowser({ width: 360, height: 640, colorScheme: 'dark' }, async ({ context }) => {
        await quiet();
        await fire();
        const page = await context.newPage();
        await page.goto(site.url);
        await page.locator('[role=alertdialog]').waitFor();
        const box = (await page.locator('[role=alertdialog]').boundingBox())!;
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(360);
        expect(box.y + box.height).toBeLessThanOrEqual(640);
      }),
    180_000,
  );
});

/** The service worker of the page, reached by the browser's own tools: no push service is asked. */
async function worker(page: Page): Promise<(payload: unknown) => Promise<void>> {
  await page.goto(site.url);
  const registered = new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('no service worker was registered')), 60_000);
    void (async () => {
      const session: CDPSession = await page.context().newCDPSession(page);
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const [first] = registrations;
        if (!first) return;
        clearTimeout(limit);
        resolve(first.registrationId);
      });
      await session.send('ServiceWorker.enable');
    })();
  });
  await page.evaluate(
    "navigator.serviceWorker.register('/push-worker.js').then(() => navigator.serviceWorker.ready).then(() => true)",
  );
  const registrationId = await registered;
  const session = await page.context().newCDPSession(page);
  await session.send('ServiceWorker.enable');
  return async (payload) => {
    const data = typeof payload === 'string' ? payload : JSON.stringify(payload);
    await session.send('ServiceWorker.deliverPushMessage', { origin: new URL(site.url).origin, registrationId, data });
  };
}

const standing = (page: Page) =>
  page.evaluate(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications())
    .then((all) => all.map(({ tag, title, body, silent, requireInteraction, data, actions }) =>
      ({ tag, title, body, silent, requireInteraction, data, actions: (actions ?? []).map(({ action }) => action) })))`) as Promise<
    Record<string, unknown>[]
  >;

describe('a notification', () => {
  serverTest(
    'is shown by the service worker, renewed in its place, and closed with the clear',
    chromiumMissing,
    () =>
      withBrowser({}, async ({ context }) => {
        await context.grantPermissions(['notifications'], { origin: new URL(site.url).origin });
        const page = await context.newPage();
        const deliver = await worker(page);
        const links = {
          acknowledge: 'https://x.example/answer/1',
          falseAlarm: 'javascript:alert(1)',
          other: 'https://y',
        };
        const push = { kind: 'show', tag: 'alarm-1', id: '1', title: 'Alarm: Fire', body: 'Hall', at: 1, stays: true };
        await deliver({ ...push, links });
        await expect
          .poll(() => standing(page))
          .toEqual([
            {
              tag: 'alarm-1',
              title: 'Alarm: Fire',
              body: 'Hall',
              silent: false,
              requireInteraction: true,
              data: { id: '1', links: { acknowledge: 'https://x.example/answer/1' } },
              actions: ['acknowledge'],
            },
          ]);
        await deliver(push);
        await expect.poll(async () => (await standing(page))[0]?.silent).toBe(true);
        await deliver({ ...push, id: '2', title: 'Escalation: Fire' });
        await expect.poll(async () => (await standing(page)).map(({ title }) => title)).toEqual(['Escalation: Fire']);
        await deliver({ ...push, id: '3', kind: 'close', title: 'Cleared: Fire' });
        await expect.poll(async () => (await standing(page))[0]?.title).toBe('Cleared: Fire');
        await expect.poll(() => standing(page)).toEqual([]);
      }),
    180_000,
  );

  serverTest(
    'that cannot be read is told in plain words',
    chromiumMissing,
    () =>
      withBrowser({}, async ({ context }) => {
        await context.grantPermissions(['notifications'], { origin: new URL(site.url).origin });
        const page = await context.newPage();
        const deliver = await worker(page);
        await deliver('no JSON');
        await expect.poll(async () => (await standing(page)).map(({ title }) => title)).toEqual(['Alarm']);
      }),
    180_000,
  );

  serverTest(
    'is switched on, tried and switched off in the console, and its user sees it in the list',
    chromiumMissing,
    () =>
      withBrowser({}, async ({ context }) => {
        await context.grantPermissions(['notifications'], { origin: new URL(site.url).origin });
        await quiet();
        const page = await context.newPage();
        // The push service of the browser's maker is not to be reached here: what it would answer is made up.
        await page.addInitScript(`(() => {
          let current = null;
          const subscription = (options) => ({
            endpoint: 'https://push.invalid-service.example.com/send/abc',
            options: { applicationServerKey: options.applicationServerKey.buffer },
            toJSON: () => ({ endpoint: 'https://push.invalid-service.example.com/send/abc',
              keys: { p256dh: 'BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM', auth: 'tBHItJI5svbpez7KI4CCXg' } }),
            unsubscribe: async () => { current = null; return true; },
          });
          PushManager.prototype.subscribe = async (options) => (current = subscription(options));
          PushManager.prototype.getSubscription = async () => current;
        })()`);
        await page.goto(site.url);
        const panel = page.locator('.notifications');
        await panel.locator('summary').click();
        await panel.getByRole('button', { name: 'Switch on in this browser' }).click();
        await panel.locator('.subscriptions li', { hasText: 'this browser' }).waitFor();
        await panel.getByRole('button', { name: 'Send a test' }).click();
        await panel.locator('.said', { hasText: 'push.invalid-service.example.com was not reached' }).waitFor();
        await panel.getByRole('button', { name: 'Switch off in this browser' }).click();
        await panel.getByRole('button', { name: 'Switch on in this browser' }).waitFor();
        const { audit } = await site.api<{ audit: { action: string; who: string }[] }>('/api/v1/audit');
        const trail = audit
          .filter(({ action }) => action.startsWith('push.'))
          .map(({ action, who }) => `${who} ${action}`);
        expect(trail).toEqual(['local push.unsubscribe', 'local push.subscribe']);
      }),
    180_000,
  );
});
