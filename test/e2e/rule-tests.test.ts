// biome-ignore-all lint/suspicious/noThenProperty: given, when, then are the words of rule tests; nobody awaits one
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RuleTestReport } from '../../engine/index';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { dialogAtRest, editorAtRest, endDialog } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';

const missing = chromiumMissing();
if (missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')
  console.warn(`rule tests in the editor: skipped, ${missing}`);

const text = JSON.stringify({ tests: [{ name: 'Light at the fence', then: [{ raise: 'Fence' }] }] });
const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  {
    id: 'tests',
    type: 'alarmflow-rule-tests',
    z: 'tab',
    name: 'Fence',
    tests: text,
    atDeploy: 'offer',
    x: 200,
    y: 100,
    wires: [],
    version: 1,
  },
  { id: 'log', type: 'alarmflow-log', z: 'tab', name: 'Before', x: 200, y: 200, version: 1, wires: [[]] },
];

const passing: RuleTestReport = {
  kind: 'rule-tests',
  passed: 1,
  failed: 0,
  suites: [
    { source: 'Rule tests "Fence"', results: [{ name: 'Light at the fence', line: 1, ok: true, failures: [] }] },
  ],
  warnings: ['delay "Wait": it keeps time by the clock of the machine; it is left out, messages end there'],
};
const failing: RuleTestReport = {
  ...passing,
  passed: 0,
  failed: 1,
  suites: [
    {
      source: 'Rule tests "Fence"',
      results: [
        {
          name: 'Light at the <b>fence</b>',
          line: 1,
          ok: false,
          failures: [{ line: 4, expected: 'raise "Fence"', happened: ['nothing happened at all'] }],
        },
      ],
    },
  ],
};

interface EditorPage {
  RED: {
    nodes: { node(id: string): Record<string, unknown>; dirty(state: boolean): void };
    actions: { invoke(name: string): void };
    editor: { edit(node: unknown): void };
  };
}

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')('rule tests in the editor', () => {
  let editor: Editor;
  let engine: FakeFlowEngine;
  let browser: Browser;
  let page: Page;
  let turn = 0;

  beforeAll(async () => {
    engine = new FakeFlowEngine();
    editor = await startEditor({ engine, flows });
    browser = await openBrowser();
    page = await browser.context.newPage();
    await page.goto(editor.url);
    await editorAtRest(page, 'tests');
  });
  afterAll(async () => {
    await browser?.close();
    await editor?.stop();
  });
  beforeEach(() => {
    engine.calls.length = 0;
  });

  /** While a deploy is under way the editor takes no other. */
  const editorIdle = async (): Promise<void> => {
    await page.locator('.red-ui-deploy-button-spinner').waitFor({ state: 'hidden' });
    await page.locator('#red-ui-header-shade').waitFor({ state: 'hidden' });
  };
  /** Changes the flow, so that there is something to deploy. */
  const change = async (fields: Record<string, unknown> = {}): Promise<string> => {
    const name = `After ${++turn}`;
    await editorIdle();
    await page.evaluate(
      ([given, more]) => {
        const { RED } = globalThis as unknown as EditorPage;
        Object.assign(RED.nodes.node('log'), { name: given, changed: true });
        Object.assign(RED.nodes.node('tests'), more);
        RED.nodes.dirty(true);
      },
      [name, fields] as const,
    );
    return name;
  };
  const deployed = (name: string): boolean => JSON.stringify(editor.flows()).includes(`"${name}"`);
  const asked = (): number => engine.calls.filter(({ call }) => call === 'runRuleTests').length;
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const clickDeploy = () => page.locator('#red-ui-header-button-deploy').click();
  const gone = (name: string) => expect.poll(() => deployed(name));

  it('are offered before a deploy, and one that passes lets it through', async () => {
    engine.ruleTestReport = passing;
    const name = await change();
    await clickDeploy();
    await button('Run tests, then deploy').click();
    await gone(name).toBe(true);
    expect(asked()).toBe(1);
    // The flow as it is shown, not as it is deployed.
    const { args } = engine.calls.find(({ call }) => call === 'runRuleTests')!;
    expect(JSON.stringify(args)).toContain(name);
  });

  it('keep the deploy back when one fails, until somebody wants it anyway', async () => {
    engine.ruleTestReport = failing;
    const name = await change();
    await clickDeploy();
    await button('Run tests, then deploy').click();
    await page.getByText('✗ Light at the <b>fence</b>').waitFor();
    await page.getByText('nothing happened at all').waitFor();
    await button('Back to the flow').click();
    expect(deployed(name)).toBe(false);
    await clickDeploy();
    await button('Run tests, then deploy').click();
    await button('Deploy anyway').click();
    await gone(name).toBe(true);
  });

  it('can be passed over, and the deploy can be called off', async () => {
    const name = await change();
    await clickDeploy();
    await button('Cancel').click();
    expect(deployed(name)).toBe(false);
    await clickDeploy();
    await button('Deploy without tests').click();
    await gone(name).toBe(true);
    expect(asked()).toBe(0);
  });

  it('run by themselves where they are set to, also for a deploy by keyboard', async () => {
    engine.ruleTestReport = passing;
    const name = await change({ atDeploy: 'always' });
    await page.evaluate(() => (globalThis as unknown as EditorPage).RED.actions.invoke('core:deploy-flows'));
    await gone(name).toBe(true);
    expect(asked()).toBe(1);
  });

  it('are not asked for where they are set so', async () => {
    const name = await change({ atDeploy: 'never' });
    await clickDeploy();
    await gone(name).toBe(true);
    expect(asked()).toBe(0);
    const again = await change({ atDeploy: 'offer' });
    await clickDeploy();
    await button('Deploy without tests').click();
    await gone(again).toBe(true);
    await editorIdle();
  });

  it('run from their dialog with the text that is in it', async () => {
    engine.ruleTestReport = passing;
    await page.evaluate(() => {
      const { RED } = globalThis as unknown as EditorPage;
      RED.editor.edit(RED.nodes.node('tests'));
    });
    await page.waitForSelector('#alarmflow-rule-tests-run');
    await dialogAtRest(page);
    await page.locator('#alarmflow-rule-tests-run').click();
    await page.locator('.alarmflow-rule-tests').getByText('Rule tests passed: 1 of 1.').waitFor();
    await page.getByText(/delay "Wait": it keeps time/).waitFor();
    expect(JSON.stringify(engine.calls.find(({ call }) => call === 'runRuleTests')!.args)).toContain(
      'Light at the fence',
    );
    await button('Close').click();
    await endDialog(page, '#node-dialog-ok');
    const kept = await page.evaluate(() => (globalThis as unknown as EditorPage).RED.nodes.node('tests').tests);
    expect(JSON.parse(kept as string)).toEqual(JSON.parse(text));
  });

  it('say why they could not be run', async () => {
    engine.failures.set('runRuleTests', new Error('no room'));
    await page.evaluate(() => (globalThis as unknown as EditorPage).RED.actions.invoke('alarmflow:run-rule-tests'));
    await page.getByText(/The rule tests could not be run: .*no room/).waitFor();
    engine.failures.delete('runRuleTests');
    expect(browser.complaints.filter((line) => !/500 \(Internal Server Error\)/.test(line))).toEqual([]);
  });
});
