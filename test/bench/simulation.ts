/** Budget (DESIGN §9): a back-test of 1,000,000 recorded events in at most 60 s, in the built product. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliMain } from '../support/alarmflow-process';

const EVENTS = 1_000_000;
const START = Date.parse('2026-10-20T00:00:00Z');
const DAYS = 30;

/**
 * Thirty days of the demo site: one event in twenty of each of two kinds raises an alarm with its actions and outputs;
 * of the others a filter refuses some, some are late, and most are heard by no trigger.
 */
function eventLine(index: number): string {
  const receivedAt = START + Math.floor((index * DAYS * 86_400_000) / EVENTS);
  const turn = index % 20;
  const id = receivedAt.toString(36).padStart(9, '0') + index.toString(36).padStart(12, '0');
  const event = {
    id,
    deviceId: turn % 2 === 0 ? 'demo-hall' : 'demo-yard',
    vendorType: 'recorded',
    ...kindOf(turn),
    deviceTime: null,
    deviceAt: null,
    receivedAt,
    clockSuspect: false,
    late: turn >= 14,
    pictures: [],
    raw: '',
  };
  return `${JSON.stringify({ event, decisions: [] })}\n`;
}

function kindOf(turn: number): object {
  const hot = { level: 'alarm', channel: 2, rule: '1', phase: 'start', temperature: { unit: 'celsius', value: 71 } };
  if (turn === 0) return { type: 'temperature-alarm', ...hot };
  if (turn > 1 && turn < 8) return { type: 'temperature-prealarm', ...hot, level: 'pre-alarm' };
  if (turn >= 8 && turn < 14) return { type: 'motion', phase: 'start', channel: 1 };
  return { type: 'line-crossing', phase: 'pulse', target: 'human', rule: '1', channel: 1 };
}

export interface BackTestFigures {
  events: number;
  seconds: number;
  raised: number;
}

/** From the command's start to its end, reading the events included. */
export async function runBackTest(): Promise<BackTestFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-back-test-'));
  try {
    const file = join(folder, 'events.jsonl');
    const lines = createWriteStream(file);
    for (let index = 0; index < EVENTS; ) {
      let block = '';
      for (let count = 0; count < 2_000; count++) block += eventLine(index++);
      if (!lines.write(block)) await once(lines, 'drain');
    }
    lines.end();
    await once(lines, 'finish');
    const began = performance.now();
    const child = spawn(
      process.execPath,
      [cliMain, 'simulate', 'flows/demo-site.json', '--events', file, '--summary', '--json'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await once(child, 'close');
    const seconds = (performance.now() - began) / 1_000;
    if (child.exitCode !== 0) throw new Error(`simulate ended with ${child.exitCode}`);
    const { events, raised } = JSON.parse(output) as Omit<BackTestFigures, 'seconds'>;
    return { events, seconds, raised };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
