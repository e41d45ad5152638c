import { expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { openStore } from '../../engine/store';
import { forkTypescript } from '../support/fork-typescript';
import { temporaryFolder } from '../support/temporary-folder';

/** Kills the child some time after it has acknowledged `atLeast` commits; resolves to the ids that it had acknowledged. */
async function commitUntilKilled(dataDir: string, round: number, atLeast: number, ms: number): Promise<string[]> {
  const child = forkTypescript('test/store/children/commit-forever.ts', [dataDir, String(round)]);
  let said = '';
  let complaint = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const enough = new Promise<void>((resolve) =>
    child.stdout!.on('data', () => {
      if (said.split('\n').length > atLeast) resolve();
    }),
  );
  await Promise.race([enough, closed]);
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill('SIGKILL');
  await closed;
  if (said === '') throw new Error(`the child acknowledged nothing: ${complaint}`);
  // The last line may have been cut by the kill.
  return said.slice(0, said.lastIndexOf('\n')).split('\n');
}

it('loses no acknowledged commit when the process is killed at random moments', async () => {
  const dataDir = await temporaryFolder();
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    acknowledged.push(...(await commitUntilKilled(dataDir, round, 40, Math.random() * 400)));
  }
  const store = await openStore({ dataDir, databaseUrl: null, clock: systemClock, log: silentLog });
  expect(store.restored).toBeNull();
  const rows = await store.pglite!.query<{ id: string }>('SELECT id FROM alarmflow.events');
  const found = new Set(rows.rows.map((row) => row.id));
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  // Event and timer are of one commit: neither is there alone, and each caller's last timer lives.
  const timers = new Set((await store.resume()).timers.map((timer) => timer.id));
  expect([...timers].filter((id) => !found.has(id))).toEqual([]);
  const lastOf = new Map([...found].map((id) => [id.replace(/-\d+$/, ''), 0]));
  for (const id of found) {
    const caller = id.replace(/-\d+$/, '');
    lastOf.set(caller, Math.max(lastOf.get(caller)!, Number(id.slice(caller.length + 1))));
  }
  expect([...lastOf].filter(([caller, n]) => !timers.has(`${caller}-${n}`))).toEqual([]);
  await store.close();
}, 180_000);
