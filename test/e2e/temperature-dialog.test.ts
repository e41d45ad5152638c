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
  console.warn(`temperature rule dialog: skipped, ${missing}`);

/** Set to keep pictures. */
const shots = process.env.ALARMFLOW_SHOTS;

const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'cube', type: 'alarmflow-device', name: 'Cube camera', host: '192.0.2.10', port: 80, version: 1 },
  {
    id: 'rule',
    type: 'alarmflow-temperature-rule',
    z: 'tab',
    name: 'Boiler room',
    devices: ['cube'],
    sensors: [
      {
        id: '17',
        name: 'Freezer',
        rules: [{ kind: 'threshold', direction: 'above', preAlarm: -15, alarm: -10, tolerance: 1 }],
      },
      { id: '18', name: '', rules: [] },
    ],
    x: 200,
    y: 100,
    version: 1,
    wires: [[]],
  },
];

interface EditorPage {
  RED: {
    nodes: { node(id: string): Record<string, unknown> };
    editor: { edit(node: unknown): void; validateNode(node: unknown): boolean };
  };
}

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')(
  'the dialog of a temperature rule',
  () => {
    let editor: Editor;
    let browser: Browser;
    let page: Page;

    beforeAll(async () => {
      editor = await startEditor({ engine: new FakeFlowEngine(), flows });
      browser = await openBrowser({ width: 1400, height: 1700 });
      page = await browser.context.newPage();
      await page.goto(editor.url);
      await editorAtRest(page, 'rule');
      if (shots) mkdirSync(shots, { recursive: true });
    });

    afterAll(async () => {
      await browser?.close();
      await editor?.stop();
    });

    const open = async (): Promise<void> => {
      await page.evaluate(() => {
        const { RED } = globalThis as unknown as EditorPage;
        RED.editor.edit(RED.nodes.node('rule'));
      });
      await page.waitForSelector('#node-dialog-ok');
      await dialogAtRest(page);
    };
    const close = (button: '#node-dialog-ok' | '#node-dialog-cancel'): Promise<void> => endDialog(page, button);
    const saved = () =>
      page.evaluate(() => {
        const { rules, sensors, unit, validationErrors } = (globalThis as unknown as EditorPage).RED.nodes.node('rule');
        return { rules, sensors, unit, validationErrors } as {
          rules: Record<string, unknown>[];
          sensors: { id: string; name: string; rules: Record<string, unknown>[] }[];
          unit: string;
          validationErrors?: string[];
        };
      });
    const shoot = async (name: string): Promise<void> => {
      if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
    };
    const common = '.alarmflow-thermal-common .alarmflow-thermal-rule';

    it('shows the rule of the manual, and no text that is missing', async () => {
      await open();
      await shoot('temperature-rule');
      expect(await page.locator('#dialog-form').innerText()).not.toMatch(/\b(label|field|editor|kind|place)\.\w+/);
      const values = await page
        .locator(`${common} input[type=number]`)
        .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value));
      expect(values).toEqual(['50', '55', '3']);
      await close('#node-dialog-cancel');
    });

    it('shows for each kind its own fields alone', async () => {
      await open();
      const kind = page.locator(`${common} select[data-rule-field=kind]`).first();
      const fields: Record<string, string[]> = {};
      for (const option of ['threshold', 'sudden-change', 'rise', 'section', 'difference', 'group']) {
        await kind.selectOption(option);
        fields[option] = await page
          .locator(`${common} [data-rule-field]`)
          .evaluateAll((inputs) => inputs.map((input) => input.getAttribute('data-rule-field') ?? ''));
      }
      expect(fields).toEqual({
        threshold: ['kind', 'measure', 'place', 'names', 'direction', 'preAlarm', 'alarm', 'tolerance'],
        'sudden-change': ['kind', 'measure', 'place', 'names', 'change', 'seconds', 'preAlarm', 'alarm', 'tolerance'],
        rise: ['kind', 'measure', 'place', 'names', 'seconds', 'preAlarm', 'alarm', 'tolerance'],
        section: ['kind', 'measure', 'place', 'names', 'preAlarm', 'alarm', 'maximum', 'tolerance'],
        difference: ['kind', 'measure', 'first', 'second', 'comparison', 'direction', 'preAlarm', 'alarm', 'tolerance'],
        group: ['kind', 'measure', 'group', 'names', 'preAlarm', 'alarm', 'tolerance'],
      });
      await close('#node-dialog-cancel');
    });

    it('copies the rules of a sensor to others', async () => {
      await open();
      const sensors = page.locator('.alarmflow-thermal-sensor');
      await page.locator('.alarmflow-thermal-sensors > .alarmflow-thermal-add button').click();
      await sensors.nth(2).locator('[data-sensor-field=id]').fill('19');
      await sensors.nth(0).getByText('copy rule to').click();
      await shoot('temperature-rule-copy');
      const panel = sensors.nth(0).locator('.alarmflow-thermal-copy');
      expect(await panel.locator('label').allInnerTexts()).toEqual(['18', '19']);
      await panel.locator('input').nth(1).uncheck();
      await panel.locator('button').click();
      await close('#node-dialog-ok');
      const { sensors: kept, validationErrors } = await saved();
      expect(kept.map(({ id, rules }) => [id, rules.length])).toEqual([
        ['17', 1],
        ['18', 1],
        ['19', 0],
      ]);
      expect(kept[1]?.rules[0]).toEqual(kept[0]?.rules[0]);
      expect(kept[1]?.rules[0]).toMatchObject({ kind: 'threshold', direction: 'above', alarm: -10 });
      expect(validationErrors ?? []).not.toContainEqual(expect.stringContaining('Rules'));
    });

    it('converts limits as temperatures and tolerances as differences when the unit is changed', async () => {
      await open();
      await page.locator('#node-input-unit').selectOption('fahrenheit');
      await page.locator(`${common} + .alarmflow-thermal-add button`).last().click();
      await page.locator(`${common} select[data-rule-field=kind]`).last().selectOption('rise');
      await shoot('temperature-rule-fahrenheit');
      await close('#node-dialog-ok');
      const { rules, unit } = await saved();
      expect(unit).toBe('fahrenheit');
      expect(rules).toMatchObject([
        { preAlarm: 122, alarm: 131, tolerance: 5.4 },
        { kind: 'rise', preAlarm: '', alarm: 18, tolerance: 0, seconds: 5 },
      ]);
    });

    it('marks what is wrong, and says where', async () => {
      await open();
      await page.locator(`${common} [data-rule-field=alarm]`).first().fill('100');
      expect(await page.locator(`${common} .input-error`).getAttribute('data-rule-field')).toBe('preAlarm');
      await shoot('temperature-rule-wrong');
      await close('#node-dialog-ok');
      expect((await saved()).validationErrors).toEqual(['Rules: check Rule 1, Pre-alarm']);
      expect(browser.complaints).toEqual([]);
    });
  },
);
