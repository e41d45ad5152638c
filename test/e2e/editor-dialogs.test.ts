import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noOffers } from '../../engine/domain/devices';
import type { EventType } from '../../engine/domain/events';
import { driverChoices } from '../../engine/drivers';
import { type Browser, chromiumMissing, openBrowser } from '../support/browser';
import { type Editor, startEditor } from '../support/editor';
import { dialogAtRest, editorAtRest, endDialog } from '../support/editor-dialog';
import { FakeFlowEngine } from '../support/fake-flow-engine';

const missing = chromiumMissing();
if (missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1') console.warn(`editor dialogs: skipped, ${missing}`);

/** Set to keep a picture of every dialog. */
const shots = process.env.ALARMFLOW_SHOTS;

const nodeTypes = [
  'thermal-alarm',
  'temperature-rule',
  'perimeter',
  'line-crossing',
  'video-detection',
  'audio-detection',
  'alarm-input',
  'exception',
  'device-event',
  'snmp-received',
  'push-received',
  'linkage',
  'combination',
  'escalation',
  'arm',
  'relay-out',
  'audible-alarm',
  'light',
  'ptz',
  'ptz-preset',
  'record',
  'snapshot',
  'email',
  'upload',
  'notify',
  'snmp-trap',
  'mqtt-out',
  'modbus-write',
  'device-trigger',
  'show-message',
  'web-push',
  'log',
];

const flows = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'hall', type: 'alarmflow-device', name: 'Hall camera', host: '192.0.2.10', port: 80, version: 1 },
  { id: 'gate', type: 'alarmflow-device', name: 'Gate camera', host: '192.0.2.11', port: 80, version: 1 },
  {
    id: 'nights',
    type: 'alarmflow-schedule',
    name: 'Nights',
    timeZone: 'Europe/Berlin',
    week: { monday: [{ from: 1320, to: 360 }], saturday: [{ from: 0, to: 1440 }] },
    version: 1,
  },
  {
    id: 'lobby',
    type: 'alarmflow-area',
    name: 'Lobby',
    exitDelay: 30,
    inputs: [{ deviceId: 'gate', input: '2', contact: 'closed', meaning: 'pulse-toggles' }],
    version: 1,
  },
  {
    id: 'post',
    type: 'alarmflow-mail-server',
    name: 'Office',
    host: 'mail.example.org',
    port: 587,
    from: 'alarm@example.org',
    version: 1,
  },
  { id: 'archive', type: 'alarmflow-file-server', name: 'Archive', host: 'nas.example.org', port: 22, version: 1 },
  { id: 'noc', type: 'alarmflow-snmp-receiver', name: 'Control room', host: '192.0.2.30', port: 162, version: 1 },
  {
    id: 'thermal',
    type: 'alarmflow-thermal-alarm',
    z: 'tab',
    name: 'Boiler room',
    devices: ['hall', 'gate'],
    schedule: 'nights',
    x: 200,
    y: 100,
    version: 1,
    wires: [['relay']],
  },
  { id: 'relay', type: 'alarmflow-relay-out', z: 'tab', device: 'gate', x: 480, y: 100, version: 1, wires: [[]] },
];

/** Of configurations that have changed since they were first made. */
const versions: Record<string, number> = { email: 2, snapshot: 2, upload: 2, 'snmp-received': 2 };

/** What a new node lacks until somebody has chosen it; everything else has a sensible default. */
const stillToChoose: Record<string, string[]> = {
  'relay-out': ['Device: property value missing'],
  light: ['Lights: add at least one'],
  ptz: ['Cameras: add at least one'],
  notify: ['Alarm centre: property value missing'],
  'modbus-write': ['Device: property value missing'],
  'device-trigger': ['Device: property value missing'],
  email: ['Mail server: property value missing', 'Receivers: must be filled in'],
  upload: ['File server: property value missing'],
  'snmp-trap': ['SNMP receiver: property value missing'],
  'device-event': ['Event types: fill it in, or check at least one device'],
  'snmp-received': ['Devices: at least one must be checked'],
  'push-received': ['Devices: at least one must be checked'],
  combination: ['Operands: wire triggers to this node, or add a topic'],
};

const noFacts = {
  model: '',
  serialNumber: '',
  firmware: '',
  deviceType: '',
  inputs: 0,
  outputs: 0,
  channels: 0,
  hasPtz: false,
  hasThermal: false,
};

/** What the tests call in the page; the editor's own types are not for modules. */
interface EditorPage {
  RED: {
    nodes: {
      node(id: string): Record<string, unknown> & { valid: boolean; users: { id: string }[] };
      add(node: unknown): unknown;
      remove(id: string): void;
      eachConfig(visit: (config: { id: string; host?: string }) => void): void;
    };
    editor: {
      edit(node: unknown): void;
      editConfig(name: string, type: string, id: string): void;
      validateNode(node: unknown): boolean;
    };
    view: { createNode(type: string, x: number, y: number): { node: { id: string } }; redraw(now: boolean): void };
    comms?: unknown;
  };
}

describe.skipIf(missing !== null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')('the dialogs in the editor', () => {
  let editor: Editor;
  let engine: FakeFlowEngine;
  let browser: Browser;
  let page: Page;
  const pageErrors: string[] = [];
  const made: string[] = [];

  beforeAll(async () => {
    engine = new FakeFlowEngine();
    editor = await startEditor({ engine, flows });
    browser = await openBrowser({ width: 1400, height: 1100 });
    page = await browser.context.newPage();
    page.on('pageerror', (error) => pageErrors.push(error.message));
    page.on('console', (message) => {
      const { url } = message.location();
      if (message.type() === 'error' && !isAnswered(url)) pageErrors.push(`${message.text()} ${url}`);
    });
    await page.goto(editor.url);
    await editorAtRest(page, 'thermal');
    if (shots) mkdirSync(shots, { recursive: true });
  });

  /** Refusals that dialogs show: the push URL of a device that is not deployed, and a test mail to nobody. */
  function isAnswered(url: string): boolean {
    const device = /\/alarmflow\/devices\/(\w+)\/ingest/.exec(url)?.[1];
    if (device !== undefined) return !flows.some(({ id }) => id === device);
    return url.includes('/mail-servers/test');
  }

  afterAll(async () => {
    await browser?.close();
    await editor?.stop();
  });

  // A test that failed half way leaves its dialog open; the next must not suffer for it.
  afterEach(async () => {
    for (const button of ['#node-config-dialog-cancel', '#node-dialog-cancel'])
      if (await page.isVisible(button)) await cancel(button);
    for (const id of made.splice(0)) await removeNode(id);
  });

  /** The dialog asks the runtime for some of its lists after it has opened. */
  async function shoot(name: string): Promise<void> {
    if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
  }

  /** Adds a node as the palette does, opens its dialog and returns its id. */
  async function openNew(type: string): Promise<string> {
    const id = await page.evaluate((type) => {
      const { RED } = globalThis as unknown as EditorPage;
      const { node } = RED.view.createNode(`alarmflow-${type}`, 300, 300);
      const added = (RED.nodes.add(node) ?? node) as { id: string };
      RED.view.redraw(true);
      RED.editor.edit(added);
      return added.id;
    }, type);
    made.push(id);
    await page.waitForSelector('#node-dialog-ok');
    await dialogAtRest(page);
    return id;
  }

  async function openConfig(type: string, id: string): Promise<void> {
    // The dialog of a device shows its fields once more when it has been told the drivers.
    const told = type === 'device' ? page.waitForResponse(/\/alarmflow\/devices\/drivers$/) : null;
    await page.evaluate(
      ([type, id]) => (globalThis as unknown as EditorPage).RED.editor.editConfig('', `alarmflow-${type}`, id!),
      [type, id],
    );
    await page.waitForSelector('#node-config-dialog-ok');
    await (await told)?.finished();
    await dialogAtRest(page);
  }

  const cancel = (button = '#node-dialog-cancel'): Promise<void> => endDialog(page, button);

  /** Takes a node that a test has made out of the flow. */
  const removeNode = (id: string) =>
    page.evaluate((id) => (globalThis as unknown as EditorPage).RED.nodes.remove(id), id);

  /** Texts of the dialog that are missing from the catalogues show as their keys. */
  const visibleText = (form: string) => page.locator(form).innerText();

  it('loads without a complaint of the page', () => {
    expect(pageErrors).toEqual([]);
  });

  it.each(nodeTypes)('opens a new %s with its defaults', async (type) => {
    const id = await openNew(type);
    const text = await visibleText('#dialog-form');
    await shoot(type);
    expect(text).not.toMatch(/\b(label|gates|phases|devices|palette|types)\.\w+/);
    const unlabelled = await page
      .locator('#dialog-form .form-row:visible > label > span, #dialog-form option')
      .evaluateAll((elements) => elements.filter((element) => element.textContent?.trim() === '').length);
    expect(unlabelled).toBe(0);
    await cancel();
    const { version, validationErrors } = await page.evaluate((id) => {
      const { RED } = globalThis as unknown as EditorPage;
      const node = RED.nodes.node(id);
      RED.editor.validateNode(node);
      return { version: node.version, validationErrors: node.validationErrors };
    }, id);
    expect(version).toBe(versions[type] ?? 1);
    expect(validationErrors ?? []).toEqual(stillToChoose[type] ?? []);
    expect(pageErrors).toEqual([]);
  });

  it.each([
    ['device', 'hall'],
    ['schedule', 'nights'],
    ['area', 'lobby'],
    ['area', '_ADD_'],
    ['mail-server', 'post'],
    ['file-server', 'archive'],
    ['snmp-receiver', 'noc'],
    ['device', '_ADD_'],
  ])('opens the dialog of the %s %s', async (type, id) => {
    await openConfig(type, id);
    const text = await visibleText('#node-config-dialog-edit-form');
    await shoot(id === '_ADD_' ? `${type}-new` : type);
    expect(text).not.toMatch(/\b(label|gates|devices|week|timeZone|input)\.\w+/);
    await cancel('#node-config-dialog-cancel');
    expect(pageErrors).toEqual([]);
  });

  /** The editor's dark scheme hangs on this class, whether a user or the system chose it. */
  const setDark = (dark: boolean) =>
    page.evaluate((dark) => document.documentElement.classList.toggle('nr-theme-dark', dark), dark);

  it('looks right in the dark theme', async () => {
    await setDark(true);
    await openNew('thermal-alarm');
    await shoot('dark-thermal-alarm');
    await cancel();
    await openConfig('schedule', 'nights');
    await shoot('dark-schedule');
    const [bar, track] = await page.evaluate(() =>
      ['.alarmflow-week-bar', '.alarmflow-week-track'].map(
        (selector) => getComputedStyle(document.querySelector(selector)!).backgroundColor,
      ),
    );
    expect(bar).not.toBe(track);
    await cancel('#node-config-dialog-cancel');
    await setDark(false);
  });

  it('shows the push URL, knows the usual ports and tests a device with what the dialog holds', async () => {
    await openConfig('device', 'hall');
    await expect.poll(() => page.inputValue('#alarmflow-ingest-url')).toBe(`${editor.url}ingest/token-of-hall`);
    expect(await page.locator('#node-config-input-driver option').allTextContents()).toEqual([
      'Hikvision / HIKMICRO (ISAPI)',
      'Simulated',
    ]);
    await page.check('#node-config-input-tls');
    expect(await page.inputValue('#node-config-input-port')).toBe('443');
    await page.uncheck('#node-config-input-tls');
    expect(await page.inputValue('#node-config-input-port')).toBe('80');
    await page.fill('#node-config-input-host', '192.0.2.99');
    await page.fill('#node-config-input-user', 'admin');
    await page.fill('#node-config-input-password', 'never shown');
    await page.click('#alarmflow-device-test');
    await page.waitForSelector('#alarmflow-device-result.alarmflow-ok');
    expect(engine.callsOf('testDevice').at(-1)?.[0]).toMatchObject({
      id: 'hall',
      host: '192.0.2.99',
      port: 80,
      credentials: { user: 'admin', password: 'never shown' },
    });
    await shoot('device-tested');
    await cancel('#node-config-dialog-cancel');
  });

  it('shows of a device what its driver needs, and its own settings', async () => {
    engine.drivers = driverChoices();
    await page.reload();
    await editorAtRest(page, 'thermal');
    await openConfig('device', 'hall');
    const driver = page.locator('#node-config-input-driver');
    await shoot('device-hikvision');
    await driver.selectOption('mqtt');
    expect(await page.inputValue('#node-config-input-port')).toBe('1883');
    await page.check('#node-config-input-tls');
    expect(await page.inputValue('#node-config-input-port')).toBe('8883');
    await page.uncheck('#node-config-input-tls');
    expect(await page.isVisible('#node-config-input-receive')).toBe(false);
    expect(await page.isVisible('#alarmflow-ingest-url')).toBe(false);
    await shoot('device-mqtt');
    await driver.selectOption('modbus');
    expect(await page.inputValue('#node-config-input-port')).toBe('502');
    expect(await page.isVisible('#node-config-input-user')).toBe(false);
    expect(await page.isVisible('#node-config-input-tls')).toBe(false);
    expect(await page.isVisible('#node-config-input-timeZone')).toBe(false);
    expect(await page.isVisible('#alarmflow-option-onValue')).toBe(false);
    await page.selectOption('#alarmflow-option-outputKind', 'register');
    expect(await page.isVisible('#alarmflow-option-onValue')).toBe(true);
    await shoot('device-modbus');
    await driver.selectOption('snmp-traps');
    expect(await page.isVisible('#alarmflow-ingest-url')).toBe(false);
    expect(await page.isVisible('#alarmflow-device-tell')).toBe(false);
    expect(await page.isVisible('#alarmflow-option-privacy')).toBe(false);
    await page.selectOption('#alarmflow-option-access', 'authPriv');
    expect(await page.isVisible('#alarmflow-option-privacy')).toBe(true);
    expect(await page.innerText('.alarmflow-login-hint')).toContain('community');
    expect(await page.innerText('#alarmflow-device-test')).toContain('Check settings');
    await shoot('device-snmp-traps');
    await driver.selectOption('http-push');
    expect(await page.isVisible('#node-config-input-host')).toBe(false);
    expect(await page.isVisible('#alarmflow-ingest-url')).toBe(true);
    expect(await page.inputValue('#alarmflow-option-quietSeconds')).toBe('10');
    await page.fill('#alarmflow-option-quietSeconds', '-1');
    expect(await page.locator('#alarmflow-option-quietSeconds').getAttribute('class')).toContain('input-error');
    await page.fill('#alarmflow-option-quietSeconds', '25');
    await driver.selectOption('hikvision');
    await driver.selectOption('http-push');
    expect(await page.inputValue('#alarmflow-option-quietSeconds')).toBe('25');
    await shoot('device-http-push');
    await endDialog(page, '#node-config-dialog-ok');
    const stored = await page.evaluate(() => {
      const { RED } = globalThis as unknown as EditorPage;
      const node = RED.nodes.node('hall');
      RED.editor.validateNode(node);
      const { driver, host, receive, options, validationErrors } = node;
      return { driver, host, receive, options, validationErrors };
    });
    expect(stored).toEqual({
      driver: 'http-push',
      host: '',
      receive: 'push',
      options: { quietSeconds: 25 },
      validationErrors: [],
    });
    expect(pageErrors).toEqual([]);
  });

  it('leaves a device that was made before there were settings as it is', async () => {
    await openConfig('device', 'gate');
    await endDialog(page, '#node-config-dialog-ok');
    const { options, host, port } = await page.evaluate(() =>
      (globalThis as unknown as EditorPage).RED.nodes.node('gate'),
    );
    expect({ options, host, port: Number(port) }).toEqual({ options: {}, host: '192.0.2.11', port: 80 });
  });

  it('finds devices on the network and takes one over', async () => {
    engine.discovery = {
      devices: [
        { driver: 'onvif', host: '192.0.2.70', port: 8080, title: 'Dome <b>4</b>', identity: 'uuid-4' },
        { driver: 'genicam', host: '192.0.2.71', port: 3956, title: 'Area scan', identity: 'S1' },
      ],
      problems: ['GenICam: arv-tool is not installed'],
    };
    await openConfig('device', '_ADD_');
    await page.click('#alarmflow-device-find');
    await page.locator('.alarmflow-found-device').first().waitFor();
    expect(await page.locator('.alarmflow-found-device b').allInnerTexts()).toEqual(['Dome <b>4</b>', 'Area scan']);
    expect(await page.innerText('.alarmflow-found')).toContain('arv-tool is not installed');
    await shoot('device-found');
    await page.locator('.alarmflow-found-device').first().click();
    expect(
      await Promise.all(
        ['driver', 'host', 'port', 'name'].map((field) => page.inputValue(`#node-config-input-${field}`)),
      ),
    ).toEqual(['onvif', '192.0.2.70', '8080', 'Dome <b>4</b>']);
    await cancel('#node-config-dialog-cancel');
  });

  it('says what kind of failure a test found, and what to mend on a device that answers', async () => {
    await openConfig('device', 'gate');
    engine.testAnswer = { ok: false, failure: 'Wrong user or password', detail: '"Gate" refuses the password' };
    await page.click('#alarmflow-device-test');
    await page.waitForSelector('#alarmflow-device-result.alarmflow-failed');
    expect(await page.innerText('#alarmflow-device-result')).toBe(
      'Wrong user or password\n"Gate" refuses the password',
    );
    await shoot('device-test-failed');
    const warnings = ['Event linkage lacks "Notify surveillance center"'];
    engine.testAnswer = { ok: true, detail: 'DS-2TD: 2 inputs', facts: { ...noFacts, warnings } };
    await page.click('#alarmflow-device-test');
    await page.waitForSelector('#alarmflow-device-result.alarmflow-ok');
    expect(await page.locator('#alarmflow-device-facts li').allInnerTexts()).toEqual([` ${warnings[0]}`]);
    await shoot('device-test-warnings');
    await cancel('#node-config-dialog-cancel');
  });

  it('checks a driver that has no host without what was typed for another', async () => {
    await openConfig('device', 'gate');
    await page.fill('#node-config-input-host', 'no host at all!');
    await page.selectOption('#node-config-input-driver', 'http-push');
    engine.testAnswer = { ok: true, detail: 'Ready to be pushed to', facts: { ...noFacts, warnings: [] } };
    await page.click('#alarmflow-device-test');
    await page.waitForSelector('#alarmflow-device-result.alarmflow-ok');
    expect(engine.callsOf('testDevice').at(-1)?.[0]).toMatchObject({ id: 'gate', host: '' });
    await page.selectOption('#node-config-input-driver', 'hikvision');
    expect(await page.inputValue('#node-config-input-host')).toBe('no host at all!');
    await cancel('#node-config-dialog-cancel');
  });

  it('has a device told where to push with what the dialog holds, where its driver can', async () => {
    await openConfig('device', 'gate');
    await page.selectOption('#node-config-input-receive', 'stream');
    expect(await page.isVisible('#alarmflow-device-tell')).toBe(false);
    await page.selectOption('#node-config-input-receive', 'both');
    await page.fill('#node-config-input-host', '192.0.2.98');
    engine.pushSetUpAnswer = {
      ok: true,
      detail: '"Gate" now pushes to http://192.0.2.1',
      warnings: ['Deploy the flow'],
    };
    await page.click('#alarmflow-device-tell');
    await page.waitForSelector('#alarmflow-device-told.alarmflow-ok');
    expect(engine.callsOf('setUpDevicePush').at(-1)?.[0]).toMatchObject({ id: 'gate', host: '192.0.2.98' });
    expect(await page.locator('#alarmflow-device-told-warnings li').allInnerTexts()).toEqual([' Deploy the flow']);
    await shoot('device-told');
    engine.pushSetUpAnswer = { ok: false, failure: 'No room', detail: 'All <b> are in use: delete one', warnings: [] };
    await page.click('#alarmflow-device-tell');
    await page.waitForSelector('#alarmflow-device-told.alarmflow-failed');
    expect(await page.innerText('#alarmflow-device-told')).toBe('No room\nAll <b> are in use: delete one');
    expect(await page.locator('#alarmflow-device-told-warnings li').count()).toBe(0);
    await page.selectOption('#node-config-input-driver', 'dahua');
    expect(await page.isVisible('#alarmflow-device-tell')).toBe(false);
    await cancel('#node-config-dialog-cancel');
  });

  it('offers the regions of the rules that a trigger can hear of, each once with its channels', async () => {
    const rule = (channel: number, type: EventType, name: string, more = {}) => ({
      channel,
      rule: name,
      name,
      type,
      ...more,
    });
    engine.offersAnswer = {
      offers: {
        ...noOffers,
        channels: [1, 2].map((channel) => ({ channel, name: `C${channel}` })),
        rules: [
          rule(1, 'line-crossing', 'Fence', { region: '1' }),
          rule(2, 'line-crossing', 'Fence', { region: '1' }),
          rule(2, 'intrusion', '4'),
          rule(1, 'temperature-alarm', 'Boiler'),
        ],
      },
      sent: [],
      problem: null,
    };
    await openNew('perimeter');
    await page.locator('.alarmflow-device-list input').first().check();
    const region = page.locator('.form-row', { has: page.locator('#node-input-region') });
    const items = region.locator('.alarmflow-pick');
    await region.locator('.alarmflow-pick-button').click();
    await items.first().waitFor();
    expect(await items.allInnerTexts()).toEqual([
      '1\nFence · line-crossing · channel 1, 2',
      '4\nintrusion · channel 2',
    ]);
    await shoot('perimeter-regions');
    await items.first().click();
    expect(await page.inputValue('#node-input-region')).toBe('1');
    await page.keyboard.press('Escape');
    expect(await items.count()).toBe(0);
    expect(await region.locator('.alarmflow-pick-button').getAttribute('aria-expanded')).toBe('false');
    await page.fill('#node-input-channel', '2');
    await region.locator('.alarmflow-pick-button').click();
    await items.first().waitFor();
    expect(await items.allInnerTexts()).toEqual(['1\nFence · line-crossing · channel 2', '4\nintrusion · channel 2']);
    await cancel();
  });

  it('asks for no event type once a device is checked', async () => {
    await openNew('device-event');
    const types = page.locator('#node-input-types');
    await expect.poll(() => types.getAttribute('class')).toContain('input-error');
    await page.locator('.alarmflow-device-list input').first().check();
    await expect.poll(() => types.getAttribute('class')).not.toContain('input-error');
    await page.locator('.alarmflow-device-list input').first().uncheck();
    await expect.poll(() => types.getAttribute('class')).toContain('input-error');
    await cancel();
  });

  it('fills channels, rules and presets from what the devices offer, and lets them be typed', async () => {
    engine.offersAnswer = {
      offers: {
        ...noOffers,
        channels: [
          { channel: 1, name: 'Gate' },
          { channel: 2, name: 'Yard <i>' },
        ],
        presets: [
          { channel: 1, preset: 5, name: 'Door' },
          { channel: 2, preset: 6, name: 'Roof' },
        ],
        eventTypes: ['motion'],
      },
      sent: ['vendor:Odd'],
      problem: null,
    };
    await openNew('perimeter');
    const channel = page.locator('.form-row', { has: page.locator('#node-input-channel') });
    await page.fill('#node-input-channel', '7');
    await page.locator('.alarmflow-device-list input').first().check();
    await channel.locator('.alarmflow-pick-button').click();
    await channel.locator('[data-value="2"]').click();
    expect(await page.inputValue('#node-input-channel')).toBe('7, 2');
    const edges = await page.evaluate(() =>
      ['.alarmflow-pick-panel', '.alarmflow-form'].map(
        (selector) => document.querySelector(selector)!.getBoundingClientRect().right,
      ),
    );
    expect(edges[0]).toBeLessThanOrEqual(edges[1]!);
    await shoot('perimeter-pick');
    await channel.locator('[data-value="2"]').click();
    expect(await page.inputValue('#node-input-channel')).toBe('7');
    await cancel();

    await openNew('ptz-preset');
    const preset = page.locator('.form-row', { has: page.locator('#node-input-preset') });
    await preset.locator('.alarmflow-pick-button').click();
    expect(await preset.locator('.alarmflow-pick-panel').innerText()).toContain('Choose a device first');
    await preset.locator('.alarmflow-pick-button').click();
    await page.selectOption('#node-input-device', 'gate');
    await page.fill('#node-input-channel', '2');
    await preset.locator('.alarmflow-pick-button').click();
    await expect.poll(() => preset.locator('.alarmflow-pick b').allInnerTexts()).toEqual(['6']);
    await preset.locator('.alarmflow-pick').click();
    expect(await page.inputValue('#node-input-preset')).toBe('6');
    await cancel();

    await openNew('device-event');
    const types = page.locator('.form-row', { has: page.locator('#node-input-types') });
    await types.locator('.alarmflow-pick-button').click();
    await types.locator('[data-value="vendor:Odd"]').first().click();
    expect(await page.inputValue('#node-input-types')).toBe('vendor:Odd');
    await shoot('device-event-pick');
    engine.offersAnswer = { offers: noOffers, sent: [], problem: '"Gate" is not connected' };
    const rule = page.locator('.form-row', { has: page.locator('#node-input-rule') });
    await rule.locator('.alarmflow-pick-button').click();
    await expect.poll(() => rule.locator('.alarmflow-pick-panel').innerText()).toContain('is not connected');
    await page.fill('#node-input-rule', 'typed');
    await shoot('device-event-offline');
    await cancel();
    expect(pageErrors).toEqual([]);
  });

  it('lists for a trigger of pushes the senders alone, and says that one is needed', async () => {
    await openNew('push-received');
    await expect.poll(() => page.locator('.alarmflow-device-list label').allInnerTexts()).toEqual(['Hall camera']);
    expect(await page.innerText('.alarmflow-device-any')).toBe('check at least one');
    await shoot('push-received');
    await cancel();
  });

  it('makes lines of the mapping of what was pushed', async () => {
    engine.recent = [
      {
        at: 1_700_000_000_000,
        contentType: 'message/http',
        text: 'POST /x?site=4 HTTP/1.1\r\nx-kind: cam\r\nContent-Length: 60\r\n\r\n{"alarm":{"kind":"motion","list":[{"cam no":3}]},"<i>":true}',
      },
    ];
    await openConfig('device', 'hall');
    await page.click('#alarmflow-device-recent');
    await page.locator('.alarmflow-recent td code').first().waitFor();
    expect(await page.locator('.alarmflow-recent td code').allInnerTexts()).toEqual([
      'query:site',
      '$.alarm.kind',
      "$.alarm.list[0]['cam no']",
      "$['<i>']",
      'header:x-kind',
      'header:content-length',
    ]);
    await page.locator('.alarmflow-recent tr', { hasText: '$.alarm.kind' }).locator('select').selectOption('type');
    expect((await page.inputValue('#alarmflow-option-mapping')).split('\n')[0]).toBe('type = $.alarm.kind');
    await page.locator('.alarmflow-recent').scrollIntoViewIfNeeded();
    await shoot('device-recent');
    await cancel('#node-config-dialog-cancel');
  });

  it('takes a device that is added from a trigger into its list', async () => {
    await openNew('alarm-input');
    await page.click('.alarmflow-device-foot button');
    await page.waitForSelector('#node-config-dialog-ok');
    await dialogAtRest(page);
    await page.fill('#node-config-input-host', '192.0.2.50');
    await endDialog(page, '#node-config-dialog-ok');
    const added = page.locator('.alarmflow-device-list label:has-text("192.0.2.50") input');
    await added.waitFor();
    await expect.poll(() => added.isChecked()).toBe(true);
    expect(await page.inputValue('#node-input-input')).toBe('');
    await shoot('alarm-input-device-added');
    await cancel();
    await removeNode(
      (await page.evaluate(() => {
        let id = '';
        (globalThis as unknown as EditorPage).RED.nodes.eachConfig((config) => {
          if (config.host === '192.0.2.50') id = config.id;
        });
        return id;
      })) ?? '',
    );
  });

  it('keeps the alarm inputs of an area, adds one and takes one away', async () => {
    await openConfig('area', 'lobby');
    const rows = page.locator('.alarmflow-arming-input');
    expect(await rows.count()).toBe(1);
    expect(await rows.nth(0).locator('.alarmflow-input-meaning').inputValue()).toBe('pulse-toggles');
    await page.click('#alarmflow-area-add');
    await rows.nth(1).locator('.alarmflow-input-device').selectOption('hall');
    engine.offersAnswer = {
      offers: { ...noOffers, inputs: [{ input: '7', name: 'Key <i>' }] },
      sent: [],
      problem: null,
    };
    await rows.nth(1).locator('.alarmflow-pick-button').click();
    await rows.nth(1).locator('[data-value="7"]').click();
    expect(await rows.nth(1).locator('.alarmflow-input-number').inputValue()).toBe('7');
    expect(engine.callsOf('deviceOffers').at(-1)).toEqual(['hall']);
    await rows.nth(1).locator('.alarmflow-input-number').fill(' 4 ');
    await rows.nth(1).locator('.alarmflow-input-meaning').selectOption('active-arms');
    await shoot('area-inputs');
    await rows.nth(0).locator('.alarmflow-remove-input').click();
    await endDialog(page, '#node-config-dialog-ok');
    const inputs = await page.evaluate(() => (globalThis as unknown as EditorPage).RED.nodes.node('lobby').inputs);
    expect(inputs).toEqual([{ deviceId: 'hall', input: '4', contact: 'open', meaning: 'active-arms' }]);
  });

  it('asks an arm node only for what its subject needs', async () => {
    await openNew('arm');
    const shown = () => page.locator('#dialog-form .form-row:visible > label > span').allInnerTexts();
    expect(await shown()).toEqual(['Name', 'Subject', 'Order', 'While open', 'For', 'Arming schedule']);
    await page.selectOption('#node-input-scope', 'channel');
    expect(await shown()).toEqual(expect.arrayContaining(['Device', 'Channel']));
    await page.selectOption('#node-input-scope', 'action');
    expect(await page.locator('#node-input-target option').allInnerTexts()).toEqual([
      'choose a node',
      'relay out (relay)',
    ]);
    await page.selectOption('#node-input-scope', 'trigger');
    expect(await page.locator('#node-input-target option').allInnerTexts()).toEqual([
      'choose a node',
      'Boiler room (therma)',
    ]);
    await shoot('arm-trigger');
    await cancel();
  });

  it('says why a test cannot be made', async () => {
    await openConfig('mail-server', 'post');
    await page.fill('#alarmflow-mail-to', 'nobody');
    await page.click('#alarmflow-mail-test');
    await page.waitForSelector('#alarmflow-mail-result.alarmflow-failed');
    expect(await page.innerText('#alarmflow-mail-result')).toContain('mail addresses');
    await shoot('mail-server-refused');
    await cancel('#node-config-dialog-cancel');
  });

  it('tests a file server with what the dialog holds', async () => {
    await openConfig('file-server', 'archive');
    await page.fill('#node-config-input-user', 'alarm');
    await page.fill('#node-config-input-privateKey', '-----BEGIN-----\nAAAA\n-----END-----');
    await page.click('#alarmflow-file-test');
    await page.waitForSelector('#alarmflow-file-result.alarmflow-ok');
    expect(engine.callsOf('testFileServer').at(-1)?.[0]).toMatchObject({
      id: 'archive',
      hostKey: '',
      credentials: { user: 'alarm', password: null, privateKey: '-----BEGIN-----\nAAAA\n-----END-----\n' },
    });
    await cancel('#node-config-dialog-cancel');
  });

  it('shows what belongs to the version of SNMP only', async () => {
    await openConfig('snmp-receiver', 'noc');
    expect(await page.isVisible('#node-config-input-community')).toBe(true);
    expect(await page.isVisible('#node-config-input-authKey')).toBe(false);
    await page.selectOption('#node-config-input-snmpVersion', '3');
    expect(await page.isVisible('#node-config-input-community')).toBe(false);
    expect(await page.isVisible('#node-config-input-privacyKey')).toBe(true);
    await shoot('snmp-receiver-v3');
    await page.selectOption('#node-config-input-level', 'authNoPriv');
    expect(await page.isVisible('#node-config-input-authKey')).toBe(true);
    expect(await page.isVisible('#node-config-input-privacyKey')).toBe(false);
    await page.selectOption('#node-config-input-snmpVersion', '1');
    expect(await page.isDisabled('#node-config-input-notification')).toBe(true);
    await cancel('#node-config-dialog-cancel');
  });

  it('marks a value out of range and accepts it within', async () => {
    await openNew('relay-out');
    await page.fill('#node-input-postAlarm', '90000');
    await page.press('#node-input-postAlarm', 'Tab');
    await page.waitForSelector('#node-input-postAlarm.input-error');
    await page.fill('#node-input-postAlarm', '300');
    await page.press('#node-input-postAlarm', 'Tab');
    await page.waitForSelector('#node-input-postAlarm:not(.input-error)');
    await cancel();
  });

  it('shows what belongs to the chosen gates only', async () => {
    await openNew('thermal-alarm');
    await page.selectOption('#node-input-raiseMode', 'repeat');
    expect(await page.isVisible('#node-input-repeatCount')).toBe(true);
    expect(await page.isVisible('#node-input-filteringTime')).toBe(false);
    expect(await page.isVisible('#node-input-armingMode')).toBe(false);
    await page.click('.alarmflow-more > summary');
    expect(await page.isVisible('#node-input-windowOpen')).toBe(false);
    await page.selectOption('#node-input-schedule', 'nights');
    expect(await page.isVisible('#node-input-windowOpen')).toBe(true);
    await page.selectOption('#node-input-quietMode', 'after');
    expect(await page.isVisible('#node-input-quietTime')).toBe(true);
    expect(await page.isVisible('#node-input-remindEvery')).toBe(false);
    await page.selectOption('#node-input-remindMode', 'acknowledged');
    expect(await page.isVisible('#node-input-remindEvery')).toBe(true);
    expect(await page.isVisible('#node-input-remindMost')).toBe(true);
    await page.locator('#node-input-armingMode').scrollIntoViewIfNeeded();
    await shoot('thermal-alarm-arming');
    await page.locator('#node-input-floodMode').scrollIntoViewIfNeeded();
    await shoot('thermal-alarm-gates');
    await cancel();
  });

  it('opens the rarely used gates of a node where one of them is set', async () => {
    const id = await openNew('alarm-input');
    expect(await page.getAttribute('.alarmflow-more', 'open')).toBe(null);
    await page.click('.alarmflow-more > summary');
    await page.selectOption('#node-input-entryRoute', 'starts');
    await endDialog(page, '#node-dialog-ok');
    await page.evaluate((id) => {
      const { RED } = globalThis as unknown as EditorPage;
      RED.editor.edit(RED.nodes.node(id));
    }, id);
    await page.waitForSelector('#node-dialog-ok');
    await dialogAtRest(page);
    expect(await page.isVisible('#node-input-entryRoute')).toBe(true);
    await cancel();
  });

  it('asks what becomes of held back mails only where an interval holds some back', async () => {
    await openNew('email');
    expect(await page.isVisible('#node-input-intervalTell')).toBe(false);
    await page.fill('#node-input-interval', '60');
    expect(await page.isVisible('#node-input-intervalTell')).toBe(true);
    await cancel();
  });

  it('cuts nothing off in a narrow window', async () => {
    const size = page.viewportSize()!;
    await page.setViewportSize({ width: 820, height: size.height });
    try {
      for (const type of ['temperature-rule', 'alarm-input', 'escalation', 'combination']) {
        await openNew(type);
        const over = await page.locator('#dialog-form').evaluate((form) => {
          const tray = form.closest('.red-ui-tray')!;
          return form.getBoundingClientRect().right - tray.getBoundingClientRect().right;
        });
        expect(over, type).toBeLessThanOrEqual(0);
        await cancel();
      }
    } finally {
      await page.setViewportSize(size);
    }
  });

  it('gives the rule tests room to be read', async () => {
    await openNew('rule-tests');
    await page.waitForSelector('#alarmflow-rule-tests-text .monaco-editor');
    await expect
      .poll(() => page.locator('#alarmflow-rule-tests-text .monaco-editor').evaluate((box) => box.clientWidth))
      .toBeGreaterThan(400);
    await cancel();
  });

  const weekIn = () =>
    page.evaluate(() =>
      Object.fromEntries(
        [...document.querySelectorAll('.alarmflow-week-track')].map((track) => [
          track.getAttribute('data-day'),
          [...track.querySelectorAll('.alarmflow-week-bar')].map((bar) => bar.getAttribute('title')),
        ]),
      ),
    );

  /** Drags on a day's bar between two hours. */
  async function drag(day: string, fromHour: number, toHour: number): Promise<void> {
    const box = (await page.locator(`.alarmflow-week-track[data-day=${day}]`).boundingBox())!;
    const x = (hour: number) => box.x + (box.width * hour) / 24;
    const y = box.y + box.height / 2;
    await page.mouse.move(x(fromHour), y);
    await page.mouse.down();
    await page.mouse.move(x((fromHour + toHour) / 2), y);
    await page.mouse.move(x(toHour), y);
    await page.mouse.up();
  }

  it('edits the week with the pointer, by typing and with the keyboard', async () => {
    await openConfig('schedule', 'nights');
    expect(await weekIn()).toMatchObject({
      monday: ['22:00–06:00'],
      tuesday: [],
      saturday: ['00:00–24:00'],
    });

    await drag('wednesday', 8, 12);
    expect((await weekIn()).wednesday).toEqual(['08:00–12:00']);
    await drag('wednesday', 11.95, 18);
    expect((await weekIn()).wednesday).toEqual(['08:00–18:00']);
    await drag('wednesday', 10, 13);
    expect((await weekIn()).wednesday).toEqual(['11:00–21:00']);

    await page.click('.alarmflow-week-track[data-day=wednesday] .alarmflow-week-bar');
    await page.fill('.alarmflow-week-panel input >> nth=0', '7:30');
    await page.fill('.alarmflow-week-panel input >> nth=1', '24:00');
    await shoot('schedule-exact');
    await page.keyboard.press('Enter');
    expect((await weekIn()).wednesday).toEqual(['07:30–24:00']);

    await page.focus('.alarmflow-week-track[data-day=wednesday] .alarmflow-week-bar');
    await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    expect((await weekIn()).wednesday).toEqual(['07:15–23:30']);

    await page.click('[title="Copy Wednesday to other days"]');
    await shoot('schedule-copy');
    for (const day of ['monday', 'tuesday', 'saturday', 'sunday'])
      await page.uncheck(`.alarmflow-week-panel input[value=${day}]`);
    await page.click('.alarmflow-week-panel button:has-text("Apply")');
    expect(await weekIn()).toMatchObject({ thursday: ['07:15–23:30'], friday: ['07:15–23:30'], sunday: [] });

    await page.focus('.alarmflow-week-track[data-day=saturday] .alarmflow-week-bar');
    await page.keyboard.press('Delete');
    expect((await weekIn()).saturday).toEqual([]);

    await page.click('[title="Add a period on Sunday"]');
    await page.fill('.alarmflow-week-panel input >> nth=0', '22');
    await page.fill('.alarmflow-week-panel input >> nth=1', '0500');
    await page.keyboard.press('Enter');
    expect(await weekIn()).toMatchObject({ sunday: ['22:00–05:00'], monday: ['22:00–06:00'] });

    await endDialog(page, '#node-config-dialog-ok');
  });

  it('counts the devices of a list as used', async () => {
    const users = await page.evaluate(() =>
      ['hall', 'gate'].map((id) =>
        (globalThis as unknown as EditorPage).RED.nodes.node(id).users.map((user) => user.id),
      ),
    );
    expect(users).toEqual([['thermal'], expect.arrayContaining(['thermal', 'relay'])]);
  });

  it('saves what the dialogs hold and deploys it to the engine', async () => {
    await page.evaluate(() => {
      const { RED } = globalThis as unknown as EditorPage;
      RED.editor.edit(RED.nodes.node('thermal'));
    });
    await page.waitForSelector('#node-dialog-ok');
    await dialogAtRest(page);
    await page.uncheck('.alarmflow-device-list input[value=gate]');
    await page.uncheck('#alarmflow-types-smoke');
    await page.fill('#node-input-antiDither', '30');
    await endDialog(page, '#node-dialog-ok');
    await page.click('#red-ui-header-button-deploy');
    await expect.poll(() => engine.triggers.get('thermal')?.policy.antiDitherMs).toBe(30_000);
    expect(engine.triggers.get('thermal')?.filter).toEqual({
      deviceIds: ['hall'],
      types: [
        'temperature-prealarm',
        'temperature-alarm',
        'temperature-difference-prealarm',
        'temperature-difference',
        'fire',
        'smoke-and-fire',
      ],
      minimumLevel: 'pre-alarm',
    });
    expect(engine.schedules.get('nights')?.week.friday).toEqual([{ from: 435, to: 1410 }]);
    expect(engine.schedules.get('nights')?.week.saturday).toEqual([]);
    expect(pageErrors).toEqual([]);
  });

  it('shows the help of each node', async () => {
    await page.evaluate(() => {
      const { RED } = globalThis as unknown as { RED: { sidebar: { help: { show(type: string): void } } } };
      RED.sidebar.help.show('alarmflow-thermal-alarm');
    });
    await expect.poll(() => page.locator('.red-ui-help:visible').last().innerText()).toContain('Raises an alarm');
    await shoot('help');
  });

  it('shows all nodes in the palette', async () => {
    for (const category of ['triggers', 'logic', 'actions'])
      await page.locator(`#red-ui-palette-container-alarmflow_${category}`).scrollIntoViewIfNeeded();
    await shoot('palette');
    for (const type of nodeTypes)
      expect(await page.locator(`[data-palette-type="alarmflow-${type}"]`).count(), type).toBe(1);
  });
});
