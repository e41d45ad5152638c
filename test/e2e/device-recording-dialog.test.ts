/** The recording part of a device's dialog in the browser: which fields there are, what they refuse, what is saved. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { dialogAtRest, editorAtRest, endDialog } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';

const missing = chromiumMissing();
if (missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')
  console.warn(`recording in the device dialog: skipped, ${missing}`);

/** Set to keep pictures. */
const shots = process.env.ALARMFLOW_SHOTS;

const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  // Deployed before there was a choice of transport.
  { id: 'hall', type: 'alarmflow-device', name: 'Hall', host: '192.0.2.10', port: 80, record: true, version: 2 },
  { id: 'alarm', type: 'alarmflow-alarm-input', z: 'tab', device: 'hall', x: 200, y: 100, version: 1, wires: [[]] },
];

interface EditorPage {
  RED: { nodes: { node(id: string): Record<string, unknown> }; editor: { editConfig(...given: unknown[]): void } };
}

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')('recording in the device dialog', () => {
  let editor: Editor;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const engine = new FakeFlowEngine();
    engine.drivers = engine.drivers.map((driver) => ({ ...driver, dialog: { ...driver.dialog, live: true } }));
    editor = await startEditor({ engine, flows });
    browser = await openBrowser({ width: 1400, height: 1700 });
    page = await browser.context.newPage();
    await page.goto(editor.url);
    await editorAtRest(page, 'hall');
    if (shots) mkdirSync(shots, { recursive: true });
  });

  afterAll(async () => {
    await browser?.close();
    await editor?.stop();
  });

  const open = async (): Promise<void> => {
    await page.evaluate(() => {
      (globalThis as unknown as EditorPage).RED.editor.editConfig('', 'alarmflow-device', 'hall');
    });
    await page.waitForSelector('#node-config-dialog-ok');
    await dialogAtRest(page);
  };
  const field = (name: string) => page.locator(`#node-config-input-${name}`);
  const saved = () =>
    page.evaluate(() => {
      const { recordTransport, recordSound, recordFingerprint, recordSelfSigned, validationErrors } = (
        globalThis as unknown as EditorPage
      ).RED.nodes.node('hall');
      return { recordTransport, recordSound, recordFingerprint, recordSelfSigned, validationErrors };
    });

  it('asks for TCP and no sound of a device that knew neither, and shows no certificates', async () => {
    await open();
    expect(await field('recordTransport').inputValue()).toBe('tcp');
    expect(await field('recordSound').isChecked()).toBe(false);
    expect(await field('recordFingerprint').isVisible()).toBe(false);
    await endDialog(page, '#node-config-dialog-cancel');
  });

  it('shows over TLS how the camera proves itself, and refuses what is no fingerprint', async () => {
    await open();
    await field('recordTransport').selectOption('tls');
    expect(await field('recordFingerprint').isVisible()).toBe(true);
    expect(await field('recordAuthority').isVisible()).toBe(true);
    expect(await field('recordSelfSigned').isChecked()).toBe(false);
    await field('recordFingerprint').fill('12:34');
    await field('recordFingerprint').blur();
    await page.waitForSelector('#node-config-input-recordFingerprint.input-error');
    if (shots) await page.screenshot({ path: join(shots, 'device-recording.png') });
    await field('recordFingerprint').fill('ab'.repeat(32));
    await field('recordSound').check();
    await endDialog(page, '#node-config-dialog-ok');
    expect(await saved()).toMatchObject({
      recordTransport: 'tls',
      recordSound: true,
      recordFingerprint: 'ab'.repeat(32),
      recordSelfSigned: false,
    });
  });

  it('hides it all with recording', async () => {
    await open();
    await field('record').uncheck();
    expect(await field('recordFingerprint').isVisible()).toBe(false);
    expect(await field('recordTransport').isVisible()).toBe(false);
    await endDialog(page, '#node-config-dialog-cancel');
  });
});
