/**
 * A process that takes an action and never ends it: `hanging-executor.ts <redis|postgres> <url> <prefix> <key>`.
 * It says `working` to its parent once the action runs; the parent kills it.
 */
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { createExecutor } from '../../engine/executor';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';

const [kind, url, prefix, key] = process.argv.slice(2) as ['redis' | 'postgres', string, string, string];
const record = createMemoryRecord();
record.keep(actionRow(key));
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
        process.send?.('working');
        await systemClock.sleep(60_000);
        return { status: 'done', summary: 'never' };
      },
    },
  ],
  reconcile: async () => {},
  clock: systemClock,
  log: silentLog,
});
executor.start().catch((thrown: unknown) => {
  console.error(thrown);
  process.exit(1);
});
