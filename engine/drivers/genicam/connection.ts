import { sleepOrStop } from '../../clock/clock';
import type { DeviceFacts, DeviceOffers } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { backoff } from '../wire/backoff';
import type { Turns } from '../wire/turns';
import { cameraArgs } from './address';
import { type CallOptions, type Camera, createCamera } from './camera';
import type { FeatureCache } from './identity';
import { createInputWatch } from './input-watch';
import { readGenicamOptions } from './options';
import { CONTROL_MS, openSession, type Session } from './session';
import type { RunTool } from './tool';
import { type SetupState, writeFailed } from './trigger-setup';

/** How a connection reaches its camera. */
export interface GenicamWays {
  run: RunTool;
  turns: Turns;
  cache: FeatureCache;
}

/**
 * Longest times of a look, of the look that follows a failed one, and of a comparison. With the pauses between them a
 * dead camera is noticed within 15 s (DESIGN §9): 3 + 6.5 + 0.5 + 4.5.
 */
const LOOK_MS = 6_500;
const SECOND_LOOK_MS = 4_500;
const COMPARISON_MS = 3_000;
const AGAIN_MS = 500;
/** How often a camera without watched lines is asked whether it is there. */
const PRESENCE_MS = 3_000;
/** How often the trigger set-up is compared with what it should be. */
const COMPARE_MS = 60_000;
/** A camera on the same machine or network segment is asked for again at least this often. */
const MOST_PAUSE_MS = 15_000;
/** A connection that lived this long starts the pauses anew. */
const STEADY_MS = 30_000;
/** Looks after which it is said how long one takes. */
const MEASURED_LOOKS = 20;
const ACTION_MS = 10_000;

/** Watches one camera by asking again and again: arv-tool has no events (PROTOCOLS §6.1). */
export function connectGenicam(context: DriverContext, ways: GenicamWays): DriverConnection {
  const { definition, sink, clock } = context;
  const { name } = definition;
  const log = context.log.with({ deviceId: definition.id });
  const settings = readGenicamOptions(definition.options ?? {});
  const closing = new AbortController();
  const camera: Camera = createCamera({
    name,
    address: cameraArgs(definition.host),
    run: ways.run,
    turns: ways.turns,
    onOutput({ stdout, stderr }) {
      context.tap?.({ at: clock.now(), contentType: 'text/x-arv-tool', bytes: Buffer.from(stdout + stderr) });
    },
  });
  const sessionOptions = { camera, name, settings, cache: ways.cache, log };
  let session: Session | null = null;
  let lost: AlarmflowError | null = null;
  let setupWarnings: string[] = [];
  let slowWarning: string | null = null;
  let watch: ReturnType<typeof createInputWatch> | null = null;
  let watchedBefore = '';
  let running: Promise<void> = Promise.resolve();

  /** Limits the time of some work, waiting for its turn at the camera included. */
  async function within<T>(ms: number, work: (call: CallOptions) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const late = operationalError('E_DEVICE_TIMEOUT', `"${name}" had no answer within ${ms / 1_000} s`, {
      retryAfterMs: 1_000,
    });
    const timer = clock.after(ms, () => limit.abort(late));
    const close = (): void => limit.abort(closing.signal.reason);
    closing.signal.addEventListener('abort', close, { once: true });
    try {
      return await work({ signal: limit.signal, timeoutMs: ms });
    } finally {
      timer.cancel();
      closing.signal.removeEventListener('abort', close);
    }
  }

  // ---- connect, watch, lose, again ----

  async function run(): Promise<void> {
    let attempt = 0;
    while (!closing.signal.aborted) {
      const began = clock.monotonic();
      let pause: number;
      try {
        await connect();
        await watchCamera();
        continue;
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const error = asAlarmflowError(thrown);
        const steady = session !== null && clock.monotonic() - began > STEADY_MS;
        isLost(error);
        attempt = steady ? 0 : attempt + 1;
        pause = Math.max(Math.min(backoff(attempt), MOST_PAUSE_MS), error.retryAfterMs ?? 0);
      }
      await sleepOrStop(clock, pause, closing.signal);
    }
  }

  async function connect(): Promise<void> {
    const opened = await openSession(sessionOptions, { signal: closing.signal, timeoutMs: LOOK_MS });
    const { lines } = opened;
    // A camera whose lines can't be read would be online and lost by turns.
    if (lines) await within(LOOK_MS, (call) => lines.read(call));
    session = opened;
    lost = null;
    slowWarning = null;
    setupWarnings = await setUp(opened);
    tellFacts();
    sink.seen(clock.now());
    const { inputs } = opened.roles;
    const watched = inputs.length > 0 ? `watches ${inputs.map((i) => i.line).join(', ')}` : 'no line is watched';
    sink.link('online', `${opened.identity.model || 'Camera'} answers; ${watched}`);
  }

  function isLost(error: AlarmflowError): void {
    session = null;
    lost = error;
    watch?.connectionLost();
    if (error.family === 'bug') log.error('genicam.failed', { error: error.message, stack: error.stack });
    sink.link('offline', error.message);
  }

  /** Until the camera is lost, or what could not be asked of it can be asked now. */
  async function watchCamera(): Promise<void> {
    const open = session;
    if (!open) return;
    const { lines, roles } = open;
    // Kept over a loss: what is open then is told on the first look after it.
    const watching = JSON.stringify(roles.inputs);
    if (!watch || watching !== watchedBefore) watch = createInputWatch(roles.inputs, settings.debounceMs);
    watchedBefore = watching;
    const every = lines ? settings.pollMs : PRESENCE_MS;
    let compareAt = clock.monotonic() + COMPARE_MS;
    let tookMs = 0;
    let looks = 0;
    while (!closing.signal.aborted) {
      const began = clock.monotonic();
      await withSecondTry(open, async (call) => {
        if (lines) {
          const seen = await lines.read(call);
          for (const draft of watch?.seen(seen, clock.monotonic()) ?? []) deliver(draft);
        } else await camera.read([presenceFeature(open)], call);
      });
      sink.seen(clock.now());
      const took = clock.monotonic() - began;
      if (lines && looks < MEASURED_LOOKS) {
        tookMs += took;
        if (++looks === MEASURED_LOOKS) measured(tookMs / looks);
      }
      if (clock.monotonic() >= compareAt) {
        compareAt = clock.monotonic() + COMPARE_MS;
        if (open.roles.inUse && (await isFree(open))) return;
        await compare(open);
      }
      await clock.sleep(Math.max(1, every - (clock.monotonic() - began)), closing.signal);
    }
  }

  /** Whether the program that had control has given it up. */
  async function isFree({ roles }: Session): Promise<boolean> {
    const [line] = roles.modes.keys();
    if (line === undefined) return false;
    try {
      await within(COMPARISON_MS, (call) => camera.readUnder({ selector: 'LineSelector', value: line }, [], call));
      return true;
    } catch (thrown) {
      closing.signal.throwIfAborted();
      log.debug('genicam.still-in-use', { reason: asAlarmflowError(thrown).message });
      return false;
    }
  }

  /** One failure may be a lost packet, or a camera that was off for a moment; the second is a loss. */
  async function withSecondTry(open: Session, look: (call: CallOptions) => Promise<void>): Promise<void> {
    try {
      await within(LOOK_MS, look);
    } catch (thrown) {
      if (closing.signal.aborted || asAlarmflowError(thrown).code === 'E_ARAVIS_MISSING') throw thrown;
      log.info('genicam.look-failed', { reason: asAlarmflowError(thrown).message });
      await clock.sleep(AGAIN_MS, closing.signal);
      await within(SECOND_LOOK_MS, look);
      setupWarnings = await setUp(open);
      tellFacts();
    }
  }

  function measured(averageMs: number): void {
    if (averageMs <= settings.pollMs * 1.5) return;
    const words = `One look at the lines takes ${Math.round(averageMs)} ms here, not the ${settings.pollMs} ms that are set: edges shorter than that are lost`;
    log.warn('genicam.slow-look', { averageMs: Math.round(averageMs), pollMs: settings.pollMs });
    slowWarning = words;
    tellFacts();
  }

  // ---- the set-up ----

  /** Writes the trigger set-up where it differs; what stands in the way is a warning, never the end of the watch. */
  async function setUp({ trigger }: Session): Promise<string[]> {
    if (!trigger.wanted()) return [];
    let warnings: string[];
    try {
      warnings = await trigger.apply({ signal: closing.signal, timeoutMs: CONTROL_MS });
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (!writeFailed.has(error.code)) throw error;
      warnings = [`The trigger set-up was not written: ${error.message}`];
    }
    if (warnings.length > 0) log.warn('genicam.setup-incomplete', { warnings });
    return warnings;
  }

  /**
   * Somebody may have changed it since: that is reported, not fought over. What could not be written is tried again.
   */
  async function compare(open: Session): Promise<void> {
    if (!open.trigger.wanted()) return;
    const before = setupWarnings;
    // A camera that hangs just now is the next look's business.
    const drift = await driftOf(() => within(COMPARISON_MS, (call) => open.trigger.compare(call)));
    const unwritten = before.some((warning) => !warning.startsWith(DRIFT));
    if (!unwritten) {
      setupWarnings = drift.warnings;
      if (drift.warnings.length > 0 && drift.warnings.join() !== before.join())
        log.warn('genicam.setup-changed', { differences: drift.warnings });
    } else if (drift.known) setupWarnings = await setUp(open);
    tellFacts();
  }

  async function driftOf(ask: () => Promise<SetupState>): Promise<{ known: boolean; warnings: string[] }> {
    try {
      const { differences } = await ask();
      const words = differences.map((one) => `${DRIFT}${one}; it is written again at the next connection`);
      return { known: true, warnings: words };
    } catch (thrown) {
      closing.signal.throwIfAborted();
      return { known: false, warnings: [`${DRIFT}it could not be compared: ${asAlarmflowError(thrown).message}`] };
    }
  }

  function tellFacts(): void {
    if (session) sink.facts(session.facts(allWarnings()));
  }
  const allWarnings = (): string[] => [...setupWarnings, ...(slowWarning === null ? [] : [slowWarning])];

  function deliver(draft: EventDraft): void {
    const received = { draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false };
    sink.event(received).catch((thrown: unknown) => {
      log.error('genicam.event-not-kept', { input: draft.input, error: asAlarmflowError(thrown).message });
    });
  }

  // ---- what actions ask ----

  const connected = (): Session => {
    if (session) return session;
    throw operationalError('E_DEVICE_OFFLINE', lost?.message ?? `"${name}" is not connected yet`, {
      retryAfterMs: 1_000,
    });
  };
  const acting = (signal: AbortSignal): CallOptions => ({
    signal: AbortSignal.any([signal, closing.signal]),
    timeoutMs: ACTION_MS,
  });
  const unable = (what: string): Promise<never> =>
    Promise.reject(userError('E_NOT_SUPPORTED', `"${name}" is a GenICam camera: ${what} is not possible with it`));

  const setLine = async (output: string, on: boolean, signal: AbortSignal): Promise<boolean> =>
    connected().outputs.set(output, on, acting(signal));
  const readLine = async (output: string, signal: AbortSignal): Promise<boolean | null> =>
    connected().outputs.read(output, acting(signal));

  return {
    id: definition.id,
    name,
    start() {
      sink.link('connecting', `Looking for ${definition.host}`);
      running = run();
    },

    push: () => Promise.reject(userError('E_BAD_PUSH', `"${name}" is a GenICam camera: it pushes nothing over HTTP`)),

    async probe(signal): Promise<DeviceFacts> {
      const call = { signal: AbortSignal.any([signal, closing.signal]), timeoutMs: LOOK_MS };
      const opened = await openSession(sessionOptions, call);
      const warnings = opened.trigger.wanted() ? (await driftOf(() => opened.trigger.compare(call))).warnings : [];
      signal.throwIfAborted();
      if (opened.abilities.allEntries('lineSelector').length === 0)
        warnings.push('The camera has no lines (LineSelector): it serves only for software triggers');
      return opened.facts([...warnings, ...allWarnings()]);
    },

    async offers(signal): Promise<DeviceOffers> {
      return (session ?? (await openSession(sessionOptions, acting(signal)))).offers();
    },

    setOutput: setLine,
    readOutput: readLine,
    contactOf: (kind, output) => (kind === 'relay' || kind === 'line' ? output.trim() : null),
    setSwitch: (kind, line, on, _manner, signal) =>
      kind === 'line' ? setLine(line, on, signal) : unable(`switching a ${kind}`),
    readSwitch: (kind, line, signal) => (kind === 'line' ? readLine(line, signal) : unable(`reading a ${kind}`)),
    trigger: async (trigger, signal) => connected().fire(trigger, acting(signal)),
    snapshot: () => unable('a picture (arv-tool transfers none)'),
    gotoPreset: () => unable('a preset'),

    async close() {
      closing.abort(operationalError('E_CLOSED', `The connection to "${name}" is being closed`));
      await running;
    },
  };
}

/** Something that every camera has; which name it has is known from its list. */
const presenceFeature = ({ abilities }: Session): string =>
  abilities.name('model') ?? abilities.name('vendor') ?? abilities.name('triggerMode') ?? 'DeviceModelName';

const DRIFT = 'The trigger set-up differs: ';
