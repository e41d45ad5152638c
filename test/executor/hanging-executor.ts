/**
 * A process that takes an action and never ends it: `hanging-executor.ts <redis|postgres> <url> <prefix> <key>`.
 * The action is its own, so it runs it without a claim. It says `working` to its parent once the action runs; the parent kills it.
 */
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { createExecutor } from '../../engine/executor';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';

const [kind, url, prefix, key] = process.argv.slice(2) as ['redis' | 'postgres', string, string, string];
const record = createMemoryRecord();
const executor = createExecutor({
  backend: { kind, url },
  prefix,
  record,
  handlers: [
    {
      kind: 'log',
      heavy: false,
      defaultDeadlineMs: 60_000,
      attempts: 3,
      check() {},
      async execute() {
        process.send?.(record.claims.length === 0 ? 'working' : 'claimed');
        await systemClock.sleep(60_000);
        return { status: 'done', summary: 'never' };
      },
    },
  ],
  reconcile: async () => {},
  clock: systemClock,
  log: silentLog,
});
async function main(): Promise<void> {
  await executor.start();
  const row = actionRow(key);
  record.keep(row);
  await executor.submit([row]);
}

main().catch((thrown: unknown) => {
  console.error(thrown);
  process.exit(1);
});
