/** A console that stays open: over a restart, a login that ends, a proxy and a network that fail. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type AlarmflowProcess, startAlarmflow } from '../support/alarmflow-process';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { freePort } from '../support/free-port';
import { removeFolder } from '../support/remove-folder';
import { serverTest } from '../support/server-test';

const runnable = chromiumMissing() === null;

describe('a console that stays open', () => {
  let dataDir: string;
  let site: AlarmflowProcess;
  let browser: Browser;
  let page: Page;

  let port: number;

  const start = (): Promise<AlarmflowProcess> =>
    startAlarmflow({ args: ['start', '--demo', '--port', String(port)], dataDir });

  beforeAll(async () => {
    if (!runnable) return;
    dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-console-link-'));
    // One that nobody takes while the site is down.
    port = await freePort();
    site = await start();
    browser = await openBrowser();
    page = await browser.context.newPage();
  });

  afterAll(async () => {
    if (!runnable) return;
    await browser.close();
    await site.kill('SIGTERM');
    await removeFolder(dataDir);
  });

  const live = (): Promise<void> => page.locator('.link.up').waitFor();

  serverTest(
    'takes orders after a restart without being loaded again',
    chromiumMissing,
    async () => {
      await page.goto(site.url);
      await live();
      await site.kill('SIGKILL');
      await page.locator('.notice.unlinked', { hasText: 'Not connected to alarmflow since' }).waitFor();
      site = await start();
      await live();
      await page.locator('.notice.unlinked').waitFor({ state: 'detached' });
      await page.click('.scenes button:has-text("Door opens")');
      await page.locator('.alarm', { hasText: 'Alarm input' }).first().waitFor();
      await expect.poll(() => page.locator('.notice').count()).toBe(0);
    },
    400_000,
  );

  serverTest(
    'connects again after a proxy has answered for a server that was away',
    chromiumMissing,
    async () => {
      await page.route('**/api/v1/stream', (route) =>
        route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }),
      );
      await page.reload();
      await page.locator('.notice.unlinked').waitFor();
      await page.unroute('**/api/v1/stream');
      await live();
      await page.locator('.outputs li', { hasText: 'Siren' }).first().waitFor();
    },
    120_000,
  );

  serverTest(
    'says that it could not read the site rather than that there is no alarm, and reads it again',
    chromiumMissing,
    async () => {
      await page.route('**/api/v1/alarms?live=1*', (route) =>
        route.fulfill({ status: 503, contentType: 'text/html', body: '<h1>Try later</h1>' }),
      );
      await page.reload();
      await page.locator('.notice', { hasText: 'The site could not be read' }).waitFor();
      expect(await page.locator('text=No alarm is active').isVisible()).toBe(false);
      await page.unroute('**/api/v1/alarms?live=1*');
      await page.locator('#alarms-title').waitFor();
      await expect.poll(() => page.locator('.notice').count()).toBe(0);
    },
    120_000,
  );
});
