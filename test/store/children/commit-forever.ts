/** Commits without end, many callers at once, and tells which commits were acknowledged. */
import { systemClock } from '../../../engine/clock/system-clock';
import { silentLog } from '../../../engine/domain/log';
import { openStore, type Store } from '../../../engine/store';
import { eventRow, timerRow } from '../../contract/record-rows';

const [dataDir, round] = process.argv.slice(2);

async function caller(store: Store, name: number): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `r${round}-${name}-${n}`;
    await store.commit({
      events: [eventRow(id)],
      timers: [timerRow(id)],
      timersDeleted: n > 5 ? [`r${round}-${name}-${n - 5}`] : [],
    });
    process.stdout.write(`${id}\n`);
  }
}

async function main(): Promise<void> {
  const store = await openStore({ dataDir: dataDir!, databaseUrl: null, clock: systemClock, log: silentLog });
  await Promise.all(Array.from({ length: 20 }, (_, name) => caller(store, name)));
}

void main();
