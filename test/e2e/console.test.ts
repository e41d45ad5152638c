/** The first start as a person meets it: demo site, console and editor in a real browser. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type AlarmflowProcess, startAlarmflow } from '../support/alarmflow-process';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { removeFolder } from '../support/remove-folder';
import { serverTest } from '../support/server-test';

let dataDir: string;
let site: AlarmflowProcess;

const runnable = chromiumMissing() === null;

beforeAll(async () => {
  if (!runnable) return;
  dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-console-'));
  site = await startAlarmflow({ args: ['start', '--port', '0'], dataDir });
});

afterAll(async () => {
  if (!runnable) return;
  await site.kill('SIGTERM');
  await removeFolder(dataDir);
});

async function withPage(
  options: Parameters<typeof openBrowser>[0],
  work: (page: Page, browser: Browser) => Promise<void>,
): Promise<void> {
  const browser = await openBrowser(options);
  try {
    await work(await browser.context.newPage(), browser);
    expect(browser.complaints).toEqual([]);
  } finally {
    await browser.close();
  }
}

describe('the console', () => {
  serverTest(
    'shows the alarm that a click fires, the siren it holds, its mail with picture, and its end',
    chromiumMissing,
    () =>
      withPage({}, async (page) => {
        await page.goto(site.url);
        await page.click('.scenes button:has-text("Thermal alarm")');
        const alarm = page.locator('.alarm', { hasText: 'Temperature alarm' });
        await alarm.waitFor();
        await page.locator('.outputs li.active', { hasText: 'Siren' }).waitFor();
        // What needs the alarm comes first: it is hot for 8 s only.
        await alarm.locator('button', { hasText: 'Acknowledge' }).click();
        await alarm.locator('text=acknowledged by local').waitFor();
        await alarm.locator('button', { hasText: 'Clear' }).click();
        await page.locator('.ended li', { hasText: 'Temperature alarm' }).first().waitFor();
        await page.locator('.outputs li.quiet', { hasText: 'Siren' }).waitFor();
        await page.locator('.mails li', { hasText: 'Temperature alarm' }).first().waitFor();
        await page.locator('.mails img').first().waitFor();
        await expect.poll(() => page.evaluate("document.querySelector('.mails img').naturalWidth")).toBeGreaterThan(0);
      }),
    180_000,
  );

  serverTest(
    'says why an event did not fire',
    chromiumMissing,
    () =>
      withPage({}, async (page) => {
        await page.goto(site.url);
        await page.click('.scenes button:has-text("Pre-alarm")');
        const line = page.locator('.events li', { hasText: 'refused: filter' }).first();
        await line.waitFor();
        await line.locator('summary').first().click();
        // Repeats are refused meanwhile and stand above it.
        const opened = page.locator('.events li', { has: page.locator('details[open]') });
        await expect
          .poll(() => opened.locator('.verdict').first().textContent())
          .toMatch(/refused it at the gate "filter"/);
      }),
    180_000,
  );

  serverTest(
    'switches an output by hand and back, and tells when the site is disarmed',
    chromiumMissing,
    () =>
      withPage({}, async (page) => {
        await page.goto(site.url);
        const floodlight = page.locator('.outputs li', { hasText: 'Floodlight' });
        await floodlight.locator('button', { hasText: 'On' }).click();
        await page.locator('.outputs li.active', { hasText: 'Floodlight' }).waitFor();
        await floodlight.locator('button', { hasText: 'Auto' }).click();
        await page.locator('.outputs li.quiet', { hasText: 'Floodlight' }).waitFor();
        await page.locator('.armed input').click();
        await page.locator('.armed', { hasText: 'Disarmed' }).waitFor();
        await page.click('.scenes button:has-text("Line crossing")');
        await page.locator('.events li', { hasText: 'refused: disarmed' }).first().waitFor();
        await page.locator('.armed input').click();
        await page.locator('.armed', { hasText: /^Armed/ }).waitFor();
      }),
    180_000,
  );

  serverTest(
    'names what is open when an area cannot be armed, and offers force and bypass',
    chromiumMissing,
    () =>
      withPage({}, async (page, browser) => {
        await page.goto(site.url);
        const whole = page.locator('.arming li', { hasText: 'Whole site' });
        await whole.locator('button', { hasText: /^Disarm$/ }).click();
        await whole.locator('.chip', { hasText: 'disarmed' }).waitFor();
        await page.click('.scenes button:has-text("Door opens")');
        await whole.locator('.warn-text', { hasText: 'Open: Door contact (Hall thermal camera)' }).waitFor();
        await whole.locator('button', { hasText: /^Arm$/ }).click();
        await page.locator('.notice', { hasText: 'Door contact (Hall thermal camera)' }).waitFor();
        await whole.locator('button', { hasText: 'Bypass' }).click();
        await whole.locator('.chip', { hasText: /^armed/ }).waitFor();
        // The refusal is what was asked for; the browser notes every answer of the 400s.
        await expect.poll(() => browser.complaints).toEqual([expect.stringContaining('409')]);
        browser.complaints.splice(0);
      }),
    180_000,
  );

  serverTest(
    'finds an alarm on record by its day, type and device, and says when there is none',
    chromiumMissing,
    () =>
      withPage({}, async (page) => {
        await page.goto(site.url);
        await page.click('.scenes button:has-text("Line crossing")');
        await page.locator('.ended li', { hasText: 'Line crossing' }).first().waitFor();
        await page.click('summary:has-text("Search all alarms")');
        const search = page.locator('details', { has: page.locator('summary', { hasText: 'Search all alarms' }) });
        await search
          .getByRole('combobox', { name: 'Event type', exact: true })
          .selectOption({ label: 'Line crossing' });
        await search.getByRole('combobox', { name: 'Device', exact: true }).selectOption({ label: 'Yard camera' });
        await search.locator('button', { hasText: 'Search' }).click();
        await search.locator('li', { hasText: 'Line crossing · Yard camera' }).first().waitFor();
        await search
          .getByRole('combobox', { name: 'Device', exact: true })
          .selectOption({ label: 'Hall thermal camera' });
        await search.locator('button', { hasText: 'Search' }).click();
        await search.locator('.empty', { hasText: 'No alarm was raised in this time.' }).waitFor();
      }),
    180_000,
  );

  serverTest(
    'shows the newest of many alarms, the outputs not far below, and the rest when asked',
    chromiumMissing,
    () =>
      withPage({ width: 390, height: 844 }, async (page) => {
        const event = { type: 'motion', pictures: [], deviceId: 'demo-hall' };
        const alarms = Array.from({ length: 500 }, (_, n) => ({
          ...{ id: `flood-${n}`, type: 'motion', deviceName: `Camera ${n}`, deviceId: 'demo-hall', event, count: 1 },
          ...{ raisedAt: 1_700_000_000_000 - n, endedAt: null, acknowledgedAt: null, acknowledgedBy: null },
          ...{ state: 'active', level: 'alarm', triggerName: 'Yard', triggerId: 'demo-fence', key: `${n}` },
        }));
        await page.route('**/api/v1/alarms?live=1*', (route) => route.fulfill({ json: { alarms } }));
        await page.goto(site.url);
        await page.locator('.alarm', { hasText: 'Camera 0' }).first().waitFor();
        const cards = page.locator('.alarm', { hasText: /Camera \d/ });
        expect(await cards.count()).toBeLessThanOrEqual(30);
        await page.locator('button', { hasText: /^Show 4\d\d more active alarms/ }).click();
        await expect.poll(() => cards.count()).toBe(500);
      }),
    180_000,
  );

  serverTest(
    'shows the newest linkage actions, older ones when asked, those that failed alone, and tries them again',
    chromiumMissing,
    () =>
      withPage({ width: 390, height: 844 }, async (page) => {
        const now = Date.now();
        // Each tenth has failed; the page of the record is 40 long.
        const actions = Array.from({ length: 95 }, (_, n) => ({
          ...{
            key: `a${n}:node:raise`,
            alarmId: null,
            nodeId: 'node',
            nodeName: `Mail ${n}.`,
            kind: 'email',
            phase: 'raise',
          },
          ...{ deviceId: null, params: {}, alarm: null, requestedAt: now - n * 60_000, deadlineAt: now, attempts: 1 },
          ...{ status: n % 10 === 5 ? 'failed' : 'done', startedAt: now, finishedAt: now, summary: `summary ${n}` },
        }));
        const tried: string[] = [];
        await page.route('**/api/v1/actions**', (route) => {
          const url = new URL(route.request().url());
          if (route.request().method() === 'POST') {
            tried.push(decodeURIComponent(url.pathname));
            return route.fulfill({ json: {} });
          }
          const asked = url.searchParams;
          const from = actions.findIndex(({ key }) => key === asked.get('before')) + 1;
          const left = actions.slice(from).filter(({ status }) => asked.get('trouble') === null || status === 'failed');
          return route.fulfill({ json: { actions: left.slice(0, Number(asked.get('limit'))) } });
        });
        await page.goto(site.url);
        const lines = page.locator('.actions li');
        // Beside what other tests have set in motion.
        const ours = page.locator('.actions li', { hasText: /Mail \d+\./ });
        await expect.poll(() => lines.count()).toBe(12);
        const older = page.locator('button', { hasText: 'Show older ones' });
        await older.click();
        await expect.poll(() => ours.count()).toBe(80);
        await older.click();
        await expect.poll(() => ours.count()).toBe(95);
        expect(await older.count()).toBe(0);
        await page.locator('.actions li', { hasText: 'Mail 85.' }).locator('button', { hasText: 'Try again' }).click();
        await expect.poll(() => tried).toEqual(['/api/v1/actions/a85:node:raise/retry']);
        const wide = await page.evaluate('document.documentElement.scrollWidth');
        expect(wide).toBeLessThanOrEqual(390);
        await page.locator('button', { hasText: 'Failed only' }).click();
        await expect.poll(() => ours.count()).toBe(9);
        await page.locator('button', { hasText: 'Failed only' }).click();
        await expect.poll(() => lines.count()).toBe(12);
      }),
    180_000,
  );

  serverTest(
    'keeps its head in one row on a phone, and the rest behind a button',
    chromiumMissing,
    () =>
      withPage({ width: 390, height: 844 }, async (page) => {
        await page.goto(site.url);
        await page.locator('.link.up').waitFor();
        expect((await page.locator('header.top').boundingBox())?.height).toBeLessThan(60);
        expect(await page.locator('text=Flow editor').isVisible()).toBe(false);
        await page.click('.menu-button');
        expect(await page.locator('text=Flow editor').isVisible()).toBe(true);
      }),
    180_000,
  );

  for (const [name, options] of [
    ['on a phone', { width: 360, height: 780 }],
    ['in dark colours', { colorScheme: 'dark' }],
  ] as const) {
    serverTest(
      `fits its page ${name}`,
      chromiumMissing,
      () =>
        withPage(options, async (page) => {
          await page.goto(site.url);
          await page.locator('.outputs li').first().waitFor();
          const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
          expect(overflow).toBeLessThanOrEqual(0);
        }),
      180_000,
    );
  }
});

describe('the flow editor', () => {
  serverTest(
    'opens with the flows of the demo deployed',
    chromiumMissing,
    () =>
      withPage({}, async (page) => {
        await page.goto(new URL('/editor/', site.url).href);
        await page.locator('.red-ui-flow-node', { hasText: 'Hall too hot' }).first().waitFor();
        await page
          .locator(
            '#red-ui-palette-alarmflow_triggers, .red-ui-palette-node[data-palette-type="alarmflow-thermal-alarm"]',
          )
          .first()
          .waitFor();
        const faulty = await page.evaluate(`(() => {
          const found = [];
          const look = (node) => { if (node.valid === false || node.changed) found.push(node.id); };
          RED.nodes.eachNode(look);
          RED.nodes.eachConfig(look);
          return found;
        })()`);
        expect(faulty).toEqual([]);
      }),
    180_000,
  );
});
