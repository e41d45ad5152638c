/** `alarmflow simulate` and `alarmflow test` as a person runs them: the built command line, files, exit codes. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { cliMain, startAlarmflow } from '../support/alarmflow-process';
import { DEVICE_NODE, linkageFlow, thermalAlert, writeFlowFiles } from '../support/linkage-flow';
import { temporaryFolder } from '../support/temporary-folder';

// Each command starts a Node-RED of its own.
vi.setConfig({ testTimeout: 240_000 });

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

function alarmflow(args: string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cliMain, ...args], { env: { ...process.env, NODE_ENV: 'production' } });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdin.end(input);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const demo = 'flows/demo-site.json';
const START = '2026-11-23T17:05:00Z';
const crossings = (count: number, seconds: number): string =>
  Array.from({ length: count }, (_none, index) =>
    JSON.stringify({
      at: Date.parse(START) + index * seconds * 1_000,
      device: 'Yard camera',
      type: 'line-crossing',
      phase: 'pulse',
    }),
  ).join('\n');

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe('alarmflow simulate', () => {
  it('prints what would happen and a summary, the same twice', async () => {
    const events = await file('events.jsonl', crossings(3, 20));
    const first = await alarmflow(['simulate', demo, '--events', events]);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('2026-11-23T17:05:00.000Z  raise       Fence crossed [alarm 1]: Yard camera');
    expect(first.out).toContain('3 events and 0 orders');
    expect(first.out).toContain('Floodlight (Yard camera): on 30 s, 3 times');
    expect(await alarmflow(['simulate', demo, '--events', events])).toEqual(first);
  });

  it('prints one JSON object a line, and reads standard input', async () => {
    const { out, code } = await alarmflow(['simulate', demo, '--events', '-', '--json'], crossings(1, 1));
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    expect(new Set(lines.map(({ kind }) => kind))).toEqual(
      new Set(['decision', 'message', 'action', 'output', 'summary']),
    );
  });

  it('compares a changed flow with another', async () => {
    const flow = JSON.parse(await readFile(demo, 'utf8')) as Record<string, unknown>[];
    const changed = flow.map((node) => {
      if (node.id === 'demo-fence') return { ...node, targets: ['human'] };
      return node;
    });
    const { out } = await alarmflow([
      'simulate',
      await file('changed.json', JSON.stringify(changed)),
      '--events',
      await file('six.jsonl', crossings(6, 60)),
      '--compare',
      demo,
      '--summary',
    ]);
    expect(out).toContain(
      'Against the other flow: 6 alarms less, Floodlight (Yard camera) on 1 min less, 6 ptz-preset by "Look at the fence" less',
    );
    expect(out.match(/^ {2}- raised /gm)).toHaveLength(6);
  });

  it.each([
    [['simulate', demo], /Say where the events come from/],
    [['simulate', demo, '--events', '/nowhere'], /Event file "\/nowhere" cannot be read/],
    [['simulate', demo, '--from', 'yesterday', '--to', START, '--data', '/nowhere'], /--from: "yesterday" is no time/],
    [['simulate', demo, '--from', START, '--to', START, '--data', '/nowhere'], /--to must be later than --from/],
    [['simulate', demo, '--from', START, '--data', '/nowhere'], /needs both --from and --to/],
    [['simulate', 'deployed', '--events', demo, '--data', '/nowhere'], /There is no data folder \/nowhere/],
    [['simulate', demo, '--events', '-', '--run-on', 'long'], /--run-on: "long" is no span of time/],
  ])('says what is wrong with its words: %j', async (args, message) => {
    const { code, err } = await alarmflow(args);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/ at .*\.js:/);
  });

  it('takes what a running site has recorded, and compares with what it has deployed', async () => {
    const dataDir = await temporaryFolder();
    // The alarms last so long that they are at once also where the second one is late.
    const files = await writeFlowFiles(linkageFlow({ devicePort: 9, receive: 'push', quietSeconds: 20 }));
    const site = await startAlarmflow({
      args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
      dataDir,
    });
    const from = new Date(Date.now() - 60_000).toISOString();
    try {
      const url = await site.ingestUrl(DEVICE_NODE);
      for (const armed of [false, true]) await site.api('/api/v1/site', { method: 'POST', body: { armed } });
      for (const rule of [1, 2])
        expect((await fetch(url, { method: 'POST', body: thermalAlert({ rule }) })).status).toBe(200);
      const to = new Date(Date.now() + 60_000).toISOString();
      const changed = await file(
        'tolerant.json',
        JSON.stringify(linkageFlow({ devicePort: 9, quietSeconds: 20, postAlarmSeconds: 61 })),
      );
      const period = ['--from', from, '--to', to, '--data', dataDir];
      const { out, err, code } = await alarmflow(['simulate', changed, ...period, '--compare', '--summary']);
      expect({ err, code }).toEqual({ err: '', code: 0 });
      expect(out).toMatch(/ events and 2 orders/);
      expect(out).toContain('  beginning   nothing on record says what was armed: all is taken as armed');
      expect(out).toContain('raised 2,');
      expect(out).toMatch(/Against the other flow: 2 at other times, Siren \(Hall camera\) on 1 min more/);
      // The same from the folder, when the site has stopped.
      await site.kill('SIGTERM');
      const stopped = await alarmflow(['simulate', changed, ...period, '--summary']);
      expect(stopped).toMatchObject({ err: '', code: 0 });
      expect(stopped.out).toMatch(/ events and 2 orders/);
      expect(stopped.out).toContain('raised 2,');
    } finally {
      await site.kill();
    }
  });
});

describe('alarmflow test', () => {
  it('runs the tests beside a flow and ends with 0', async () => {
    const { code, out } = await alarmflow(['test', demo]);
    expect(out).toMatch(/✓ A hot hall sounds the siren/);
    expect(out).toMatch(/\n\d+ passed, 0 failed\n$/);
    expect(code).toBe(0);
  });

  it('ends with 1 when a test fails, and says what happened instead', async () => {
    const flow = (await readFile(demo, 'utf8')).replace('"postAlarm": 10', '"postAlarm": 3');
    const { code, out } = await alarmflow([
      'test',
      await file('short.json', flow),
      '--tests',
      'flows/demo-site.test.json',
      '--only',
      'A hot hall',
    ]);
    expect(code).toBe(1);
    expect(out).toMatch(
      /✗ A hot hall.*\n +line \d+: expected output "Siren" is on until 17.9 s; what happened instead:/,
    );
    expect(out).toContain('11 s: output off Siren');
    expect(out).toContain('0 passed, 1 failed');
  });

  it('runs the tests that a flow holds in itself, from standard input', async () => {
    const flow = JSON.parse(await readFile(demo, 'utf8')) as object[];
    const tests = await readFile('flows/demo-site.test.json', 'utf8');
    const node = { id: 'own', type: 'alarmflow-rule-tests', z: 'demo-tab', name: 'Own', tests, x: 1, y: 1, wires: [] };
    const { code, out } = await alarmflow(['test', '-', '--json'], JSON.stringify([...flow, node]));
    expect(JSON.parse(out)).toMatchObject({ failed: 0, suites: [{ source: 'Rule tests "Own"' }] });
    expect(code).toBe(0);
  });

  it('refuses a flow without tests, and tests that are none', async () => {
    const without = await alarmflow(['test', await file('without.json', await readFile(demo, 'utf8'))]);
    expect(without).toMatchObject({
      code: 1,
      err: expect.stringMatching(/The flow has no tests: write .*\[E_NO_TESTS\]/),
    });
    const broken = await file('broken.test.json', '{"tests":[{"name":"x"}]}');
    const refused = await alarmflow(['test', demo, '--tests', broken]);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/line 1: test 1 "x": then: .*\[E_RULE_TESTS\]/),
    });
  });
});
