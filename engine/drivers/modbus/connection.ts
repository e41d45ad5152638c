import type { Timer } from '../../clock/clock';
import { type DeviceFacts, noOffers, type ReceivedEvent } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import type { EventDraft, EventPhase } from '../../domain/events';
import type { DriverConnection, DriverContext } from '../driver';
import { createSecondNet } from '../second-net';
import { createSwitchStates } from '../switch-states';
import { contactNumber, createBoard, LONGEST_FLASH_MS, outputNumber } from './board';
import { writeOnce } from './one-shot';
import { createPoller } from './poller';
import { probeBoard } from './probe';
import { boardSettings } from './settings';
import { shareBoardLink } from './shared-links';

export interface ModbusTiming {
  /** A connection that is lost and back within this time was never away. */
  graceMs: number;
  /** Pause before a reconnection after so many failures in a row. */
  backoff(failures: number): number;
}

/** Time for a board to let its coil follow. */
const SETTLE_MS = 150;

/** Opens the connection to one relay or input board (PROTOCOLS §7). Nothing moves before `start`. */
export function connectModbus(context: DriverContext, timing: ModbusTiming): DriverConnection {
  const { definition, sink, clock } = context;
  const { name } = definition;
  const log = context.log.with({ deviceId: definition.id });
  const settings = boardSettings(definition.options ?? {});
  const { inputs, outputs } = settings;
  const contentType = `application/x-modbus-${settings.framing}`;
  const { link, release } = shareBoardLink({
    host: definition.host,
    port: definition.port,
    framing: settings.framing,
    spacingMs: settings.spacingMs,
    backoff: timing.backoff,
    clock,
    log,
  });
  const board = createBoard(link, settings, name, () => {
    const { tap } = context;
    return tap && ((bytes) => tap({ at: clock.now(), contentType, bytes }));
  });
  const states = createSwitchStates();
  const secondNet = createSecondNet(clock, log);
  const closing = new AbortController();
  let online = false;
  /** Why outputs can't be read, as the operator was told. */
  let refused: string | undefined;
  let grace: Timer | null = null;

  // ---- what is read ----

  function tell(draft: Pick<EventDraft, 'type' | 'input' | 'output' | 'channelName'>, phase: EventPhase, on: boolean) {
    const what = draft.input === undefined ? `Output ${draft.output}` : `Input ${draft.input}`;
    const words = draft.input === undefined ? ['off', 'on'] : ['inactive', 'active'];
    const received: ReceivedEvent = {
      draft: {
        ...draft,
        vendorType: draft.input === undefined ? 'output' : 'input',
        phase,
        description: `${what}${draft.channelName ? ` (${draft.channelName})` : ''}: ${words[Number(on)]}`,
        deviceTime: null,
        deviceAt: null,
        raw: JSON.stringify({ unit: settings.unit, input: draft.input, output: draft.output, state: on }),
      },
      pictures: [],
      receivedAt: clock.now(),
      late: false,
      clockSuspect: false,
    };
    sink.event(received).catch((thrown: unknown) => {
      log.error('modbus.event-not-kept', { type: draft.type, error: asAlarmflowError(thrown).message });
    });
  }

  function areRead(kind: 'input' | 'output', read: (boolean | null)[]): void {
    for (const [at, on] of read.entries()) if (on !== null) isRead(kind, at, on);
  }

  function isRead(kind: 'input' | 'output', at: number, on: boolean): void {
    const phase = states.observe(`${kind} ${at + 1}`, on, false);
    if (phase === null) return;
    const channelName = (kind === 'input' ? inputs : outputs).names[at] || undefined;
    const place = kind === 'input' ? { input: String(at + 1) } : { output: String(at + 1) };
    tell({ type: kind === 'input' ? 'digital-input' : 'relay-state', ...place, channelName }, phase, on);
  }

  const poller = createPoller({
    board,
    settings,
    clock,
    backoff: timing.backoff,
    onInputs: (read) => areRead('input', read),
    onOutputs: (read) => {
      if (outputs.readBack) areRead('output', read);
    },
    onAnswer(refusal) {
      grace?.cancel();
      grace = null;
      sink.seen(clock.now());
      if (online && refusal?.message === refused) return;
      online = true;
      refused = refusal?.message;
      sink.link(
        'online',
        `Answers as unit ${settings.unit}${refusal ? `, but outputs are not read: ${refusal.message}` : ''}`,
      );
    },
    onFailure: isLost,
  });

  function isLost(error: AlarmflowError): void {
    states.connectionLost();
    const offline = (): void => {
      grace = null;
      online = false;
      sink.link('offline', error.message);
    };
    if (online) grace ??= clock.after(timing.graceMs, offline);
    else offline();
  }

  // ---- outputs ----

  async function readOutput(output: number, signal: AbortSignal): Promise<boolean | null> {
    return outputs.readBack ? board.readOutput(output, signal) : null;
  }

  async function confirmed(output: number, on: boolean, signal: AbortSignal): Promise<boolean | null> {
    const state = await readOutput(output, signal);
    if (state === null || state === on) return state;
    await clock.sleep(SETTLE_MS, signal);
    return readOutput(output, signal);
  }

  async function set(output: string, on: boolean, forMs: number | null, signal: AbortSignal): Promise<boolean | null> {
    const number = outputNumber(output, settings, name);
    const key = String(number);
    // Renewing must not switch on again what is being switched off.
    secondNet.release(key);
    const netMs = settings.secondNetMs || (forMs === null ? 0 : LONGEST_FLASH_MS);
    if (on && settings.timer && netMs > 0) {
      const timerMs = Math.min(netMs, forMs ?? netMs, LONGEST_FLASH_MS);
      await board.flash(number, timerMs, signal);
      secondNet.hold(key, timerMs, forMs, (ms) => board.flash(number, ms, closing.signal));
    } else await board.write(number, on, signal);
    return confirmed(number, on, signal);
  }

  const noSuchThing = (what: string): Promise<never> =>
    Promise.reject(
      userError('E_NOT_SUPPORTED', `"${name}" is a Modbus board and has no ${what}: choose another device`),
    );

  return {
    id: definition.id,
    name,
    start() {
      sink.link('connecting', `Connecting to ${definition.host}:${definition.port}`);
      poller.start();
    },
    push: () => noSuchThing('way to push: it is read'),
    async probe(signal): Promise<DeviceFacts> {
      const facts = await probeBoard({ board, definition, settings, clock, log, signal });
      sink.facts(facts);
      return facts;
    },
    setOutput: (output, on, signal) => set(output, on, null, signal),
    async readOutput(output, signal) {
      return readOutput(outputNumber(output, settings, name), signal);
    },
    contactOf: (kind, output) =>
      kind === 'relay' || kind === 'siren' || kind === 'light' ? contactNumber(output, settings) : null,
    snapshot: () => noSuchThing('camera'),
    gotoPreset: () => noSuchThing('camera'),
    async setSwitch(kind, output, on, manner, signal) {
      if (kind !== 'siren' && kind !== 'light') return noSuchThing(kind);
      return set(output, on, manner.forMs ?? null, signal);
    },
    async readSwitch(kind, output, signal) {
      if (kind !== 'siren' && kind !== 'light') return noSuchThing(kind);
      return readOutput(outputNumber(output, settings, name), signal);
    },
    writeModbus: (write, signal) =>
      writeOnce(
        {
          name,
          clock,
          closing: closing.signal,
          ask: (request, unit, asked) =>
            link.request(request, {
              unit: unit ?? settings.unit,
              timeoutMs: settings.timeoutMs,
              board: `"${name}"`,
              signal: asked,
            }),
        },
        write,
        signal,
      ),
    async offers() {
      const listed = (count: number, names: string[], what: string) =>
        Array.from({ length: count }, (_, at) => ({ number: String(at + 1), name: names[at] || `${what} ${at + 1}` }));
      const relays = listed(outputs.count, outputs.names, 'Output');
      return {
        ...noOffers,
        inputs: listed(inputs.count, inputs.names, 'Input').map(({ number, name }) => ({ input: number, name })),
        outputs: relays.map(({ number, name }) => ({ output: number, name })),
        eventTypes: [
          ...(inputs.count ? ['digital-input' as const] : []),
          ...(outputs.count ? ['relay-state' as const] : []),
        ],
        switches: (['siren', 'light'] as const).flatMap((kind) =>
          relays.map(({ number, name }) => ({ kind, name: number, title: name })),
        ),
      };
    },
    async close() {
      closing.abort();
      grace?.cancel();
      secondNet.close();
      const stopped = poller.close();
      release();
      await stopped;
    },
  };
}
