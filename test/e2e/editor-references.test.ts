/** What becomes of nodes whose device or schedule is deleted in the editor, and of numbers that are variables. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { dialogAtRest, editorAtRest, endDialog } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { serverTest } from '../support/server-test';

const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'hall', type: 'alarmflow-device', name: 'Hall', host: '192.0.2.10', port: 80, version: 1 },
  {
    id: 'gate',
    type: 'alarmflow-device',
    name: 'Gate',
    host: '192.0.2.11',
    port: '$' + '{ALARMFLOW_TEST_PORT}',
    version: 1,
  },
  { id: 'nights', type: 'alarmflow-schedule', name: 'Nights', timeZone: 'UTC', week: {}, version: 1 },
  {
    id: 'one',
    type: 'alarmflow-alarm-input',
    z: 'tab',
    name: 'One device',
    devices: ['hall'],
    schedule: 'nights',
    x: 200,
    y: 100,
    version: 1,
    wires: [[]],
  },
  {
    id: 'two',
    type: 'alarmflow-alarm-input',
    z: 'tab',
    name: 'Two devices',
    devices: ['hall', 'gate'],
    x: 200,
    y: 160,
    version: 1,
    wires: [[]],
  },
  {
    id: 'siren',
    type: 'alarmflow-audible-alarm',
    z: 'tab',
    name: 'Siren',
    targets: [{ device: 'hall', output: '1' }],
    devices: ['hall'],
    x: 480,
    y: 100,
    version: 1,
    wires: [[]],
  },
];

interface EditorPage {
  RED: {
    nodes: { node(id: string): Record<string, unknown> };
    editor: {
      edit(node: unknown): void;
      editConfig(name: string, type: string, id: string): void;
      validateNode(node: unknown): boolean;
    };
    history: { pop(): void };
  };
}

describe('a node in the editor whose device or schedule is deleted', () => {
  let editor: Editor;
  let engine: FakeFlowEngine;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    if (chromiumMissing() !== null) return;
    process.env.ALARMFLOW_TEST_PORT = '8123';
    engine = new FakeFlowEngine();
    editor = await startEditor({ engine, flows });
    browser = await openBrowser({ width: 1400, height: 1100 });
    page = await browser.context.newPage();
  });

  afterAll(async () => {
    delete process.env.ALARMFLOW_TEST_PORT;
    await browser?.close();
    await editor?.stop();
  });

  beforeEach(async () => {
    if (chromiumMissing() !== null) return;
    await page.goto(editor.url);
    await editorAtRest(page, 'one');
  });

  async function openConfig(type: string, id: string): Promise<void> {
    await page.evaluate(
      ([type, id]) => (globalThis as unknown as EditorPage).RED.editor.editConfig('', type!, id!),
      [type, id],
    );
    await page.waitForSelector('#node-config-dialog-ok');
    await dialogAtRest(page);
  }

  async function deleteConfig(type: string, id: string): Promise<void> {
    await openConfig(type, id);
    await page.locator('.red-ui-tray button', { hasText: 'Delete' }).last().click();
    await page.waitForSelector('#node-config-dialog-ok', { state: 'detached' });
  }

  const nodeOf = (id: string) =>
    page.evaluate((id) => {
      const { RED } = globalThis as unknown as EditorPage;
      const { devices, schedule, valid, validationErrors } = RED.nodes.node(id);
      return { devices, schedule, valid, errors: validationErrors as string[] };
    }, id);

  serverTest(
    'still names it, so that a trigger does not begin to hear all devices',
    chromiumMissing,
    async () => {
      await deleteConfig('alarmflow-device', 'hall');
      expect(await nodeOf('one')).toMatchObject({ devices: ['hall'], valid: false });
      expect((await nodeOf('one')).errors).toEqual(['Devices: points at a device that is gone (hall)']);
      expect(await nodeOf('two')).toMatchObject({ devices: ['hall', 'gate'], valid: false });
      expect((await nodeOf('siren')).errors).toContain('Sounds at: entry 1 points at a device that is gone');
      await page.evaluate(() => (globalThis as unknown as EditorPage).RED.history.pop());
      expect(await nodeOf('one')).toMatchObject({ devices: ['hall'], valid: true });
      expect(await nodeOf('siren')).toMatchObject({ devices: ['hall'], valid: true });
    },
    180_000,
  );

  serverTest(
    'still names it, so that a trigger is not armed around the clock, and its dialog asks for another',
    chromiumMissing,
    async () => {
      await deleteConfig('alarmflow-schedule', 'nights');
      expect(await nodeOf('one')).toMatchObject({ schedule: 'nights', valid: false });
      await page.evaluate(() => {
        const { RED } = globalThis as unknown as EditorPage;
        RED.editor.edit(RED.nodes.node('one'));
      });
      await page.waitForSelector('#node-dialog-ok');
      await dialogAtRest(page);
      expect(await page.locator('#node-input-schedule option:checked').textContent()).toBe('gone: nights');
      await endDialog(page, '#node-dialog-ok');
      expect((await nodeOf('one')).schedule).toBe('nights');
      await page.evaluate(() => (globalThis as unknown as EditorPage).RED.history.pop());
    },
    180_000,
  );

  serverTest(
    'shows a number that is a variable, tests with it and keeps it',
    chromiumMissing,
    async () => {
      await openConfig('alarmflow-device', 'gate');
      const variable = '$' + '{ALARMFLOW_TEST_PORT}';
      expect(await page.inputValue('#node-config-input-port')).toBe(variable);
      await page.click('#alarmflow-device-test');
      await page.waitForSelector('#alarmflow-device-result.alarmflow-ok');
      expect(engine.callsOf('testDevice').at(-1)?.[0]).toMatchObject({ id: 'gate', port: 8123 });
      await page.fill('#node-config-input-name', 'Gate 2');
      await endDialog(page, '#node-config-dialog-ok');
      const port = await page.evaluate(() => (globalThis as unknown as EditorPage).RED.nodes.node('gate').port);
      expect(port).toBe(variable);
    },
    180_000,
  );

  serverTest(
    'says beside a number what it may be',
    chromiumMissing,
    async () => {
      await page.evaluate(() => {
        const { RED } = globalThis as unknown as EditorPage;
        RED.editor.edit(RED.nodes.node('one'));
      });
      await page.waitForSelector('#node-dialog-ok');
      await dialogAtRest(page);
      for (const [field, words] of [
        ['filteringTime', 's (0: at once) · 0–86400'],
        ['antiDither', 's · 0–86400'],
      ]) {
        const unit = page.locator(`#node-input-${field} + .alarmflow-unit`);
        expect(`${await unit.textContent()}${await unit.getAttribute('data-range')}`).toBe(words);
        expect(await page.getAttribute(`#node-input-${field}`, 'title')).toBe('0–86400');
      }
    },
    180_000,
  );
});
