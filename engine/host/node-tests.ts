/**
 * The test buttons of action nodes: an action done once, now, or an output held for three seconds. Both are on record with
 * who asked for them; neither is done again after a restart.
 */
import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionResult, ActionRow } from '../domain/actions';
import type { MessageAlarm } from '../domain/alarms';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import { localDeviceName } from '../domain/local-devices';
import type { Log } from '../domain/log';
import { heldOutput, type OutputId, outputId } from '../domain/outputs';
import type { RecordWriter } from '../domain/record';
import { rehearsal } from '../executor';
import type { ActionTest, OutputTest, TestOutcome } from '../index';
import type { Outputs } from '../outputs';
import { fullBucket, takeToken } from './rate-limit';
import { NO_DEVICE } from './sample-alarm';

/** Errors of actions announce the next try, which a test has not. When a refused login rests is true of a test, too. */
const asTriedOnce = (message: string): string =>
  message.replace(
    /; it is tried again(?: under the same identity|, and may then have the message twice)?(?! in \d)/,
    '',
  );

/** A person waits for the outcome. */
const TEST_LIMIT_MS = 30_000;
/** How long a handler may take to obey its signal. */
const OBEY_MS = 1_000;
const OUTPUT_HOLD_MS = 3_000;
/** Time for the device to confirm "on", and again for "off" after the hold. */
const CONFIRM_LIMIT_MS = 10_000;
const POLL_MS = 50;
/** Each press of a button sends something into the world. */
const rate = { perSecond: 0.5, burst: 20 };
const MOST_AT_ONCE = 16;

export interface NodeTestParts {
  handlers: readonly ActionHandler[];
  outputs: Pick<Outputs, 'request' | 'reconcile' | 'list' | 'detach'>;
  writer: RecordWriter;
  siteIsDry(): boolean;
  /** The output is not driven, by the deployed flow or the site. */
  outputIsDry(id: OutputId): boolean;
  deviceName(id: string): string;
  /** An alarm of the site's own, as the action might get it, that says it is a test. */
  sample(about: { deviceId: string | null; nodeName: string; who: string; at: number; id: string }): MessageAlarm;
  /** Why the device cannot do it, as far as is known. */
  problemOf(test: ActionTest | OutputTest): string | null;
  /** A test's row is on disk. */
  recorded(row: ActionRow): void;
  clock: Clock;
  log: Log;
}

export interface NodeTests {
  testAction(test: ActionTest): Promise<TestOutcome>;
  testOutput(test: OutputTest): Promise<TestOutcome>;
}

const inSeconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

export function createNodeTests(parts: NodeTestParts): NodeTests {
  const { clock, log, outputs, writer } = parts;
  let bucket = fullBucket(clock.monotonic(), rate);
  let running = 0;

  /** One test after the other for the whole site, none of them lost. */
  async function limited<T>(work: () => Promise<T>): Promise<T> {
    const { bucket: left, waitMs } = takeToken(bucket, clock.monotonic(), rate);
    bucket = left;
    if (waitMs > 0 || running >= MOST_AT_ONCE)
      throw userError(
        'E_TOO_MANY_TESTS',
        `Too many tests were asked for: wait ${Math.max(1, Math.ceil(waitMs / 1000))} s and try again`,
      );
    running++;
    try {
      return await work();
    } finally {
      running--;
    }
  }

  const whoOf = ({ who }: { who?: string }): string => who ?? 'local';
  const titleOf = ({ nodeName, nodeId }: { nodeName: string; nodeId: string }): string => nodeName || nodeId;

  /** Runs once, with a signal that ends it at its time; what ignores the signal is left behind. */
  async function once(handler: ActionHandler, row: ActionRow): Promise<ActionResult> {
    const stop = new AbortController();
    const late = operationalError(
      'E_TEST_TIMEOUT',
      `It was not done within ${TEST_LIMIT_MS / 1000} s: check what it works on, and the network`,
    );
    let giveUp: (error: AlarmflowError) => void = () => undefined;
    const stuck = new Promise<never>((_resolve, reject) => {
      giveUp = reject;
    });
    let last: { cancel(): void } | undefined;
    const limit = clock.after(TEST_LIMIT_MS, () => {
      stop.abort(late);
      last = clock.after(OBEY_MS, () => giveUp(late));
    });
    try {
      return await Promise.race([handler.execute({ row, attempt: 1, signal: stop.signal, test: true }), stuck]);
    } catch (thrown) {
      throw stop.signal.aborted ? late : thrown;
    } finally {
      limit.cancel();
      last?.cancel();
    }
  }

  const audit = (test: ActionTest | OutputTest, at: number, action: string, what: string, outcome: TestOutcome) => ({
    id: sortableId(at),
    at,
    who: whoOf(test),
    action,
    subject: test.nodeId,
    detail: `${what} ${outcomeWords(outcome)}: ${outcome.detail}`,
  });

  function rowOf(test: ActionTest, at: number): ActionRow {
    const id = sortableId(at);
    const alarm = parts.sample({ deviceId: deviceAbout(test), nodeName: titleOf(test), who: whoOf(test), at, id });
    return {
      key: `test:${test.nodeId}:${id}`,
      // There is no such alarm: nothing of a test may hang on one that lives.
      alarmId: null,
      nodeId: test.nodeId,
      nodeName: test.nodeName,
      kind: test.kind,
      phase: 'raise',
      // As for an alarm: none chosen means its own device.
      deviceId: test.deviceId ?? (alarm.deviceId === NO_DEVICE ? null : alarm.deviceId),
      params: test.params,
      alarm,
      requestedAt: at,
      deadlineAt: at + TEST_LIMIT_MS,
      status: 'running',
      attempts: 1,
      summary: null,
      errorCode: null,
      finishedAt: null,
      durationMs: null,
    };
  }

  async function testAction(test: ActionTest): Promise<TestOutcome> {
    const handler = parts.handlers.find(({ kind }) => kind === test.kind);
    if (!handler)
      throw userError('E_UNKNOWN_ACTION', `This version does not have the action "${test.kind}": update alarmflow`);
    const started = clock.monotonic();
    const row = rowOf(test, clock.now());
    let settled: Pick<ActionRow, 'status' | 'summary' | 'errorCode'>;
    try {
      handler.check(test.params);
      const result =
        test.dryRun || parts.siteIsDry()
          ? { status: 'skipped' as const, summary: rehearsal(handler, row) }
          : await once(handler, row);
      settled = { ...result, errorCode: null };
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (error.family === 'bug')
        log.error('action.test-bug', { node: test.nodeId, kind: test.kind, code: error.code, stack: error.stack });
      settled = { status: 'failed', summary: asTriedOnce(error.message), errorCode: error.code };
    }
    const tookMs = Math.round(clock.monotonic() - started);
    const at = clock.now();
    const problem = settled.status === 'failed' ? parts.problemOf(test) : null;
    const detail = [settled.summary ?? '', ...(problem === null ? [] : [problem])].filter(Boolean).join('\n');
    const outcome = { ok: settled.status !== 'failed', detail, tookMs };
    const done: ActionRow = {
      ...row,
      ...settled,
      summary: `Test by ${whoOf(test)}: ${settled.summary ?? ''}`,
      finishedAt: at,
      durationMs: tookMs,
    };
    await writer.commit({
      actions: [done],
      audit: [audit(test, at, 'action.test', `Test of "${titleOf(test)}" (${test.kind})`, outcome)],
    });
    parts.recorded(done);
    return outcome;
  }

  // ---- outputs ----

  /** Waits for a promise, but not for ever. */
  async function within<T>(ms: number, work: Promise<T>, late: () => AlarmflowError): Promise<T> {
    let timer: { cancel(): void } | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = clock.after(ms, () => reject(late()));
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      timer?.cancel();
    }
  }

  const stateOf = (id: OutputId) => outputs.list().find((output) => output.id === id);

  /** The device has confirmed what is wanted now, or the reason why not. */
  async function confirmed(id: OutputId, words: string): Promise<string | null> {
    try {
      const late = () =>
        operationalError('E_TEST_TIMEOUT', `the device did not confirm "${words}" within ${CONFIRM_LIMIT_MS / 1000} s`);
      await within(CONFIRM_LIMIT_MS, outputs.reconcile(id), late);
      return null;
    } catch (thrown) {
      return asAlarmflowError(thrown).message;
    }
  }

  /** Why a test of it would show nothing, or null. */
  function hindrance(id: OutputId, what: string): string | null {
    const state = stateOf(id);
    if (!state) return null;
    if (parts.outputIsDry(id))
      return `${what} makes a dry run in the deployed flow: deploy it without "Dry run", then test`;
    if (state.mode === 'off') return `${what} is set off by hand: set it to auto, then test`;
    if (state.mode === 'on') return `${what} is set on by hand already: nothing was switched`;
    const holders = state.leases.length;
    if (holders > 0)
      return `${what} is on already, for ${holders} alarm${holders === 1 ? '' : 's'}: nothing was switched`;
    return null;
  }

  async function hold(
    test: OutputTest,
    id: OutputId,
    what: string,
    asked: number,
  ): Promise<Omit<TestOutcome, 'tookMs'>> {
    const testId = sortableId(clock.now());
    // Not the node's own claim: the node may be holding the output for an alarm.
    const nodeId = `test:${test.nodeId}`;
    const holdMs = OUTPUT_HOLD_MS;
    await outputs.request({
      nodeId,
      nodeName: test.nodeName,
      deviceId: test.deviceId,
      output: test.output,
      alarm: null,
      messageId: testId,
      condition: true,
      topic: testId,
      hold: { kind: 'fixed', onMs: holdMs, afterClearMs: 0, capMs: holdMs },
      ...(test.kind === undefined ? {} : { kind: test.kind }),
      ...(test.manner === undefined ? {} : { manner: test.manner }),
    });
    try {
      const notOn = await confirmed(id, 'on');
      const onAfter = inSeconds(clock.monotonic() - asked);
      const leased = (): boolean => stateOf(id)?.leases.some((lease) => lease.nodeId === nodeId) ?? false;
      const most = clock.monotonic() + holdMs * 2;
      while (leased() && clock.monotonic() < most) await clock.sleep(POLL_MS);
      if (stateOf(id)?.desired)
        return {
          ok: notOn === null,
          detail:
            notOn === null
              ? `${what} confirmed on after ${onAfter}, and stays on for an alarm that came meanwhile`
              : `${what} did not confirm on: ${notOn}`,
        };
      const notOff = await confirmed(id, 'off');
      if (notOn !== null) {
        const rest = notOff === null ? 'It is off again.' : `Whether it is off is not known either: ${notOff}`;
        return { ok: false, detail: `${what} did not confirm on: ${notOn}\n${rest}` };
      }
      return notOff === null
        ? { ok: true, detail: `${what} confirmed on after ${onAfter}, and off after its ${holdMs / 1000} s` }
        : { ok: false, detail: `${what} confirmed on, but not off: ${notOff}\nIt is set off again until it confirms.` };
    } finally {
      outputs.detach(nodeId);
    }
  }

  async function testOutput(test: OutputTest): Promise<TestOutcome> {
    const { kind = 'relay', deviceId, output } = test;
    const started = clock.monotonic();
    const id = outputId(deviceId, kind, heldOutput(test));
    const named = localDeviceName(deviceId) === undefined ? `${thing(kind)} ${output}` : `The ${output}`;
    const what = `${named} of "${parts.deviceName(deviceId)}"`;
    let outcome: Omit<TestOutcome, 'tookMs'>;
    const dry = test.dryRun === true || parts.siteIsDry();
    const hindered = hindrance(id, what);
    try {
      if (dry) outcome = { ok: true, detail: `Dry run: would hold ${what} for ${OUTPUT_HOLD_MS / 1000} s` };
      else if (hindered !== null) outcome = { ok: false, tried: false, detail: hindered };
      else outcome = await hold(test, id, what, started);
    } catch (thrown) {
      outcome = { ok: false, detail: asAlarmflowError(thrown).message };
    }
    const problem = outcome.ok && !dry ? null : parts.problemOf(test);
    if (problem !== null) outcome = { ...outcome, detail: `${outcome.detail}\n${problem}` };
    const told = { ...outcome, tookMs: Math.round(clock.monotonic() - started) };
    const title = `Test of "${titleOf(test)}" (${kind})`;
    await writer.commit({ audit: [audit(test, clock.now(), 'output.test', title, told)] });
    return told;
  }

  return {
    testAction: (test) => limited(() => testAction(test)),
    testOutput: (test) => limited(() => testOutput(test)),
  };
}

const outcomeWords = ({ ok, tried, tookMs }: TestOutcome): string =>
  tried === false ? 'was not made' : `${ok ? 'worked' : 'failed'} in ${inSeconds(tookMs)}`;

const thing = (kind: NonNullable<OutputTest['kind']>): string =>
  ({ relay: 'Output', siren: 'Siren', light: 'Light', record: 'Recording', line: 'Line', ptz: 'Camera channel' })[kind];

/** The device that the sample alarm is of: the action's own, or the one whose picture it is to take. */
function deviceAbout({ deviceId, params }: ActionTest): string | null {
  if (deviceId !== null) return deviceId;
  const { snapshotDeviceId } = params;
  return typeof snapshotDeviceId === 'string' && snapshotDeviceId !== '' ? snapshotDeviceId : null;
}
