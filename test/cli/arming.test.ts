import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addArmingCommands, minutesFrom } from '../../engine/cli/arming';
import type { ArmingRow } from '../../engine/host/console-api';

const open = { triggerId: 't1', triggerName: 'Door', key: 'k', deviceName: 'Gate camera', since: 0 };
const row = (fields: Partial<ArmingRow>): ArmingRow => ({
  subject: { scope: 'site', id: 'site' },
  name: 'Home',
  phase: 'armed',
  armed: true,
  detail: 'armed; nobody has ordered otherwise',
  order: null,
  delayUntil: null,
  back: null,
  open: [],
  bypassed: [],
  areaId: null,
  verdict: null,
  ...fields,
});
const hall = row({
  subject: { scope: 'area', id: 'a1' },
  name: 'Hall',
  detail: 'armed by anna, 1 bypassed',
  order: { armed: true, how: 'bypass', source: 'user', who: 'anna', at: 0 },
  open: [open],
  bypassed: [open],
});
const lamp = row({ subject: { scope: 'action', id: 'n1' }, name: 'Lamp' });

let folder: string;
let server: Server;
let asked: { method: string; url: string; body: unknown; token: string | undefined }[];
let answer: { status: number; body: unknown };

beforeEach(async () => {
  asked = [];
  answer = { status: 200, body: { arming: [row({}), hall, lamp] } };
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, body: text === '' ? null : JSON.parse(text), token: headers.authorization });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  folder = await mkdtemp(join(tmpdir(), 'alarmflow-arming-'));
  const { port } = server.address() as AddressInfo;
  await writeFile(join(folder, 'alarmflow.lock'), JSON.stringify({ url: `http://127.0.0.1:${port}` }));
  await writeFile(join(folder, 'cli-token'), 'secret');
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

async function alarmflow(...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addArmingCommands(program, (line) => lines.push(line));
  await program.parseAsync([...words, '--data', folder], { from: 'user' });
  return lines;
}

describe('alarmflow arm and disarm', () => {
  it.each<[string[], object]>([
    [['arm'], { subject: { scope: 'site', id: 'site' }, armed: true, how: 'normal' }],
    [['disarm'], { subject: { scope: 'site', id: 'site' }, armed: false }],
    [['arm', '--area', 'Hall', '--force'], { subject: { scope: 'area', id: 'Hall' }, armed: true, how: 'force' }],
    [['arm', '--device', 'd1', '--bypass'], { subject: { scope: 'device', id: 'd1' }, armed: true, how: 'bypass' }],
    [['disarm', '--channel', 'd1/3'], { subject: { scope: 'channel', id: 'd1/3' }, armed: false }],
    [
      ['disarm', '--trigger', 't1', '--for', '2h'],
      { subject: { scope: 'trigger', id: 't1' }, armed: false, forMinutes: 120 },
    ],
    [['disarm', '--action', 'Siren'], { subject: { scope: 'action', id: 'Siren' }, armed: false }],
  ])('%j sends %j', async (words, body) => {
    await alarmflow(...words);
    expect(asked).toEqual([{ method: 'POST', url: '/api/v1/arming', body, token: 'Bearer secret' }]);
  });

  it('prints what stands then, found by its name in any case of letters', async () => {
    const [first, second, ...more] = await alarmflow('arm', '--area', 'hall', '--bypass');
    expect(first).toMatch(/^area "Hall" \(a1\): armed by anna, 1 bypassed {2}since \d{4}-/);
    expect([second, ...more]).toEqual(['  bypassed: Door (Gate camera)']);
  });

  it("tells a refusal in the site's words", async () => {
    answer = { status: 409, body: { error: { code: 'E_AREA_OPEN', message: 'Area "Hall" cannot be armed: Door' } } };
    await expect(alarmflow('arm', '--area', 'Hall')).rejects.toMatchObject({
      code: 'E_AREA_OPEN',
      message: 'Area "Hall" cannot be armed: Door',
    });
  });

  it.each([[['arm', '--force', '--bypass']], [['arm', '--area', 'a', '--device', 'b']], [['disarm', '--for', 'soon']]])(
    '%j is refused before anything is sent',
    async (words) => {
      await expect(alarmflow(...words)).rejects.toMatchObject({ code: 'E_BAD_COMMAND', family: 'user' });
      expect(asked).toEqual([]);
    },
  );
});

describe('alarmflow arming', () => {
  it('shows site and areas with what is open and bypassed, and counts the rest', async () => {
    const lines = await alarmflow('arming');
    expect(lines[0]).toBe('site "Home": armed; nobody has ordered otherwise');
    expect(lines[2]).toMatch(/^ {2}open: Door \(Gate camera\) since /);
    expect(lines[3]).toBe('  bypassed: Door (Gate camera)');
    expect(lines.at(-1)).toBe('1 more devices, triggers and actions are armed: --all shows them');
  });

  it('shows all, or each as JSON', async () => {
    expect((await alarmflow('arming', '--all')).at(-1)).toBe('action "Lamp" (n1): armed; nobody has ordered otherwise');
    expect((await alarmflow('arming', '--json')).map((line) => JSON.parse(line).name)).toEqual([
      'Home',
      'Hall',
      'Lamp',
    ]);
  });
});

it.each([
  ['2h', 120],
  ['30min', 30],
  ['90 m', 90],
  ['45s', 0.75],
  ['1d', 1_440],
  ['1.5h', 90],
])('%s is %d minutes', (text, minutes) => {
  expect(minutesFrom(text)).toBe(minutes);
});

it.each(['', '2', 'h', '-1h', '0h', '2 weeks', '9999999h', '1e3h'])('"%s" is no time', (text) => {
  expect(() => minutesFrom(text)).toThrow('is no time');
});
