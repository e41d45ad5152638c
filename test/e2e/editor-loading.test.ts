/** The editor over a line on which what was asked for last comes first. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { editorAtRest } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { serverTest } from '../support/server-test';

describe('the editor', () => {
  let editor: Editor;
  let browser: Browser;

  beforeAll(async () => {
    if (chromiumMissing() !== null) return;
    const flows = [
      { id: 'tab', type: 'tab', label: 'Flow' },
      { id: 'hall', type: 'alarmflow-device', name: 'Hall', host: '192.0.2.10', port: 80, version: 1 },
    ];
    editor = await startEditor({ engine: new FakeFlowEngine(), flows });
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await editor?.stop();
  });

  serverTest('loads our scripts in their order, however late one of them comes', chromiumMissing, async () => {
    const page = await browser.context.newPage();
    let asked = 0;
    await page.route('**/resources/alarmflow/*.js*', async (route) => {
      // The first comes last.
      const ms = Math.max(0, 2_000 - 100 * asked++);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await route.continue();
    });
    await page.goto(editor.url);
    await editorAtRest(page, 'hall');
    expect(browser.complaints).toEqual([]);
    const types = await page.evaluate(() => {
      const { RED } = globalThis as unknown as {
        RED: { nodes: { getType(type: string): unknown }; plugins: { getPlugin(id: string): unknown } };
      };
      return [
        RED.nodes.getType('alarmflow-escalation'),
        RED.nodes.getType('alarmflow-device'),
        RED.plugins.getPlugin('alarmflow-editor'),
      ].map(Boolean);
    });
    expect(types).toEqual([true, true, true]);
  });
});
