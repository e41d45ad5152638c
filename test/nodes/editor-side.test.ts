import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../nodes/shared/migrations';
import { currentVersion } from '../../nodes/shared/migrations';
import type { RawConfig } from '../../nodes/shared/runtime-api';
import { editorHtml, nodeFolders, openSandbox, root, textOf, translate } from './editor-sandbox';
import { nodeSets } from './flow-fixture';

const sandbox = openSandbox(['hall']);
const definitionOf = (type: string) => sandbox.definitions.get(type)!;
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const runtimeOf = (folder: string) =>
  import(join(folder, 'migrations.ts')) as Promise<{ defaults: RawConfig; migrations: Migration[] }>;

/** The template with the shared parts in their places, as the editor uses it. */
const templateOf = (html: string): string =>
  (/data-template-name="[^"]+">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '').replace(
    /<div data-alarmflow-part="([a-z-]+)"><\/div>/g,
    (_all, part: string) =>
      new RegExp(`data-alarmflow-part="${part}">([\\s\\S]*?)</script>`).exec(editorHtml)?.[1] ?? `no part ${part}`,
  );

describe('package.json', () => {
  it('gives Node-RED every node that there is', () => {
    expect(nodeFolders.map(({ type }) => type).sort()).toEqual(Object.keys(nodeSets).sort());
  });
});

describe.each(nodeFolders)('$type in the editor', ({ type, name, folder, html, catalogue }) => {
  const config = () => definitionOf(type).category === 'config';

  it('registers with template and help under its own type', () => {
    expect(sandbox.definitions.has(type)).toBe(true);
    expect(html).toContain(`data-template-name="${type}"`);
    expect(html).toContain(`data-help-name="${type}"`);
  });

  it('has the defaults of the runtime and a version', async () => {
    const { defaults, migrations } = await runtimeOf(folder);
    const values = Object.fromEntries(
      Object.entries(definitionOf(type).defaults).map(([field, { value }]) => [field, plain(value)]),
    );
    expect(values).toEqual({ ...(plain(defaults as object) as object), version: currentVersion(migrations) });
  });

  it('has a help of introduction, inputs, outputs, details and references', () => {
    const help = /data-help-name="[^"]+">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
    expect(help.trim()).toMatch(/^<p>[^<]{20,}/);
    const sections = [...help.matchAll(/<h3>([^<]+)<\/h3>/g)].map((match) => match[1]);
    expect(sections).toEqual(['Inputs', 'Outputs', 'Details', 'References']);
    for (const tag of ['p', 'ul', 'li', 'dl', 'dt', 'dd', 'b', 'i', 'code', 'span'])
      expect(help.split(`</${tag}>`).length, tag).toBe(help.split(new RegExp(`<${tag}[ >]`)).length);
  });

  it('says in its help what test and dry run do if it is an action, before its references', () => {
    const help = sandbox.helps.get(type)!.textContent;
    const shared = /<p><b>Test<\/b>[\s\S]+<p><b>Dry run<\/b>[\s\S]+<h3>References<\/h3>/;
    expect(shared.test(help)).toBe(definitionOf(type).category === 'alarmflow actions');
  });

  it('finds every text that its dialog names', () => {
    const keys = [...templateOf(html).matchAll(/data-i18n="([^"]+)"/g)]
      .flatMap((match) => match[1]!.split(';'))
      .map((key) => key.replace(/^\[[^\]]+\]/, ''))
      .map((key) => (key.includes(':') ? key : `alarmflow/${type}:${key}`));
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !translate(key))).toEqual([]);
  });

  it('finds every text that its script names', () => {
    const keys = [...html.matchAll(/this\._\('([^']+)'\)/g)].map((match) => match[1]!);
    expect(keys.filter((key) => !textOf(catalogue, key))).toEqual([]);
    const options = [...html.matchAll(/data-field="(\w+)" data-options="([^"]+)"/g)].flatMap(([, field, list]) =>
      list!.split(' ').map((option) => `${field}.${option}`),
    );
    expect(options.filter((key) => !textOf(catalogue, key))).toEqual([]);
  });

  it('names each field in errors as its dialog does', () => {
    const files = ['settings.ts', `${name}.ts`].map((file) => join(folder, file)).filter(existsSync);
    const used = [
      ...files
        .map((file) => readFileSync(file, 'utf8'))
        .join('\n')
        .matchAll(/fields\.\w+\(\s*'(\w+)',\s*'([^']+)'/g),
    ];
    for (const [, field, label] of used)
      expect(definitionOf(type).defaults[field!]?.label ?? textOf(catalogue, `label.${field}`), field).toBe(label);
  });

  it('has an input in its dialog for every field', () => {
    const template = templateOf(html);
    const prefix = config() ? 'node-config-input' : 'node-input';
    const custom: Record<string, string> = {
      holidays: 'alarmflow-holidays',
      exceptions: 'alarmflow-exceptions',
      devices: 'alarmflow-devices',
      week: 'alarmflow-week',
    };
    for (const field of [
      ...Object.keys(definitionOf(type).defaults),
      ...Object.keys(definitionOf(type).credentials ?? {}),
    ])
      if (field !== 'version')
        expect(
          template.includes(`id="${prefix}-${field}"`) ||
            template.includes(`data-field="${field}"`) ||
            template.includes(custom[field] ?? '\0'),
          field,
        ).toBe(true);
  });

  it('has colour, white icon and port labels where it is on the canvas', () => {
    const definition = definitionOf(type);
    if (config()) return;
    expect(definition.category).toMatch(/^alarmflow (triggers|logic|actions)$/);
    expect(definition.color).toMatch(/^#[0-9a-f]{6}$/);
    const icon = readFileSync(join(folder, 'icons', definition.icon!), 'utf8');
    expect(icon).toContain('width="40" height="60"');
    expect(
      [...icon.matchAll(/(?:stroke|fill)="([^"]+)"/g)].every(([, colour]) => ['#fff', 'none'].includes(colour!)),
    ).toBe(true);
    const say = { _: (key: string) => textOf(catalogue, key) };
    if (definition.outputs !== 0) expect(definition.outputLabels?.call(say)).toBeTruthy();
    if (definition.inputs) expect(definition.inputLabels?.call(say)).toBeTruthy();
    expect(definition.align).toBe(definition.category === 'alarmflow actions' ? 'right' : undefined);
  });

  it('accepts its own defaults, but for what somebody must choose', () => {
    const refused = Object.entries(definitionOf(type).defaults)
      .filter(([, { validate, value, label }]) => validate && validate.call({}, value, { label }) !== true)
      .map(([field]) => field);
    const toChoose: Record<string, string[]> = {
      'alarmflow-device': ['host'],
      'alarmflow-schedule': ['name'],
      'alarmflow-area': ['name'],
      'alarmflow-mail-server': ['host', 'from'],
      'alarmflow-email': ['to'],
      'alarmflow-file-server': ['host'],
      'alarmflow-snmp-receiver': ['host'],
      'alarmflow-alarm-centre': ['url'],
      'alarmflow-mqtt-broker': ['host'],
      'alarmflow-mqtt-out': ['broker'],
      'alarmflow-combination': ['operands'],
      'alarmflow-light': ['targets'],
      'alarmflow-ptz': ['targets'],
      'alarmflow-device-event': ['types'],
      'alarmflow-snmp-received': ['devices'],
      'alarmflow-push-received': ['devices'],
    };
    expect(refused).toEqual(toChoose[type] ?? []);
  });

  it('accepts what a flow file leaves out, as the runtime does', () => {
    for (const { validate, label } of Object.values(definitionOf(type).defaults))
      if (validate) expect(validate.call({}, undefined, { label })).toBe(true);
  });
});

describe('checks in the editor', () => {
  const check = (type: string, field: string, value: unknown): true | string => {
    const { validate, label } = definitionOf(`alarmflow-${type}`).defaults[field]!;
    return validate!.call({}, value, { label });
  };

  it.each([
    ['thermal-alarm', 'antiDither', 86_401],
    ['thermal-alarm', 'antiDither', ''],
    ['thermal-alarm', 'repeatCount', '2.5'],
    ['thermal-alarm', 'minimumCelsius', 'hot'],
    ['thermal-alarm', 'types', []],
    ['thermal-alarm', 'channel', '1, two'],
    ['thermal-alarm', 'devices', ['hall', 'gone']],
    ['thermal-alarm', 'quietMode', 'sometimes'],
    ['relay-out', 'output', ' '],
    ['relay-out', 'cap', 0],
    ['email', 'to', 'nobody'],
    ['email', 'to', 'Guard <guard@example.org>'],
    ['device', 'host', 'http://camera'],
    ['device', 'port', 0],
    ['device', 'pushFrom', 'camera.example'],
    ['mail-server', 'from', 'alarm'],
    ['file-server', 'hostKey', 'MD5:aa:bb'],
    ['file-server', 'hostKey', `SHA256:${'k'.repeat(42)}`],
    ['file-server', 'root', '/a/../b'],
    ['file-server', 'root', '..'],
    ['file-server', 'root', 'a\0b'],
    ['snmp-receiver', 'arc', '1.3.six'],
    ['snmp-receiver', 'engineId', '80007'],
    ['snmp-receiver', 'snmpVersion', '4'],
    ['schedule', 'week', { monday: [{ from: 0, to: 1441 }] }],
    ['schedule', 'week', { monday: [{ from: { sun: 'moonrise', offsetMinutes: 0 }, to: 600 }] }],
    ['schedule', 'latitude', '91'],
    ['schedule', 'longitude', 'east'],
    ['schedule', 'holidays', [{ name: 'Xmas', from: '12-32', periods: [] }]],
    ['schedule', 'exceptions', [{ name: 'Fair', from: '12-24', periods: [] }]],
  ])('refuse %s %s %j with a reason that begins with its label', (type, field, value) => {
    const { label } = definitionOf(`alarmflow-${type}`).defaults[field]!;
    expect(label).toBeTruthy();
    expect(check(type, field, value)).toMatch(new RegExp(`^${label!.replace(/\W/g, '\\$&')}: \\w`));
  });

  it.each([
    ['thermal-alarm', 'antiDither', '0.5'],
    ['thermal-alarm', 'minimumCelsius', '-40'],
    ['thermal-alarm', 'devices', ['hall']],
    ['relay-out', 'cap', ''],
    ['email', 'to', 'a@example.org, b@example.org\nc@mail'],
    ['device', 'host', '2001:db8::1'],
    ['device', 'host', 'camera-1.example'],
    ['device', 'pushFrom', '10.0.0.1;2001:db8::1'],
    ['mail-server', 'from', 'Alarm <alarm@example.org>'],
    ['file-server', 'hostKey', `256 SHA256:${'k'.repeat(43)} root@nas (ED25519)`],
    ['file-server', 'root', '/volume1/alarms..old'],
    ['snmp-receiver', 'arc', '.1.3.6.1.4.1.99999.7'],
    ['snmp-receiver', 'engineId', '0x80007ED90501'],
    ['schedule', 'week', { monday: [{ from: 1320, to: 360 }] }],
    ['schedule', 'latitude', '-33.87'],
    ['schedule', 'holidays', [{ name: 'Closed', enabled: false, from: '12-20', to: '01-06', periods: [] }]],
    ['schedule', 'exceptions', [{ name: 'Fair', from: '2026-12-24', periods: [{ from: 0, to: 1440 }] }]],
  ])('accept %s %s %j', (type, field, value) => {
    expect(check(type, field, value)).toBe(true);
  });
});

describe('the week of a schedule', () => {
  const { weekModel } = sandbox;
  const day = (week: unknown, name: string) => plain(weekModel.normal(week)[name]);

  it('joins periods that touch or overlap', () => {
    const monday = [
      { from: 600, to: 720 },
      { from: 60, to: 120 },
      { from: 120, to: 180 },
      { from: 660, to: 900 },
    ];
    expect(day({ monday }, 'monday')).toEqual([
      { from: 60, to: 180 },
      { from: 600, to: 900 },
    ]);
  });

  it('keeps a period that runs over midnight whole, on the day on which it begins', () => {
    const week = { sunday: [{ from: 1320, to: 360 }], monday: [{ from: 1300, to: 1340 }] };
    expect([day(week, 'sunday'), day(week, 'monday')]).toEqual([[{ from: 1320, to: 360 }], [{ from: 1300, to: 1340 }]]);
    expect(plain(weekModel.bar({ from: 1320, to: 360 }))).toEqual({ from: 1320, to: 1440, rest: 360 });
  });

  it('takes a period that ends at 0 as one to the end of its day', () => {
    const week = { friday: [{ from: 1200, to: 0 }] };
    expect([day(week, 'friday'), day(week, 'saturday')]).toEqual([[{ from: 1200, to: 1440 }], []]);
  });

  it('says of a period that follows the sun whether it ends on the next day', () => {
    const sunset = { sun: 'sunset', offsetMinutes: -15 };
    const monday = [
      { from: sunset, to: { sun: 'sunrise' } },
      { from: 300, to: { sun: 'sunrise', offsetMinutes: 0 } },
      { from: sunset, to: 1200, nextDay: true },
    ];
    expect(day({ monday }, 'monday')).toEqual([
      { from: 300, to: { sun: 'sunrise', offsetMinutes: 0 }, nextDay: false },
      { from: sunset, to: { sun: 'sunrise', offsetMinutes: 0 }, nextDay: true },
      { from: sunset, to: 1200, nextDay: true },
    ]);
  });

  it.each([
    [{ from: 480, to: 720 }, 15, { from: 495, to: 735 }],
    [{ from: 480, to: 1440 }, 15, null],
    [{ from: 0, to: 60 }, -15, null],
    [{ from: 1320, to: 360 }, 15, { from: 1335, to: 375 }],
    [{ from: 1425, to: 360 }, 15, null],
    [{ from: 1320, to: 10 }, -15, { from: 1305, to: 1435 }],
  ])('moves %j by %s minutes to %j', (period, minutes, expected) => {
    expect(plain(weekModel.moved(period, minutes))).toEqual(expected);
  });

  it.each([
    ['-15', -15],
    ['−15', -15],
    ['+30', 30],
    ['30', 30],
    ['', 0],
    ['720', 720],
    ['721', null],
    ['1.5', null],
    ['an hour', null],
  ])('reads the offset %j as %s minutes', (text, minutes) => {
    expect(weekModel.parseOffset(text)).toBe(minutes);
  });

  it('writes times of the sun with their offset', () => {
    const say = (event: string) => event.toUpperCase();
    expect(weekModel.span({ from: { sun: 'sunset', offsetMinutes: -15 }, to: 1440 }, say)).toBe('SUNSET −15 min–24:00');
    expect(weekModel.span({ from: 480, to: { sun: 'dusk', offsetMinutes: 0 } }, say)).toBe('08:00–DUSK');
  });

  it('has a place for more periods than any device', () => {
    const monday = Array.from({ length: 200 }, (_none, at) => ({ from: at * 7, to: at * 7 + 3 }));
    expect(day({ monday }, 'monday')).toHaveLength(200);
  });

  it.each([
    ['8', 480],
    ['08:30', 510],
    ['0830', 510],
    ['24:00', 1440],
    ['24', 1440],
    ['00:00', 0],
    ['24:01', null],
    ['8:60', null],
    ['noon', null],
    ['', null],
  ])('reads %j as %s minutes', (text, minutes) => {
    expect(weekModel.parse(text)).toBe(minutes);
  });

  it('writes the end of the day as 24:00', () => {
    expect([weekModel.format(0), weekModel.format(65), weekModel.format(1440)]).toEqual(['00:00', '01:05', '24:00']);
  });
});

describe('the days of holidays and exceptions', () => {
  const { weekDates } = sandbox;
  const entry = { name: 'Xmas', from: '12-24', to: '12-26', periods: [] };

  it.each<[object | null, boolean, string | null]>([
    [entry, true, null],
    [{ ...entry, to: '01-06' }, true, null],
    [{ ...entry, to: '' }, true, null],
    [{ ...entry, from: '02-29', to: undefined }, true, null],
    [{ ...entry, from: '2026-12-24', to: '2026-12-24' }, false, null],
    [{ ...entry, name: ' ' }, true, 'name'],
    [{ ...entry, from: '02-30' }, true, 'from'],
    [{ ...entry, from: '2026-02-29' }, true, 'from'],
    [entry, false, 'from'],
    [{ ...entry, to: '2026-12-26' }, true, 'to'],
    [{ ...entry, from: '2026-12-24', to: '2026-12-23' }, true, 'order'],
    [{ ...entry, periods: [{ from: 5, to: 5 }] }, true, 'periods'],
    [{ ...entry, periods: undefined }, true, 'periods'],
    [null, true, 'name'],
  ])('judges %j (of every year: %s): %s', (given, yearly, fault) => {
    expect(weekDates.fault(given, yearly)).toBe(fault);
  });

  it('change between once and every year without losing the day', () => {
    expect([weekDates.toYearly('2026-12-24'), weekDates.toYearly('12-24')]).toEqual(['12-24', '12-24']);
    expect([weekDates.toOnce('12-24', 2026), weekDates.toOnce('02-29', 2026), weekDates.toOnce('02-29', 2028)]).toEqual(
      ['2026-12-24', '2026-02-28', '2028-02-29'],
    );
  });

  it('need the place in the week and in holidays where a period follows the sun', () => {
    const { week, holidays } = definitionOf('alarmflow-schedule').defaults;
    const periods = [{ from: { sun: 'sunset', offsetMinutes: 0 }, to: 1440 }];
    for (const place of [{}, { latitude: '52', longitude: '' }]) {
      expect(week!.validate!.call(place, { monday: periods }, {})).toContain('latitude and longitude');
      expect(holidays!.validate!.call(place, [{ ...entry, periods }], {})).toContain('latitude and longitude');
    }
    const place = { latitude: '52', longitude: 0 };
    expect(week!.validate!.call(place, { monday: periods }, {})).toBe(true);
    expect(holidays!.validate!.call(place, [{ ...entry, periods }], {})).toBe(true);
  });
});

describe('resources', () => {
  it('are all there that the editor loads', () => {
    const files = [...editorHtml.matchAll(/src="resources\/alarmflow\/([^"]+)"/g)].map((match) => match[1]!);
    expect(files.filter((file) => !existsSync(join(root, 'resources', file)))).toEqual([]);
  });
});
