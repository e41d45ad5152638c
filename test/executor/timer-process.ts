/**
 * A process with durable timers on a real record: `timer-process.ts <data folder> <database url or ''> [how many]`.
 * With a number it sets that many timers and kills itself when some of the first half have fired; without, it runs all
 * that the record has. Each that fires puts a row of its own on record in the commit that deletes it. Once none is left
 * it tells its parent what the record has.
 */
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import type { TimerRow } from '../../engine/domain/record';
import { createTimers } from '../../engine/executor';
import { openStore, type Store } from '../../engine/store';

const [dataDir = '', databaseUrl = '', count] = process.argv.slice(2);
/** Half of them fall due within two seconds of this, half much later. */
const LEAD_MS = 1_500;
const SPREAD_MS = 2_000;
/** No machine takes so long to start the second process. */
const LATER_MS = 3_600_000;

let fired = 0;

async function setAndDie(store: Store, many: number): Promise<void> {
  const timers = createTimers({ clock: systemClock, log: silentLog });
  let written = 0;
  timers.onDue('test', async (timer) => {
    await fire(store, timer, systemClock.now());
    // No later than here: a parent that looks late would find them all fired.
    if (++written === many / 8) process.kill(process.pid, 'SIGKILL');
  });
  const from = systemClock.now() + LEAD_MS;
  const rows = Array.from(
    { length: many },
    (_none, i): TimerRow => ({
      id: `t${i}`,
      kind: 'test',
      at: from + Math.floor((i * SPREAD_MS) / many) + (i % 2) * LATER_MS,
      payload: {},
    }),
  );
  await store.commit({ timers: rows });
  for (const row of rows) timers.arm(row);
}

async function fire(store: Store, timer: TimerRow, firedAt: number): Promise<void> {
  const id = `fired:${timer.id}:${process.pid}:${++fired}`;
  await store.commit({
    timersDeleted: [timer.id],
    standing: [{ id, kind: 'fired', doc: { timer: timer.id, at: timer.at, firedAt } }],
  });
}

async function runAll(store: Store): Promise<void> {
  const state = await store.resume();
  // Its wall clock is set so that the next of the later half is two seconds ahead, also where this process started so
  // quickly that some of the first half would still have been to come.
  const muchLater = systemClock.now() + LATER_MS / 2;
  const later = Math.min(...state.timers.map(({ at }) => at).filter((at) => at > muchLater));
  const ahead = later - 2_000 - systemClock.now();
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const timers = createTimers({ clock, log: silentLog });
  timers.onDue('test', (timer) => fire(store, timer, clock.now()));
  const resumedAt = clock.now();
  timers.resume(state.timers);
  while (timers.size() > 0 || (await store.resume()).timers.length > 0) await systemClock.sleep(100);
  const rows = (await store.resume()).standing.map((row) => row.doc);
  process.send?.({ resumedAt, left: state.timers.length, rows }, () => process.exit(0));
}

async function main(): Promise<void> {
  const store = await openStore({ dataDir, databaseUrl: databaseUrl || null, clock: systemClock, log: silentLog });
  await (count === undefined ? runAll(store) : setAndDie(store, Number(count)));
}

main().catch((thrown: unknown) => {
  console.error(thrown);
  process.exit(1);
});
