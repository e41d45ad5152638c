/** The dialogs of combinations and escalations in a browser: what is wired is listed, and wires move with their steps. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { dialogAtRest, editorAtRest, endDialog } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';

const missing = chromiumMissing();
if (missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1') console.warn(`logic dialogs: skipped, ${missing}`);

/** Set to keep pictures of the dialogs. */
const shots = process.env.ALARMFLOW_SHOTS;

const line = (number: number, wires: string[][], y: number) => ({
  id: `line-${number}`,
  type: 'alarmflow-line-crossing',
  z: 'tab',
  name: `Line ${number}`,
  x: 160,
  y,
  version: 1,
  wires,
});

const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'other', type: 'tab', label: 'Other' },
  line(1, [['double']], 80),
  line(2, [['passing']], 160),
  // Reaches the combination through an ordinary node and over a pair of links.
  { id: 'passing', type: 'link out', z: 'tab', name: '', links: ['coming'], x: 320, y: 160, wires: [] },
  { id: 'coming', type: 'link in', z: 'other', name: '', links: ['passing'], x: 320, y: 200, wires: [['joined']] },
  { id: 'joined', type: 'link out', z: 'other', name: '', links: ['back'], x: 420, y: 200, wires: [] },
  { id: 'back', type: 'link in', z: 'tab', name: '', links: ['joined'], x: 320, y: 220, wires: [['double']] },
  {
    id: 'double',
    type: 'alarmflow-combination',
    z: 'tab',
    name: 'Double line',
    mode: 'sequence',
    operands: [
      { kind: 'topic', id: 'gate/open' },
      { kind: 'trigger', id: 'removed' },
    ],
    within: 4,
    x: 480,
    y: 120,
    version: 1,
    wires: [['guard']],
  },
  {
    id: 'guard',
    type: 'alarmflow-escalation',
    z: 'tab',
    name: 'Night guard',
    steps: [{ delay: 0 }, { delay: 120 }, { delay: 300 }],
    outputs: 3,
    repeatMode: 'until',
    x: 700,
    y: 120,
    version: 1,
    wires: [['first'], ['second'], ['third']],
  },
  ...['first', 'second', 'third'].map((id, at) => ({
    id,
    type: 'alarmflow-log',
    z: 'tab',
    name: id,
    x: 900,
    y: 60 + 60 * at,
    version: 1,
    wires: [[]],
  })),
];

interface Link {
  source: { id: string };
  target: { id: string };
  sourcePort: number;
}

/** What the tests call in the page; the editor's own types are not for modules. */
interface EditorPage {
  RED: {
    nodes: {
      node(id: string): Record<string, unknown> & { valid: boolean };
      filterLinks(filter: { source: unknown }): Link[];
    };
    editor: { edit(node: unknown): void; validateNode(node: unknown): boolean };
  };
}

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')('the dialogs of logic nodes', () => {
  let editor: Editor;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    editor = await startEditor({ engine: new FakeFlowEngine(), flows });
    browser = await openBrowser({ width: 1400, height: 1100 });
    page = await browser.context.newPage();
    await page.goto(editor.url);
    await editorAtRest(page, 'guard');
    if (shots) mkdirSync(shots, { recursive: true });
  });

  afterAll(async () => {
    await browser?.close();
    await editor?.stop();
  });

  // A test that failed half way leaves its dialog open; the next must not suffer for it.
  afterEach(async () => {
    if (await page.isVisible('#node-dialog-cancel')) await close('cancel');
  });

  const shoot = async (name: string): Promise<void> => {
    if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
  };

  async function open(id: string): Promise<void> {
    await page.evaluate((id) => {
      const { RED } = globalThis as unknown as EditorPage;
      RED.editor.edit(RED.nodes.node(id));
    }, id);
    await page.waitForSelector('#node-dialog-ok');
    await dialogAtRest(page);
  }

  const close = (how: 'ok' | 'cancel'): Promise<void> => endDialog(page, `#node-dialog-${how}`);

  const fieldsOf = (id: string, ...fields: string[]): Promise<unknown[]> =>
    page.evaluate(
      ([id, fields]) => {
        const node = (globalThis as unknown as EditorPage).RED.nodes.node(id as string);
        return (fields as string[]).map((field) => JSON.parse(JSON.stringify(node[field] ?? null)));
      },
      [id, fields] as const,
    );

  const errorsOf = (id: string): Promise<unknown> =>
    page.evaluate((id) => {
      const { RED } = globalThis as unknown as EditorPage;
      const node = RED.nodes.node(id);
      RED.editor.validateNode(node);
      return node.validationErrors ?? [];
    }, id);

  const rows = () => page.locator('.alarmflow-row');

  it('lists the triggers that reach a combination, over links as well, and what is gone', async () => {
    expect(await errorsOf('double')).toEqual([expect.stringContaining('a trigger that is gone is listed: removed')]);
    await open('double');
    await shoot('combination');
    expect(await page.locator('.alarmflow-row-title').allInnerTexts()).toEqual(['gone: removed', 'Line 1', 'Line 2']);
    expect(await page.inputValue('.alarmflow-row-text')).toBe('gate/open');
    expect(await page.locator('#dialog-form').innerText()).not.toMatch(/\b(label|operands|mode|unit|gates)\.\w+/);
    await close('cancel');
    expect(await fieldsOf('double', 'operands')).toEqual([
      [
        { kind: 'topic', id: 'gate/open' },
        { kind: 'trigger', id: 'removed' },
      ],
    ]);
  });

  it('keeps the order, takes rows out and adds topics', async () => {
    await open('double');
    for (const row of [1, 0])
      await rows().nth(row).locator('xpath=..').locator('.red-ui-editableList-item-remove').click();
    await page.click('.red-ui-editableList-addButton');
    await page.fill('.alarmflow-row-text', ' door ');
    await close('ok');
    expect(await fieldsOf('double', 'operands', 'valid')).toEqual([
      [
        { kind: 'trigger', id: 'line-1' },
        { kind: 'trigger', id: 'line-2' },
        { kind: 'topic', id: 'door' },
      ],
      true,
    ]);
  });

  it('brings operands into their order by dragging', async () => {
    await open('double');
    const handles = page.locator('.red-ui-editableList-item-handle');
    await handles.nth(1).hover();
    await page.mouse.down();
    const first = await rows().nth(0).boundingBox();
    await page.mouse.move(first!.x + 20, first!.y + 12, { steps: 8 });
    await page.mouse.move(first!.x + 20, first!.y + 2, { steps: 4 });
    await page.mouse.up();
    await close('ok');
    const [operands] = (await fieldsOf('double', 'operands')) as { id: string }[][];
    expect(operands?.map(({ id }) => id)).toEqual(['line-2', 'line-1', 'door']);
  });

  it('shows only the times that a combination has', async () => {
    await open('double');
    const shown = async (mode: string): Promise<boolean[]> => {
      await page.selectOption('#node-input-mode', mode);
      return Promise.all(['within', 'starts'].map((field) => page.isVisible(`#node-input-${field}`)));
    };
    expect([await shown('any'), await shown('all'), await shown('sequence'), await shown('count')]).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, true],
    ]);
    await shoot('combination-count');
    await close('cancel');
  });

  it('shows the steps of an escalation with their outputs', async () => {
    await open('guard');
    await shoot('escalation');
    expect(await page.locator('.alarmflow-step-after').allInnerTexts()).toEqual([
      'after the alarm',
      'after step 1',
      'after step 2',
    ]);
    expect(await page.locator('.alarmflow-step-output').allInnerTexts()).toEqual([
      '→ output 1',
      '→ output 2',
      '→ output 3',
    ]);
    expect(await page.locator('#dialog-form').innerText()).not.toMatch(
      /\b(label|steps|stop|unit|heading|repeatMode)\.\w+/,
    );
    await close('cancel');
  });

  it('moves the wires with their steps when one is taken out and another added', async () => {
    await open('guard');
    await rows().nth(1).locator('xpath=..').locator('.red-ui-editableList-item-remove').click();
    await page.click('.red-ui-editableList-addButton');
    await page.locator('.alarmflow-row-number').nth(2).fill('45.5');
    await close('ok');
    expect(await fieldsOf('guard', 'steps', 'outputs', 'valid')).toEqual([
      [{ delay: 0 }, { delay: 300 }, { delay: 45.5 }],
      3,
      true,
    ]);
    const links = await page.evaluate(() => {
      const { RED } = globalThis as unknown as EditorPage;
      return RED.nodes
        .filterLinks({ source: RED.nodes.node('guard') })
        .map(({ sourcePort, target }) => `${sourcePort} ${target.id}`);
    });
    expect(links.sort()).toEqual(['0 first', '1 third']);
  });

  it('refuses a step without a delay', async () => {
    await open('guard');
    await page.locator('.alarmflow-row-number').nth(1).fill('');
    await close('ok');
    await expect.poll(() => errorsOf('guard')).toEqual(['Steps: step 2: a number from 0 to 86400']);
    expect(browser.complaints).toEqual([]);
  });
});
