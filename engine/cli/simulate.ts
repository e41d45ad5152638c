import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { userError } from '../domain/errors';
import type { LoadedConfig } from '../host/config';
import { readFlowFile } from '../host/flow-source';
import {
  type Beginning,
  beginningAt,
  type Comparison,
  compare,
  comparisonLines,
  entryLine,
  parseMoment,
  parseSpan,
  type ReportEntry,
  readEventLines,
  recordedInputs,
  type SimulationInput,
  type SimulationResult,
  type SimulationRuntime,
  simulate,
  startSimulationRuntime,
  summaryLines,
} from '../simulation';
import { type Journal, openJournal } from './journal';
import { createProgress } from './progress';

export interface SimulateCommandOptions {
  /** Event file; `-` is standard input. */
  events?: string;
  from?: string;
  to?: string;
  start?: string;
  device?: string;
  /** true: with the deployed flow; a text: with that file. */
  compare?: string | true;
  disarmed?: boolean;
  allow: string[];
  runOn: string;
  summary?: boolean;
  json?: boolean;
}

const READ_AHEAD = 1024 * 1024;

/** What stands for the flow that the editor has deployed. */
const DEPLOYED = 'deployed';

const moment = (flag: string, text: string): number => {
  const at = parseMoment(text);
  if (at === null)
    throw userError(
      'E_BAD_PARAMETER',
      `${flag}: "${text}" is no time; write 2026-11-23T18:05:00Z or "2026-11-23T18:05 Europe/Berlin"`,
    );
  return at;
};

/** Where the events come from; opened anew for each of two flows. */
interface Source {
  inputs(): AsyncIterable<SimulationInput>;
  /** Share of the work, 0–1, or null. */
  share(at: number): number | null;
}

/**
 * `alarmflow simulate <flow>`: what a flow would have done with these events, sending nothing.
 * The comparison, where one is asked for, is printed after the report of `<flow>`.
 */
export async function simulateCommand(
  flowArgument: string,
  options: SimulateCommandOptions,
  loaded: LoadedConfig,
  print: (line: string) => void,
): Promise<void> {
  const runOnMs = parseSpan(options.runOn);
  if (runOnMs === null)
    throw userError('E_BAD_PARAMETER', `--run-on: "${options.runOn}" is no span of time; write "1 h" or "10 min"`);
  const recorded = options.from !== undefined || options.to !== undefined;
  if ((options.events === undefined) === !recorded)
    throw userError(
      'E_BAD_PARAMETER',
      'Say where the events come from: --events <file>, or --from and --to for what the site has recorded',
    );
  const period = recorded ? periodOf(options) : null;
  const wantsDeployed = flowArgument === DEPLOYED || options.compare === true || options.compare === DEPLOYED;
  const journal = recorded || wantsDeployed ? await openJournal(loaded) : null;
  let runtime: SimulationRuntime | null = null;
  const progress = createProgress(process.stderr);
  try {
    const flowOf = async (what: string): Promise<unknown> =>
      what === DEPLOYED ? await journal!.deployedFlow() : await readFlowFile(what);
    const flows = await flowOf(flowArgument);
    const other =
      options.compare === undefined ? null : await flowOf(options.compare === true ? DEPLOYED : options.compare);
    const source =
      options.events === undefined ? journalSource(journal!, period!) : await fileSource(options.events, options);
    if (other !== null && options.events === '-')
      throw userError('E_BAD_PARAMETER', '--compare reads the events twice: give a file instead of standard input');
    const beginning: Beginning | null =
      period === null ? null : await beginningAt(period.from, journal!.ordersBefore(period.from));
    const start = options.start === undefined ? period?.from : moment('--start', options.start);
    runtime = await startSimulationRuntime();
    const run = (which: unknown, title: string, onEntry: ((entry: ReportEntry) => void) | null) =>
      simulate({
        runtime: runtime!,
        flows: which,
        inputs: paced(source.inputs()),
        ...(start === undefined ? {} : { start }),
        beginning,
        armed: options.disarmed !== true,
        siteName: loaded.config.siteName,
        allow: new Set(options.allow),
        runOnMs,
        onEntry,
        onProgress: (done, at) => progress.show(source.share(at), `${title}${done.toLocaleString('en')} events`),
      });
    const tell = (line: string): void => {
      progress.end();
      print(line);
    };
    const onEntry = options.summary
      ? null
      : (entry: ReportEntry): void => {
          const line = options.json ? JSON.stringify(entry) : entryLine(entry);
          if (line !== null) tell(line);
        };
    const result = await run(flows, '', onEntry);
    const before = other === null ? null : await run(other, 'other flow: ', null);
    progress.end();
    printResult(result, before === null ? null : { before, comparison: compare(before, result) }, options, print);
  } finally {
    progress.end();
    await runtime?.close();
    await journal?.close();
  }
}

/** The summary without the times of every switching, which the entries have told. */
const shortSummary = ({ summary }: SimulationResult): object => ({
  ...summary,
  outputs: summary.outputs.map(({ spans, ...output }) => ({ ...output, times: spans.length })),
});

/** Holds the simulation back while whoever reads the report is slower: it must not pile up in memory. */
async function* paced<T>(inputs: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const input of inputs) {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
    yield input;
  }
}

function printResult(
  result: SimulationResult,
  against: { before: SimulationResult; comparison: Comparison } | null,
  { json, summary }: SimulateCommandOptions,
  print: (line: string) => void,
): void {
  if (json) {
    const { beginning, warnings } = result;
    print(JSON.stringify({ kind: 'summary', ...shortSummary(result), ...(beginning && { beginning }), warnings }));
    if (against)
      print(JSON.stringify({ kind: 'comparison', ...against.comparison, before: shortSummary(against.before) }));
    return;
  }
  if (!summary) print('');
  for (const line of summaryLines(result)) print(line);
  if (!against) return;
  print('');
  for (const line of comparisonLines(against.comparison)) print(line);
}

async function fileSource(file: string, options: SimulateCommandOptions): Promise<Source> {
  const found = file === '-' ? null : await stat(file).catch(() => null);
  if (file !== '-' && !found?.isFile())
    throw userError(
      'E_NO_EVENTS',
      `Event file "${file}" cannot be read: give the path of a file with one JSON object a line, or - for standard input`,
    );
  let read = 0;
  return {
    inputs() {
      read = 0;
      const bytes = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: READ_AHEAD });
      bytes.on('data', (chunk: Buffer | string) => {
        read += chunk.length;
      });
      return readEventLines(createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY }), {
        start: options.start === undefined ? null : moment('--start', options.start),
        device: options.device ?? null,
        source: file === '-' ? 'Standard input' : file,
      });
    },
    share: () => (found ? read / Math.max(1, found.size) : null),
  };
}

interface Period {
  from: number;
  to: number;
}

function periodOf({ from, to }: SimulateCommandOptions): Period {
  if (from === undefined || to === undefined)
    throw userError('E_BAD_PARAMETER', 'A recorded period needs both --from and --to');
  const period = { from: moment('--from', from), to: moment('--to', to) };
  if (period.to <= period.from) throw userError('E_BAD_PARAMETER', '--to must be later than --from');
  return period;
}

function journalSource(journal: Journal, { from, to }: Period): Source {
  return {
    inputs: () => recordedInputs(journal.events(from, to), journal.orders(from, to)),
    share: (at) => (at - from) / (to - from),
  };
}
