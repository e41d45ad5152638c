/**
 * A process with durable timers on a real record: `timer-process.ts <data folder> <database url or ''> [how many]`.
 * With a number it sets that many timers first; then, as without, it runs all that the record has. Each that fires puts
 * a row of its own on record in the commit that deletes it. Once none is left it tells its parent what the record has.
 */
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import type { TimerRow } from '../../engine/domain/record';
import { createTimers } from '../../engine/executor';
import { openStore } from '../../engine/store';

const [dataDir = '', databaseUrl = '', count] = process.argv.slice(2);
/** Time to get the rows to the disk, in milliseconds. Then half of them fall due within two seconds, half much later. */
const LEAD_MS = 1_500;
const SPREAD_MS = 2_000;
const LATER_MS = 7_000;

async function main(): Promise<void> {
  const store = await openStore({ dataDir, databaseUrl: databaseUrl || null, clock: systemClock, log: silentLog });
  const timers = createTimers({ clock: systemClock, log: silentLog });
  let fired = 0;
  timers.onDue('test', async (timer) => {
    const firedAt = systemClock.now();
    const id = `fired:${timer.id}:${process.pid}:${++fired}`;
    await store.commit({
      timersDeleted: [timer.id],
      standing: [{ id, kind: 'fired', doc: { timer: timer.id, at: timer.at, firedAt } }],
    });
  });

  if (count !== undefined) {
    const from = systemClock.now() + LEAD_MS;
    const rows = Array.from(
      { length: Number(count) },
      (_none, i): TimerRow => ({
        id: `t${i}`,
        kind: 'test',
        at: from + Math.floor((i * SPREAD_MS) / Number(count)) + (i % 2) * LATER_MS,
        payload: {},
      }),
    );
    await store.commit({ timers: rows });
    for (const row of rows) timers.arm(row);
    process.send?.({ setAt: systemClock.now(), from });
  }
  const state = await store.resume();
  const resumedAt = systemClock.now();
  if (count === undefined) timers.resume(state.timers);
  while (timers.size() > 0 || (await store.resume()).timers.length > 0) await systemClock.sleep(100);
  const rows = (await store.resume()).standing.map((row) => row.doc);
  process.send?.({ resumedAt, left: state.timers.length, rows }, () => process.exit(0));
}

main().catch((thrown: unknown) => {
  console.error(thrown);
  process.exit(1);
});
