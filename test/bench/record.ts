/** Measures the record on the embedded database. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import type { RecordWrites } from '../../engine/domain/record';
import { openStore, type Store } from '../../engine/store';
import { decisionRow, eventRow, gateRow, timerRow } from '../contract/record-rows';

export interface RecordFigures {
  coldOpenMs: number;
  warmOpenMs: number;
  /** One caller, 5 rows each. */
  lonelyP50Ms: number;
  lonelyP99Ms: number;
  /** 200 callers in flight, 5 rows each. */
  commitsPerSecond: number;
  groupP99Ms: number;
  backupMs: number;
  backupBytes: number;
  /** Longest time that the event loop stood still during the backup. */
  backupStallMs: number;
  databaseBytes: number;
  rssBytes: number;
  /** Reading everything the engine resumes from, with 10,000 timers pending. */
  resumeMs: number;
}

let serial = 0;
/** What one ordinary event at one trigger writes. */
function small(): RecordWrites {
  const id = String(serial++).padStart(12, '0');
  const key = String(serial % 500);
  return {
    events: [eventRow(id, { raw: 'x'.repeat(600) })],
    decisions: [decisionRow(id, { eventId: id })],
    gateStates: [gateRow(key, { name: 'active', since: serial, counts: [1, 2, 3] })],
    timers: [timerRow(`${key}:a`, serial), timerRow(`${key}:b`, serial)],
  };
}

const percentile = (sorted: number[], share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - start;
}

async function commits(store: Store, callers: number, total: number): Promise<{ seconds: number; sorted: number[] }> {
  const times: number[] = [];
  let left = total;
  const seconds =
    (await timed(() =>
      Promise.all(
        Array.from({ length: callers }, async () => {
          while (left-- > 0) times.push(await timed(() => store.commit(small())));
        }),
      ),
    )) / 1_000;
  return { seconds, sorted: times.sort((a, b) => a - b) };
}

/** Longest gap between turns of the event loop while the work runs. */
async function stallDuring(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = systemClock.monotonic();
  const timer = systemClock.every(1, () => {
    const now = systemClock.monotonic();
    longest = Math.max(longest, now - last);
    last = now;
  });
  await work();
  timer.cancel();
  return longest;
}

export async function runRecordBench(total = 20_000): Promise<RecordFigures> {
  const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-bench-'));
  let store!: Store;
  const open = async (): Promise<void> => {
    store = await openStore({ dataDir, databaseUrl: null, clock: systemClock, log: silentLog });
  };
  try {
    const coldOpenMs = await timed(open);
    await commits(store, 10, 500);
    const lonely = await commits(store, 1, 1_000);
    const group = await commits(store, 200, total);
    const rssBytes = process.memoryUsage().rss;
    let backup = '';
    let backupMs = 0;
    const backupStallMs = await stallDuring(async () => {
      backupMs = await timed(async () => {
        backup = await store.backup();
      });
    });
    const { databaseBytes } = await store.stats();
    const many = Array.from({ length: 10_000 }, (_, i) => timerRow(`many:${i}`, i, { alarmId: `alarm-${i}` }));
    await store.commit({ timers: many });
    await store.close();
    const warmOpenMs = await timed(open);
    const resumeMs = await timed(() => store.resume());
    await store.close();
    return {
      coldOpenMs,
      warmOpenMs,
      lonelyP50Ms: percentile(lonely.sorted, 0.5),
      lonelyP99Ms: percentile(lonely.sorted, 0.99),
      commitsPerSecond: total / group.seconds,
      groupP99Ms: percentile(group.sorted, 0.99),
      backupMs,
      backupBytes: (await stat(backup)).size,
      backupStallMs,
      databaseBytes: databaseBytes ?? 0,
      rssBytes,
      resumeMs,
    };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
