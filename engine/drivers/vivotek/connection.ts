import { parseHttpDate, sleepOrStop } from '../../clock/clock';
import { type DeviceFacts, noOffers, type ReceivedEvent } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { asMessage, MESSAGE_TYPE } from '../http-push';
import { createOpenConditions } from '../open-conditions';
import { backoff, createDeviceHttp, type DeviceHttp, orOtherProtocol, type RefusalMemory } from '../wire';
import { contactOf, createCameraActions } from './actions';
import { createCgi } from './cgi';
import { liveStreamOf } from './live-stream';
import { eventTypes, natureOf } from './names';
import { compileOptions, readVivotekOptions } from './options';
import { createPortWatch } from './port-watch';
import { readPorts } from './ports';
import { type CameraNature, learnCamera } from './probe';
import { understandCameraPush } from './push';
import { type PushSetup, setUpPush } from './push-setup';

/** Times of a connection, all in milliseconds. */
export interface CameraTiming {
  /** For the answer to a poll. */
  answerMs: number;
  /** Between two signs of life where no inputs are polled. */
  presenceMs: number;
  /** After a first failure, before the second that counts as a loss. */
  againMs: number;
  /** Before a camera that has inputs, but told no state of them, is asked anew what it has. */
  learnAgainMs: number;
  /** Between two polls, whatever the settings say. */
  pollMs?: number;
  /** Before the n-th reconnection. */
  reopenMs(attempt: number): number;
}

/** A dead camera is noticed within 3 s + 0.5 s + 3 s of polling, or 5 s more where nothing is polled. */
export const defaultTiming: CameraTiming = {
  answerMs: 3_000,
  presenceMs: 5_000,
  againMs: 500,
  learnAgainMs: 60_000,
  reopenMs: backoff,
};

/** A connection that can also set the camera up. */
export interface VivotekConnection extends DriverConnection {
  /** Lets the camera push its event rules to this ingest path; only on an operator's demand. */
  setUpPush(ingestUrl: string, signal: AbortSignal): Promise<PushSetup>;
}

/** The camera is there but doesn't let us in; only a person can mend that. */
const loginErrors: ReadonlySet<string> = new Set(['E_CREDENTIALS_REFUSED', 'E_CREDENTIALS_MISSING', 'E_DEVICE_LOGIN']);
/** It answers, but not what was asked: its rights or its numbering have changed. */
const answerErrors: ReadonlySet<string> = new Set(['E_NOT_SUPPORTED', 'E_LOW_PRIVILEGE', 'E_BAD_PARAMETER']);
/** A change of the offset below this is noise. */
const NOISE_MS = 2_000;
/** Presets are asked for anew after this long. */
const PRESETS_FRESH_MS = 60_000;
const MOST_PRESETS = 64;

/** Opens the connection to one VIVOTEK camera (PROTOCOLS §3). Nothing moves before `start`. */
export function connectVivotek(context: DriverContext, timing: CameraTiming): VivotekConnection {
  const { definition, sink, clock } = context;
  const log = context.log.with({ deviceId: definition.id });
  const { id, name } = definition;
  const settings = compileOptions(readVivotekOptions(definition.options ?? {}));
  const address = `${definition.host}:${definition.port}`;
  const closing = new AbortController();
  const open = createOpenConditions();
  let nature: CameraNature | null = null;
  let offset: number | null = null;
  let running: Promise<void> = Promise.resolve();
  let presets: { at: number; names: Promise<Map<string, string>> } | null = null;

  const client = (onLocked: (until: number | null) => void, refusals?: RefusalMemory): DeviceHttp =>
    createDeviceHttp({
      host: definition.host,
      port: definition.port,
      tls: definition.tls,
      allowSelfSigned: definition.allowSelfSigned,
      credentials: definition.credentials,
      digestOnly: context.digestOnly === true,
      clock,
      log,
      onLocked,
      refusals,
      onClockDate(header) {
        const at = parseHttpDate(header);
        if (at === null) return;
        const value = at - clock.now();
        if (offset !== null && Math.abs(value - offset) < NOISE_MS) return;
        offset = value;
        sink.clockOffset(value);
      },
    });

  const http = client((until) => sink.lockedUntil(until), context.refusals);
  const cgi = createCgi(http, name);
  const actions = createCameraActions({
    cgi,
    name,
    clock,
    log,
    closing: closing.signal,
    settings,
    presetName,
    denied: (port) => (port === 'vi' ? nature?.rules === null : (nature?.denied.has(port) ?? false)),
  });

  // ---- what it has ----

  async function learn(signal: AbortSignal): Promise<CameraNature> {
    const trial = client(() => undefined);
    try {
      const learnt = await learnCamera({
        cgi,
        trial: createCgi(trial, name),
        name,
        log,
        firstNumber: settings.firstNumber,
        pushes: definition.receive !== 'stream',
        signal,
      });
      sink.facts(learnt.facts);
      return learnt;
    } finally {
      trial.close();
    }
  }

  /** Preset names by `<channel>:<number>`, channel and number from 1. */
  async function presetNames(signal: AbortSignal): Promise<Map<string, string>> {
    const now = clock.monotonic();
    if (presets && now - presets.at < PRESETS_FRESH_MS) return presets.names;
    const channels = Math.min(8, nature?.facts.channels ?? 1);
    const groups = Array.from({ length: channels }, (_, channel) => `camctrl_c${channel}_preset`);
    const names = cgi
      .getParams('viewer', groups, 'Presets', signal)
      .then((params) => {
        const found = new Map<string, string>();
        for (const [key, value] of params) {
          const match = /^camctrl_c(\d{1,2})_preset_i(\d{1,3})_name$/.exec(key);
          if (match && value !== '' && found.size < MOST_PRESETS)
            found.set(`${Number(match[1]) + 1}:${Number(match[2]) + 1}`, value);
        }
        return found;
      })
      .catch((thrown: unknown) => {
        presets = null;
        const error = asAlarmflowError(thrown);
        // A model that lists none may recall them all the same, by number.
        if (!answerErrors.has(error.code)) throw error;
        return new Map<string, string>();
      });
    presets = { at: now, names };
    return names;
  }

  async function presetName(channel: number, preset: number, signal: AbortSignal): Promise<string | null> {
    return (await presetNames(signal)).get(`${channel}:${preset}`) ?? null;
  }

  // ---- what it polls ----

  const watch = createPortWatch({
    settings,
    clock,
    signal: closing.signal,
    read: (kind, numbers) =>
      readPorts(cgi, kind, numbers, closing.signal, timing.answerMs, (text) =>
        context.tap?.({ at: clock.now(), contentType: 'text/plain', bytes: Buffer.from(text, 'utf8') }),
      ),
    deliver(draft) {
      sink
        .event({ draft, pictures: [], receivedAt: clock.now(), late: false, clockSuspect: false })
        .catch((thrown: unknown) => {
          log.error('vivotek.event-not-kept', { type: draft.type, error: asAlarmflowError(thrown).message });
        });
    },
  });

  async function askOnce(known: CameraNature): Promise<number> {
    const polls = definition.receive !== 'push' && known.inputs.length + known.outputs.length > 0;
    if (polls) {
      await watch.poll(known.inputs, known.outputs);
      return timing.pollMs ?? settings.pollMs;
    }
    const request = { method: 'GET', path: '/cgi-bin/viewer/getparam.cgi?system_info_modelname' };
    await http.request({ ...request, signal: closing.signal, timeoutMs: timing.answerMs });
    return timing.presenceMs;
  }

  const onlineWords = (known: CameraNature): string => {
    const warning = known.facts.warnings.find((text) => text.startsWith('The camera has'));
    if (warning && definition.receive !== 'push') return `Answers. ${warning}`;
    if (definition.receive === 'push') return 'Answers; its events come by push';
    return known.inputs.length > 0 ? `Inputs ${known.inputs.join(', ')} are polled` : 'Answers; it has no inputs';
  };

  async function run(): Promise<void> {
    let attempt = 0;
    while (!closing.signal.aborted) {
      let pause = 0;
      try {
        nature = await learnInTime();
        watch.reconnected();
        await live(nature, () => {
          attempt = 0;
        });
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const error = asAlarmflowError(thrown);
        pause = lost(error, attempt++);
      }
      await sleepOrStop(clock, pause, closing.signal);
    }
  }

  /** Learning asks a dozen questions; a camera that hangs in the middle must not hold it for all their times. */
  async function learnInTime(): Promise<CameraNature> {
    const most = timing.answerMs * 4;
    const limit = new AbortController();
    const stop = (): void => limit.abort(closing.signal.reason);
    const timer = clock.after(
      most,
      () =>
        limit.abort(operationalError('E_DEVICE_TIMEOUT', `"${name}" did not answer all questions within ${most} ms`)),
      { background: true },
    );
    closing.signal.addEventListener('abort', stop, { once: true });
    try {
      return await learn(limit.signal);
    } finally {
      timer.cancel();
      closing.signal.removeEventListener('abort', stop);
    }
  }

  /**
   * Asks again and again until the camera is lost; throws why. Ends where it is time to learn anew what it has: a
   * camera that has just started, or was busy, may have told nothing of its inputs.
   */
  async function live(known: CameraNature, lasting: () => void): Promise<void> {
    let failures = 0;
    let good = 0;
    const polls = definition.receive !== 'push';
    const learnAt = known.inputsUnread && polls ? clock.monotonic() + timing.learnAgainMs : Number.POSITIVE_INFINITY;
    while (clock.monotonic() < learnAt) {
      let pause: number;
      try {
        pause = await askOnce(known);
        failures = 0;
        sink.seen(clock.now());
        if (good++ === 0) sink.link('online', onlineWords(known));
        // Only a connection that lives earns a quick return (PROTOCOLS §0.6).
        if (good === 3) lasting();
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (closing.signal.aborted || loginErrors.has(error.code) || ++failures > 1) throw error;
        pause = timing.againMs;
      }
      await clock.sleep(pause, closing.signal);
    }
  }

  /** Tells the loss; answers with the pause before the next try. */
  function lost(error: AlarmflowError, attempt: number): number {
    const refused = loginErrors.has(error.code);
    // It answers, but differently from what was learnt: it is asked anew who it is, without being called away.
    if (answerErrors.has(error.code) && nature) {
      log.info('vivotek.learning-again', { reason: error.message });
      nature = null;
    } else if (refused) sink.link('refused', withLockWords(error).message);
    else sink.link('offline', `${address}: ${error.message}`);
    return Math.max(timing.reopenMs(attempt), error.retryAfterMs ?? 0);
  }

  return {
    id,
    name,
    start() {
      if (definition.receive === 'push' && !definition.credentials) {
        // Without a login there is nothing to ask: it lives when it pushes.
        sink.link('connecting', 'Waits for the first push to its ingest path');
        return;
      }
      sink.link('connecting', `Connecting to ${address}`);
      running = run();
    },

    async push(request): Promise<ReceivedEvent[]> {
      const receivedAt = clock.now();
      context.tap?.({ at: receivedAt, contentType: MESSAGE_TYPE, bytes: asMessage(request) });
      const { timeZone } = definition;
      const found = understandCameraPush(request, { timeZone, now: receivedAt, offset, quietMs: settings.quietMs });
      sink.seen(receivedAt);
      if (definition.receive === 'push' && !definition.credentials) sink.link('online', 'Pushes its events');
      if (found.kind === 'test') return [];
      const { draft, pictures, late, clockSuspect } = found;
      // A replay must neither open nor end what is open now.
      const phase = late ? draft.phase : open.decide(draft, draft.phase, clock.monotonic());
      return [{ draft: { ...draft, phase } satisfies EventDraft, pictures, late, clockSuspect, receivedAt }];
    },

    async probe(signal): Promise<DeviceFacts> {
      try {
        nature = await learn(signal);
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (signal.aborted) throw error;
        throw await orOtherProtocol(withLockWords(error), { definition, clock, log, signal });
      }
      return nature.facts;
    },

    async offers(signal) {
      const known = nature ?? (await learn(signal));
      const names = await presetNames(signal);
      for (const [number, preset] of settings.presets) names.set(`1:${number}`, preset);
      return {
        ...noOffers,
        channels: Array.from({ length: known.facts.channels }, (_, i) => ({
          channel: i + 1,
          name: `Channel ${i + 1}`,
        })),
        inputs: known.inputs.map((input) => ({ input, name: `DI ${input}` })),
        outputs: known.outputs.map((output) => ({ output, name: `DO ${output}` })),
        presets: [...names].map(([key, preset]) => {
          const [channel, number] = key.split(':').map(Number);
          return { channel: channel ?? 1, preset: number ?? 1, name: preset };
        }),
        rules: (known.rules ?? []).map((rule) => ({
          channel: 1,
          rule: rule.name,
          name: rule.name,
          type: natureOf(rule.trigger || rule.name).type,
        })),
        eventTypes: [...eventTypes],
        switches: [
          ...['vi0', 'vi1', 'vi2'].map((line) => ({
            kind: 'line' as const,
            name: line,
            title: `Virtual input ${line.slice(2)}`,
          })),
          ...known.outputs.map((output) => ({
            kind: 'line' as const,
            name: `do${output}`,
            title: `Output ${output} with its own timer`,
          })),
        ],
      };
    },

    setOutput: actions.setOutput,
    readOutput: actions.readOutput,
    contactOf,
    snapshot: actions.snapshot,
    gotoPreset: actions.gotoPreset,
    ptz: actions.ptz,
    turn: actions.turn,
    liveStream: (channel, signal) => liveStreamOf(cgi, definition, channel, signal),
    setSwitch: actions.setSwitch,
    readSwitch: actions.readSwitch,
    async setUpPush(ingestUrl, signal) {
      const trial = client(() => undefined);
      try {
        return await setUpPush(createCgi(trial, name), name, ingestUrl, signal);
      } finally {
        trial.close();
      }
    },

    async close() {
      closing.abort(operationalError('E_CLOSED', `The connection to "${name}" is being closed`));
      actions.close();
      http.close();
      await running;
    },
  };
}

/** Nothing in the answer of these cameras tells a locked account from a wrong password: the message names both. */
function withLockWords(error: AlarmflowError): AlarmflowError {
  if (error.code !== 'E_CREDENTIALS_REFUSED') return error;
  const { retryAfterMs, facts } = error;
  return operationalError(
    error.code,
    `${error.message} If they are right, the camera may have locked the account after too many tries: wait, or restart it.`,
    { cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(facts ? { facts } : {}) },
  );
}
