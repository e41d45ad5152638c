/** `npm run bench`: every figure beside its budget (DESIGN §9). `npm run bench -- latency gates` runs some of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../engine/domain/log';
import { openPglite } from '../../engine/store/pglite-database';
import { postgresMissing, startPostgres } from '../support/postgres';
import { redisMissing, startRedis } from '../support/redis';
import { runExecutorBench, runTimerBench } from './executor';
import { withFloodSite } from './flood';
import { runGatesBench } from './gates';
import { runRecordBench } from './record';
import { freshSetting } from './servers';
import { runBackTest } from './simulation';
import {
  measureDeadCamera,
  measureLatency,
  measureRerun,
  measureRestart,
  measureStart,
  measureThroughput,
  pause,
  type SiteSetting,
} from './site';

interface Row {
  measure: string;
  figure: string;
  budget: string;
  met: boolean | null;
}

let missed = 0;

function print({ measure, figure, budget, met }: Row): void {
  const verdict = met === null ? '' : met ? 'ok' : 'OVER BUDGET';
  if (met === false) missed++;
  console.log(`${measure.padEnd(58)} ${figure.padStart(30)}   ${budget.padEnd(26)} ${verdict}`);
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

interface Backend {
  name: string;
  /** A setting whose databases are empty. */
  fresh(): Promise<SiteSetting>;
  executor: Parameters<typeof runExecutorBench>[0];
  perSecond: number;
}

async function withBackends(work: (backends: Backend[]) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-bench-'));
  const embedded = await openPglite(join(folder, 'record'), silentLog);
  const backends: Backend[] = [
    {
      name: 'embedded',
      fresh: () => freshSetting({}),
      executor: { kind: 'pglite', db: embedded.db },
      perSecond: 500,
    },
  ];
  const closers: (() => Promise<void>)[] = [
    async () => {
      await embedded.close();
      await rm(folder, { recursive: true, force: true });
    },
  ];
  const noPostgres = postgresMissing();
  const noRedis = redisMissing();
  try {
    if (noPostgres === null) {
      const postgres = await startPostgres();
      closers.push(() => postgres.stop());
      backends.push({
        name: 'PostgreSQL',
        fresh: () => freshSetting({ postgresUrl: postgres.url }),
        executor: { kind: 'postgres', url: postgres.url },
        perSecond: 500,
      });
      if (noRedis === null) {
        const redis = await startRedis({ hz: 100, aof: true });
        closers.push(() => redis.stop());
        backends.push({
          name: 'PostgreSQL + Redis',
          fresh: () => freshSetting({ postgresUrl: postgres.url, redisUrl: redis.url }),
          executor: { kind: 'redis', url: redis.url },
          perSecond: 1_500,
        });
      }
    }
    for (const reason of [noPostgres, noRedis]) if (reason !== null) console.log(`not measured: ${reason}`);
    await work(backends);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const suites: Record<string, (backends: Backend[]) => Promise<void>> = {
  async gates() {
    const { eventsPerSecond, refusedShare } = await runGatesBench();
    print({
      measure: `gates in process, ${Math.round(refusedShare * 100)} % refused`,
      figure: `${whole(eventsPerSecond)} events/s`,
      budget: '≥ 100,000 events/s',
      met: eventsPerSecond >= 100_000,
    });
  },
  async simulation() {
    const { events, raised, seconds } = await runBackTest();
    print({
      measure: `back-test of ${whole(events)} recorded events, ${whole(raised)} alarms`,
      figure: `${seconds.toFixed(1)} s = ${whole(events / seconds)} events/s`,
      budget: '≤ 60 s',
      met: seconds <= 60,
    });
  },
  async record() {
    const figures = await runRecordBench();
    print({
      measure: 'record, embedded: 200 callers',
      figure: `${whole(figures.commitsPerSecond)} commits/s`,
      budget: '',
      met: null,
    });
    print({
      measure: 'record, embedded: one caller p50 / p99',
      figure: `${ms(figures.lonelyP50Ms)} / ${ms(figures.lonelyP99Ms)}`,
      budget: '',
      met: null,
    });
  },
  async queue(backends) {
    for (const { name, executor } of backends) {
      const { bullmqAlonePerSecond, executorPerSecond, share } = await runExecutorBench(executor);
      print({
        measure: `executor beside BullMQ alone, ${name}`,
        figure: `${whole(executorPerSecond)} / ${whole(bullmqAlonePerSecond)} per s = ${Math.round(share * 100)} %`,
        budget: '≥ 70 %',
        met: share >= 0.7,
      });
    }
  },
  async timers() {
    const { p99Ms, early, count } = await runTimerBench();
    print({
      measure: `timer lateness p99, ${whole(count)} timers`,
      figure: `${ms(p99Ms)}, ${early} early`,
      budget: '≤ 20 ms, none early',
      met: p99Ms <= 20 && early === 0,
    });
  },
  async latency(backends) {
    for (const { name, fresh } of backends) {
      const { p50Ms, p99Ms, commands, missing, slowestOfFirst } = await measureLatency(await fresh());
      print({
        measure: `push in → relay command out at 100/s, ${name} (${whole(commands)})`,
        figure: `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}${missing > 0 ? `, ${missing} missed` : ''}`,
        budget: 'p50 ≤ 5 ms, p99 ≤ 25 ms',
        met: p50Ms <= 5 && p99Ms <= 25 && missing === 0,
      });
      print({
        measure: `the slowest of the first 2 s after a start, ${name}`,
        figure: ms(slowestOfFirst),
        budget: '',
        met: null,
      });
    }
  },
  async flood(backends) {
    await withFloodSite(await backends[0]!.fresh(), async ({ flood, measure }) => {
      const tell = async (what: string): Promise<void> => {
        const figures = await measure(10);
        const { p50Ms, p99Ms, missing, load, floodedPerSecond, memoryMiB } = figures;
        const lost = missing > 0 ? `, ${missing} missed` : '';
        print({
          measure: `64 devices, ${what} (load ${load.toFixed(1)}, ${whole(memoryMiB)} MiB)`,
          figure: `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}${lost}${floodedPerSecond > 0 ? `, ${whole(floodedPerSecond)}/s` : ''}`,
          budget: 'p50 ≤ 5 ms, p99 ≤ 25 ms',
          met: p50Ms <= 5 && p99Ms <= 25 && missing === 0,
        });
      };
      await tell('none floods');
      // The stream last: what the camera still holds back of a flood goes on after it.
      for (const by of ['push', 'stream'] as const)
        for (const kind of ['repeats', 'edges'] as const) {
          flood({ by, kind, perSecond: 2_000 });
          await tell(`one floods by ${by}, ${kind}`);
          flood(null);
          await pause(3_000);
        }
    });
  },
  async throughput(backends) {
    for (const { name, fresh, perSecond: budget } of backends) {
      const { perSecond, lost, cpuMs } = await measureThroughput(await fresh());
      print({
        measure: `sustained raise + one action, ${name}`,
        figure: `${whole(perSecond)}/s, ${lost} lost, CPU ${ms(cpuMs)}`,
        budget: `≥ ${whole(budget)}/s, 0 lost`,
        met: perSecond >= budget && lost === 0,
      });
    }
  },
  async restart(backends) {
    for (const { name, fresh } of backends.slice(0, 2)) {
      const { armedMs, kept, timers } = await measureRestart(await fresh());
      print({
        measure: `restart → armed with ${whole(timers)} timers, ${name}`,
        figure: `${ms(armedMs)}, ${whole(kept)} kept`,
        budget: '≤ 3 s, all kept',
        met: armedMs <= 3_000 && kept === timers,
      });
    }
  },
  async rerun(backends) {
    for (const { name, fresh } of backends) {
      const { rerunMs } = await measureRerun(await fresh());
      print({
        measure: `killed in an action → it runs again, ${name}`,
        figure: ms(rerunMs),
        budget: '≤ 5 s',
        met: rerunMs <= 5_000,
      });
    }
  },
  async camera(backends) {
    const { noticedMs } = await measureDeadCamera(await backends[0]!.fresh());
    print({ measure: 'dead camera noticed', figure: ms(noticedMs), budget: '≤ 15 s', met: noticedMs <= 15_000 });
  },
  async start(backends) {
    for (const { name, fresh } of backends) {
      const { usableEditorMs, idleMiB } = await measureStart(fresh);
      const memory = name === 'embedded' ? 300 : 200;
      print({
        measure: `first start to a usable editor, demo included, ${name}`,
        figure: ms(usableEditorMs),
        budget: '≤ 5 s',
        met: usableEditorMs <= 5_000,
      });
      print({
        measure: `memory idle, ${name}`,
        figure: `${whole(idleMiB * 1.048576)} MB`,
        budget: `≤ ${memory} MB`,
        met: idleMiB * 1.048576 <= memory,
      });
    }
  },
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in suites));
  if (unknown.length > 0)
    throw new Error(`unknown: ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}`);
  console.log(`Node ${process.version}, ${cpus().length} cores\n`);
  await withBackends(async (backends) => {
    for (const [name, suite] of Object.entries(suites)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      try {
        await suite(backends);
      } catch (error) {
        missed++;
        console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  });
  console.log(missed === 0 ? '\nEvery budget is met.' : `\n${missed} over budget or failed.`);
  process.exit(0);
}

void main();
