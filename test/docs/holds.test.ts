/** Runs the tables of docs/holds.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ActionInterval } from '../../engine/domain/actions';
import type { AlarmPhase } from '../../engine/domain/alarms';
import type { EventType } from '../../engine/domain/events';
import { type HoldKind, type HoldPolicy, holdKinds, outputId } from '../../engine/domain/outputs';
import { BenchSite } from '../outputs/bench-site';
import { ActionsBench } from '../support/actions-bench';

const text = readFileSync(join(__dirname, '../../docs/holds.md'), 'utf8');

/** The sections below headings of both levels, with their tables as rows of cells. */
const sections = text.split(/^#{2,3} /m).map((section) => {
  const tables = [...section.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) =>
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
  );
  return { title: section.slice(0, section.indexOf('\n')).trim(), text: section, tables };
});

const ms = (cell: string): number => {
  const match = /^(-?\d+(?:\.\d+)?) s$/.exec(cell);
  if (!match) throw new Error(`"${cell}" is no time like "5 s"`);
  return Math.round(Number(match[1]) * 1_000);
};

function holdOf(kind: string, time: string, cap: string): HoldPolicy {
  if (!holdKinds.some((known) => known === kind)) throw new Error(`"${kind}" is no hold`);
  const capMs = cap === '–' ? null : ms(cap);
  switch (kind as HoldKind) {
    case 'after-clear':
      return { afterClearMs: ms(time), capMs };
    case 'until-cleared':
      return { afterClearMs: null, capMs };
    default:
      return { kind: kind as 'fixed' | 'extended', onMs: ms(time), afterClearMs: 0, capMs };
  }
}

async function perform(site: BenchSite, what: string, holds: Map<string, HoldPolicy>): Promise<void> {
  const named = /^(\w+) (begins|starts again|clears|is reset)$/.exec(what);
  if (named) {
    const [, alarm = '', verb] = named;
    const hold = holds.get(alarm);
    if (!hold) throw new Error(`"${what}": no hold of ${alarm} is given`);
    if (verb === 'begins') return site.raise(alarm, hold);
    if (verb === 'clears') return site.clear(alarm);
    if (verb === 'is reset') return site.end(alarm);
    return site.alarms.get(alarm)?.state === 'clearing' ? site.resume(alarm) : site.merge(alarm);
  }
  const message = /^message (true|false)$/.exec(what);
  if (message) return site.message(message[1] === 'true', holds.get('message'));
  const mode = /^mode (auto|on|off)$/.exec(what);
  if (mode) return site.outputs.setMode(outputId('box', 'relay', '1'), mode[1] as 'auto' | 'on' | 'off', 'anna');
  const set = /^clock set by (.+)$/.exec(what);
  if (set) return site.clock.jump(ms(set[1]!));
  if (what === 'alarm reset') return site.outputs.resetAll('anna');
  const deploy = /^deploy: (\S+) (.+)$/.exec(what);
  if (deploy) {
    for (const name of holds.keys()) holds.set(name, holdOf(deploy[1]!, deploy[2]!, '–'));
    return site.deploy([{ nodeId: 'relay-node', output: '1' }]);
  }
  const away = /^restart, clock set by (.+)$/.exec(what);
  if (away) {
    site.kill();
    site.clock.jump(ms(away[1]!));
    return site.start();
  }
  if (what === 'restart') return site.restart();
  if (what !== '') throw new Error(`"${what}" is nothing that can happen here`);
}

async function advanceTo(clock: { monotonic(): number; advance(ms: number): Promise<void> }, at: number) {
  await clock.advance(at - clock.monotonic());
}

const examples = sections.filter(({ tables }) => tables[1]?.[0]?.join() === 'at,what happens,output');

describe('docs/holds.md', () => {
  it('has its examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(20);
  });

  it.each(examples)('holds: $title', async ({ tables: [setting = [], steps = []] }) => {
    const holds = new Map(setting.slice(1).map(([name, kind, time, cap]) => [name!, holdOf(kind!, time!, cap!)]));
    const site = new BenchSite();
    await site.start();
    for (const [at, what, output] of steps.slice(1)) {
      await advanceTo(site.clock, ms(at!));
      await perform(site, what!, holds);
      await site.settle();
      expect(site.on ? 'on' : 'off', `${at}: ${what}`).toBe(output);
    }
  });

  const matrix = sections.find(({ title }) => title === 'Two alarms on one relay')!.tables[0]!;
  const pairs = matrix.slice(1).flatMap(([a, ...ends]) => ends.map((end, index) => [a!, matrix[0]![index + 1]!, end]));

  it('has every pair of holds', () => {
    expect(new Set(pairs.map(([a, b]) => `${a} ${b}`)).size).toBe(holdKinds.length ** 2);
  });

  it.each(pairs)('two alarms on one relay: A %s, B %s: off at %s', async (a, b, end) => {
    const holds = new Map([
      ['A', holdOf(a!, '10 s', '–')],
      ['B', holdOf(b!, '10 s', '–')],
    ]);
    const site = new BenchSite();
    await site.start();
    const happenings = [
      [0, 'A begins'],
      [2, 'B begins'],
      [4, 'B starts again'],
      [5, 'A clears'],
      [6, 'B clears'],
    ] as const;
    for (const [at, what] of happenings) {
      await advanceTo(site.clock, at * 1_000);
      await perform(site, what, holds);
      expect(site.on).toBe(true);
    }
    const off = end === 'never' ? 86_400_000 : ms(end!);
    await advanceTo(site.clock, off - 1);
    expect(site.on).toBe(true);
    await advanceTo(site.clock, off);
    expect(site.on).toBe(end === 'never');
  });

  const intervals = sections.filter(({ tables }) => tables[0]?.[0]?.join() === 'at,asked for,what happens');

  it.each(intervals)('intervals: $title', async ({ text: section, tables: [steps = []] }) => {
    const setting = /^Interval (\d+ s), told in (the next one|a digest)\.$/m.exec(section)!;
    const tell = setting[2] === 'a digest' ? 'digest' : 'next';
    const interval: ActionInterval = { everyMs: ms(setting[1]!), tell };
    const bench = new ActionsBench();
    for (const [at, asked, what] of steps.slice(1)) {
      const before = bench.actions.size;
      await advanceTo(bench.clock, ms(at!));
      if (asked !== '') {
        const [type, alarm, phase] = asked!.split(' ');
        await bench.flow.requestAction(bench.request(alarm!, phase as AlarmPhase, interval, type as EventType));
      }
      const row = [...bench.actions.values()][before];
      const count = (row?.params.heldBack as { count: number } | undefined)?.count;
      const happened =
        row === undefined
          ? 'nothing'
          : row.status === 'skipped'
            ? 'held back'
            : row.params.digest
              ? `digest of ${count}`
              : `sent${count === undefined ? '' : `, sums up ${count}`}`;
      expect(happened, `${at}: ${asked}`).toBe(what);
      expect(bench.submitted.some(({ key }) => key === row?.key)).toBe(row?.status === 'queued');
    }
  });
});
