/** Runs the tables of docs/actions for the actions that hold outputs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PtzMove } from '../../engine/domain/devices';
import { mannerWords, moveWords } from '../../engine/domain/output-words';
import { type HoldPolicy, type OutputKind, type OutputManner, outputId } from '../../engine/domain/outputs';
import { BenchSite, START } from '../outputs/bench-site';

interface Action {
  file: string;
  kind: OutputKind;
  /** Head of the column that says what the device does. */
  column: string;
}

const actions: Action[] = [
  { file: 'audible-alarm', kind: 'siren', column: 'siren' },
  { file: 'light', kind: 'light', column: 'light' },
  { file: 'ptz', kind: 'ptz', column: 'camera' },
  { file: 'relay-out', kind: 'relay', column: 'output' },
];

const node = { nodeId: 'node', output: '1' };

interface Section {
  title: string;
  tables: string[][][];
}

const sectionsOf = (file: string): Section[] =>
  readFileSync(join(__dirname, `../../docs/actions/${file}.md`), 'utf8')
    .split(/^#{2,3} /m)
    .map((section) => ({
      title: section.slice(0, section.indexOf('\n')).trim(),
      tables: [...section.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) =>
        table
          .trim()
          .split('\n')
          .filter((_line, index) => index !== 1)
          .map((line) =>
            line
              .slice(1, -1)
              .split('|')
              .map((cell) => cell.trim()),
          ),
      ),
    }));

const ms = (cell: string): number => {
  const match = /^(\d+(?:\.\d+)?) s$/.exec(cell);
  if (!match) throw new Error(`"${cell}" is no time like "5 s"`);
  return Math.round(Number(match[1]) * 1_000);
};

function moveOf(words: string): PtzMove | null {
  const numbered = /^(preset|tour|pattern|scan) (\d+)$/.exec(words);
  if (numbered) return { move: numbered[1] as 'preset', number: Number(numbered[2]) };
  const plain = { 'home position': 'home', stop: 'stop', 'auto-pan': 'pan' } as const;
  return Object.hasOwn(plain, words) ? { move: plain[words as keyof typeof plain] } : null;
}

function mannerOf(cell: string): OutputManner {
  const manner: OutputManner = {};
  for (const words of cell.split(', ').filter(Boolean)) {
    const value = /^(sound|volume|brightness) (\d+)$/.exec(words);
    const back = /^then (.+)$/.exec(words);
    const times = words === 'once' ? 1 : Number(/^(\d+) times$/.exec(words)?.[1] ?? 0);
    const flash = /^flashing (slow|medium|fast)$/.exec(words);
    const move = moveOf(back?.[1] ?? words);
    if (value) manner[value[1] as 'sound'] = Number(value[2]);
    else if (times > 0) manner.times = times;
    else if (flash) manner.flash = flash[1] as 'slow';
    else if (words === 'solid') manner.flash = 'solid';
    else if (move) manner[back ? 'home' : 'move'] = move;
    else throw new Error(`"${words}" is no way in which an output can be`);
  }
  // What the table says must be what people read in the console.
  expect(mannerWords(manner)).toBe(cell);
  return manner;
}

interface Claim {
  hold: HoldPolicy;
  manner: OutputManner;
  priority: number;
}

function claimOf([, how, priority, hold, time]: string[]): Claim {
  const timed = hold === 'fixed' || hold === 'extended';
  return {
    manner: mannerOf(how!),
    priority: Number(priority),
    hold: timed
      ? { kind: hold, onMs: ms(time!), afterClearMs: 0, capMs: null }
      : { afterClearMs: ms(time!), capMs: null },
  };
}

/** What the device does, as the tables say it. */
function seen(site: BenchSite, kind: OutputKind): string {
  if (kind === 'relay') return site.on ? 'on' : 'off';
  if (kind === 'ptz') {
    const look = site.box.looks.get(1);
    return look ? moveWords(look) : 'untouched';
  }
  const state = site.box.switches.get(`${kind}/1`);
  if (!state?.on) return 'off';
  const { forMs: _net, since, ...manner } = state.manner;
  const words = mannerWords(manner);
  const from = since === undefined ? '' : ` from ${(since - START) / 1_000} s`;
  return words === '' ? 'on' : `on, ${words}${from}`;
}

async function perform(site: BenchSite, kind: OutputKind, what: string, claims: Map<string, Claim>): Promise<void> {
  const named = /^(\w+) (begins|starts again|clears)$/.exec(what);
  const id = outputId('box', kind, '1');
  if (named) {
    const [, alarm = '', verb] = named;
    const claim = claims.get(alarm);
    if (!claim) throw new Error(`"${what}": no claim ${alarm} is given`);
    const { hold, ...fields } = claim;
    if (verb === 'begins') return site.raise(alarm, hold, { ...node, kind, ...fields });
    if (verb === 'clears') return site.clear(alarm);
    return site.alarms.get(alarm)?.state === 'clearing' ? site.resume(alarm) : site.merge(alarm);
  }
  const mode = /^mode (auto|on|off)$/.exec(what);
  if (mode) return site.outputs.setMode(id, mode[1] as 'auto', 'anna');
  if (what === 'silence') return site.outputs.reset(id, 'anna');
  if (what === 'restart') return site.restart();
  if (what !== '') throw new Error(`"${what}" is nothing that can happen here`);
}

/** Begins (`on`) or ends a fault. */
type Fault = (box: BenchSite['box'], on: boolean, kind: OutputKind) => void;

const lacking: Fault = (box, on, kind) => {
  if (kind !== 'relay' && on) box.lacks.add(kind);
  else box.lacks.clear();
};

const faults: Record<string, Fault> = {
  'device away': (box, on) => {
    box.away = on;
  },
  'device does not answer': (box, on) => {
    box.slowMs = on ? 60_000 : 0;
  },
  'device refuses the password': (box, on) => {
    box.refuses = on;
  },
  'device says yes and does nothing': (box, on) => {
    box.stuck = on;
  },
  'device without a siren': lacking,
  'device without a light': lacking,
  'device without PTZ': lacking,
};

describe.each(actions)('docs/actions/$file.md', ({ file, kind, column }) => {
  const sections = sectionsOf(file);
  const examples = sections.filter(({ tables }) => tables[1]?.[0]?.join() === `at,what happens,${column}`);
  const manner: OutputManner =
    kind === 'ptz' ? { move: { move: 'preset', number: 3 }, home: { move: 'preset', number: 9 } } : {};
  const on = kind === 'ptz' ? 'preset 3' : 'on';
  const off = kind === 'ptz' ? 'preset 9' : 'off';
  const hold = { afterClearMs: 5_000, capMs: null };
  const asked = { ...node, kind, manner };

  async function siteWith(): Promise<BenchSite> {
    const site = new BenchSite([{ ...node, kind }]);
    await site.start();
    return site;
  }

  it('has its examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });

  it.each(examples)('$title', async ({ tables: [setting = [], steps = []] }) => {
    const claims = new Map(setting.slice(1).map((row) => [row[0]!, claimOf(row)]));
    const site = await siteWith();
    for (const [at, what, device] of steps.slice(1)) {
      await site.clock.advance(ms(at!) - site.clock.monotonic());
      await perform(site, kind, what!, claims);
      await site.settle();
      expect(seen(site, kind), `${at}: ${what}`).toBe(device);
    }
  });

  const rows = sections.flatMap(({ tables }) =>
    tables.filter((table) => table[0]?.[0] === 'fault').flatMap((table) => table.slice(1)),
  );
  const deviceFaults = rows.filter(([fault]) => Object.hasOwn(faults, fault!));

  it('has its faults', () => {
    expect(deviceFaults.length).toBeGreaterThanOrEqual(4);
    expect(rows.length - deviceFaults.length).toBe(2);
  });

  it.each(deviceFaults)('%s: %s, tried again: %s, then %s', async (fault, words, again, after) => {
    const [, code, text] = /^`(\w+)` (.+)$/.exec(words!)!;
    const site = await siteWith();
    const set = faults[fault!]!;
    set(site.box, true, kind);
    await site.raise('A', hold, asked);
    await site.advance(20_000);
    const [row] = site.outputs.list();
    expect(row).toMatchObject({ desired: true, lastError: expect.stringContaining(text!) });
    expect(seen(site, kind)).not.toBe(on);
    const failing = site.outputs.reconcile(row!.id).catch((thrown: { code: string }) => thrown);
    await site.advance(20_000);
    const failure = await failing;
    expect(failure).toMatchObject({ code });
    expect(again).toBe('yes');
    set(site.box, false, kind);
    const before = site.box.orders.length + site.box.commands.length;
    await site.advance(20_000);
    expect(seen(site, kind)).toBe(on);
    expect(site.outputs.list()[0]).toMatchObject({ confirmed: true, lastError: null });
    expect(after).toMatch(/^(?:on|turned)$/);
    expect(site.box.orders.length + site.box.commands.length).toBeGreaterThan(before);
    expect(site.record.leases.size).toBe(1);
    await site.end('A');
    expect(seen(site, kind)).toBe(off);
  });

  it('alarmflow is killed while it is on: off at its time', async () => {
    const site = await siteWith();
    await site.raise('A', { ...hold, kind: 'fixed', onMs: 10_000 }, asked);
    site.kill();
    await site.advance(4_000);
    await site.start();
    await site.advance(5_999);
    expect(seen(site, kind)).toBe(on);
    await site.advance(1);
    expect(seen(site, kind)).toBe(off);
  });

  it('alarmflow is killed and the alarm ends meanwhile: off at the start', async () => {
    const site = await siteWith();
    await site.raise('A', hold, asked);
    site.kill();
    site.alarms.delete('A');
    await site.start();
    expect(seen(site, kind)).toBe(off);
    expect(site.record.leases.size).toBe(0);
  });
});
