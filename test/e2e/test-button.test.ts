import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nodeFolders } from '../nodes/editor-sandbox';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { dialogAtRest, editorAtRest, endDialog } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';

const missing = chromiumMissing();
if (missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1') console.warn(`test buttons: skipped, ${missing}`);

/** Set to keep a picture of every dialog. */
const shots = process.env.ALARMFLOW_SHOTS;

const config = (id: string, type: string, more: object = {}) => ({
  id,
  type: `alarmflow-${type}`,
  version: 1,
  ...more,
});
const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  config('hall', 'device', { name: 'Hall camera', host: '192.0.2.10', port: 80 }),
  config('post', 'mail-server', { name: 'Office', host: 'mail.example.org', port: 587, from: 'alarm@example.org' }),
  config('archive', 'file-server', { name: 'Archive', host: 'nas.example.org', port: 22 }),
  config('noc', 'snmp-receiver', { name: 'Control room', host: '192.0.2.30', port: 162 }),
  config('relay', 'relay-out', { z: 'tab', device: 'hall', output: '3', x: 480, y: 100, wires: [[]] }),
  config('mail', 'email', { z: 'tab', server: 'post', to: 'guard@example.org', x: 480, y: 160, wires: [[]] }),
];

const actionTypes = nodeFolders.filter(({ folder }) => /nodes\/actions\//.test(folder)).map(({ type }) => type);

interface EditorPage {
  RED: {
    nodes: { node(id: string): Record<string, unknown>; add(node: unknown): unknown };
    editor: { edit(node: unknown): void };
    view: { createNode(type: string, x: number, y: number): { node: { id: string } } };
  };
}

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')('the test button in the editor', () => {
  let editor: Editor;
  let engine: FakeFlowEngine;
  let browser: Browser;
  let page: Page;
  const pageErrors: string[] = [];

  beforeAll(async () => {
    engine = new FakeFlowEngine();
    editor = await startEditor({ engine, flows });
    browser = await openBrowser({ width: 1400, height: 1250 });
    page = await browser.context.newPage();
    page.on('pageerror', (error) => pageErrors.push(error.message));
    await page.goto(editor.url);
    await editorAtRest(page, 'relay');
    if (shots) mkdirSync(shots, { recursive: true });
  });

  afterAll(async () => {
    await browser?.close();
    await editor?.stop();
  });

  afterEach(async () => {
    engine.testOutcome = { ok: true, detail: 'as expected', tookMs: 12 };
    engine.problem = null;
    engine.failures.clear();
    engine.gates.clear();
    engine.calls.length = 0;
    if (await page.isVisible('#node-dialog-cancel')) await endDialog(page, '#node-dialog-cancel');
  });

  async function open(id: string): Promise<void> {
    await page.evaluate((id) => {
      const { RED } = globalThis as unknown as EditorPage;
      RED.editor.edit(RED.nodes.node(id));
    }, id);
    await page.waitForSelector('.alarmflow-test-button');
    await dialogAtRest(page);
  }

  const result = () => page.locator('.alarmflow-test-result');
  const shoot = async (name: string): Promise<void> => {
    if (!shots) return;
    for (const dark of [false, true]) {
      await page.evaluate((dark) => document.documentElement.classList.toggle('nr-theme-dark', dark), dark);
      await page.locator('.alarmflow-test-button').scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(shots, `${name}-${dark ? 'dark' : 'light'}.png`) });
    }
    await page.evaluate(() => document.documentElement.classList.remove('nr-theme-dark'));
  };

  it('tells by keyboard alone that it runs and what came of it, and keeps the place', async () => {
    let go: () => void = () => undefined;
    engine.gates.set('testOutput', new Promise((done) => (go = done)));
    engine.testOutcome = { ok: true, detail: 'Output 3 of "Hall camera" confirmed on', tookMs: 3_240 };
    await open('relay');
    await page.locator('.alarmflow-test-button').focus();
    await page.keyboard.press('Enter');
    await result().getByText('testing …').waitFor();
    expect(await page.locator('.alarmflow-test-button').getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('Enter');
    go();
    await result().getByText('It worked · 3.2 s').waitFor();
    expect(await result().innerText()).toContain('confirmed on');
    expect(await result().getAttribute('aria-live')).toBe('polite');
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('alarmflow-test-button');
    expect(engine.callsOf('testOutput')).toHaveLength(1);
    await shoot('relay-out-worked');
  });

  it('tries what the form holds now, and takes nothing over that was not confirmed', async () => {
    await open('mail');
    await page.fill('#node-input-to', 'other@example.org');
    await page.check('#node-input-dryRun');
    await page.click('.alarmflow-test-button');
    await result().getByText('It worked').waitFor();
    expect(engine.callsOf('testAction')[0]![0]).toMatchObject({
      nodeId: 'mail',
      kind: 'email',
      dryRun: true,
      params: { serverId: 'post' },
    });
    expect(JSON.stringify(engine.callsOf('testAction'))).toContain('other@example.org');
    const kept = await page.evaluate(() => (globalThis as unknown as EditorPage).RED.nodes.node('mail').to);
    expect(kept).toBe('guard@example.org');
  });

  it('says what failed, line by line, as text', async () => {
    engine.testOutcome = { ok: false, detail: 'The server does not answer\n<b>Is it on?</b>', tookMs: 30_000 };
    await open('mail');
    await page.click('.alarmflow-test-button');
    await result().getByText('It failed · 30 s').waitFor();
    expect((await result().innerText()).split('\n').slice(-2)).toEqual([
      'The server does not answer',
      '<b>Is it on?</b>',
    ]);
    await shoot('email-failed');
  });

  it('says that nothing was tried where an alarm holds the output', async () => {
    engine.testOutcome = { ok: false, tried: false, detail: 'Output 3 is on already, for 1 alarm', tookMs: 1 };
    await open('relay');
    await page.click('.alarmflow-test-button');
    await result().getByText('Not tested').waitFor();
    expect(await result().innerText()).not.toContain('failed');
    expect(await result().innerText()).not.toContain(' ms');
    await shoot('relay-out-untried');
  });

  it('says why the form cannot be tried', async () => {
    await open('mail');
    await page.fill('#node-input-to', '');
    await page.click('.alarmflow-test-button');
    await result().getByText('It failed').waitFor();
    expect(await result().innerText()).toMatch(/field "(Receivers|To)"/);
  });

  it('says that a device has changes which are not deployed', async () => {
    await page.evaluate(() => {
      (globalThis as unknown as EditorPage).RED.nodes.node('hall').changed = true;
    });
    await open('relay');
    await page.click('.alarmflow-test-button');
    await result().getByText('“Hall camera” has changes that are not deployed').waitFor();
    await page.evaluate(() => {
      (globalThis as unknown as EditorPage).RED.nodes.node('hall').changed = false;
    });
  });

  it('warns below the device of what it cannot do, and takes the warning back', async () => {
    engine.problem = '"Hall camera" (DS-2TD) has no alarm output 3: it has 1, 2. Choose one of these';
    await open('relay');
    const warning = page.locator('.alarmflow-capability');
    await warning.getByText('has no alarm output 3').waitFor();
    await shoot('relay-out-warned');
    engine.problem = null;
    await page.fill('#node-input-output', '2');
    await page.locator('#node-input-output').dispatchEvent('change');
    await warning.waitFor({ state: 'hidden' });
  });

  it.each(actionTypes)(
    'is in the dialog of %s, which can be tested as it opens or says what it lacks',
    async (type) => {
      await page.evaluate((type) => {
        const { RED } = globalThis as unknown as EditorPage;
        const { node } = RED.view.createNode(type, 300, 300);
        RED.editor.edit(RED.nodes.add(node) ?? node);
      }, type);
      await page.waitForSelector('.alarmflow-test-button');
      await dialogAtRest(page);
      await page.click('.alarmflow-test-button');
      await result()
        .getByText(/It (worked|failed)/)
        .waitFor();
      const label = await page.locator('label[for="node-input-dryRun"]').first().innerText();
      expect(label.trim()).toBe('Dry run');
      await shoot(type);
      expect(pageErrors).toEqual([]);
    },
  );
});
