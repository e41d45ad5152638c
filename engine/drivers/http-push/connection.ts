import type { DeviceFacts, PushAnswer, PushRequest, ReceivedEvent } from '../../domain/devices';
import { noOffers } from '../../domain/devices';
import { asAlarmflowError, userError } from '../../domain/errors';
import type { CapturedPart, DriverConnection, DriverContext } from '../driver';
import { createOpenConditions } from '../open-conditions';
import { queryFields, readBody } from './body';
import { mapPush, type Understood } from './mapping';
import { asMessage, asReadableMessage, MESSAGE_TYPE, readableBody, splitPath } from './message';
import { compileMapping, type Mapping, readHttpPushOptions } from './options';
import { createRecentBodies } from './recent';
import { withoutSecrets } from './redaction';

/** For so long a push that made no event is told beside those that do. */
const TOLD_MS = 10 * 60_000;

/** A connection that only receives. */
export interface HttpPushConnection extends DriverConnection {
  /**
   * What was pushed last, oldest first, whether it made an event or not: each a whole request (`message/http`) as
   * text, secrets by their names removed, at most 64 KiB of body. What it holds `decode` reads.
   */
  recent(): CapturedPart[];
  /** What the sender wants to be answered after a push that was taken. */
  answer(): PushAnswer;
}

/** Understands one push by a mapping; used by the connection and by `decode`. Throws `E_BAD_PUSH` (user). */
export function understandPush(
  mapping: Mapping,
  request: Pick<PushRequest, 'method' | 'path' | 'headers' | 'body'>,
  timeZone: string | null,
  now: number,
  leftOut?: (count: number, reason: string) => void,
): Understood[] {
  if (!mapping.methods.includes(request.method.toUpperCase()))
    throw userError(
      'E_BAD_PUSH',
      `${request.method.slice(0, 20)} is not taken here: the device's dialog allows ${mapping.methods.join(', ')}`,
    );
  const { path, query } = splitPath(request.path);
  const body = readBody(request.headers, request.body);
  const scope = {
    method: request.method,
    path,
    query: queryFields(query),
    headers: request.headers,
    body,
    item: null,
  };
  return mapPush(mapping, scope, { timeZone, now, payload: readableBody(request.body), leftOut });
}

/** Receives the pushes of one sender that has no address (REQUIREMENTS T17). Nothing is sent anywhere. */
export function connectHttpPush(context: DriverContext): HttpPushConnection {
  const { definition, sink, clock } = context;
  const log = context.log.with({ deviceId: definition.id });
  const { id, name } = definition;
  const mapping = compileMapping(readHttpPushOptions(definition.options ?? {}));
  const open = createOpenConditions();
  const recent = createRecentBodies(mapping.recent);
  let started = false;
  let lastAt: number | null = null;
  /** Why a push made no event, the last one. */
  let refusal: { reason: string; at: number } | null = null;

  /** Also a push that makes no event proves that its sender lives; that it makes none, somebody has to know. */
  function alive(): void {
    lastAt = clock.now();
    sink.seen(lastAt);
    if (refusal && clock.monotonic() - refusal.at > TOLD_MS) refusal = null;
    sink.link('online', refusal ? `Pushes, but not all makes an event: ${refusal.reason}` : 'Pushes its events');
  }

  function isRefused(reason: string): void {
    refusal = { reason: withoutSecrets(reason).slice(0, 300), at: clock.monotonic() };
  }

  function refuse(what: string): Promise<never> {
    return Promise.reject(
      userError(
        'E_NOT_SUPPORTED',
        `"${name}" only pushes: it has no ${what} that alarmflow can reach. Choose another device`,
      ),
    );
  }

  return {
    id,
    name,
    start() {
      started = true;
      // Whether the sender lives can only be known when it has pushed; until then it waits, it isn't missing.
      sink.link('connecting', 'Waits for the first push to its ingest path');
    },

    async push(request): Promise<ReceivedEvent[]> {
      const receivedAt = clock.now();
      context.tap?.({ at: receivedAt, contentType: MESSAGE_TYPE, bytes: asMessage(request) });
      recent.keep({
        at: receivedAt,
        contentType: MESSAGE_TYPE,
        bytes: Buffer.from(asReadableMessage(request), 'utf8'),
      });
      let understood: Understood[];
      try {
        understood = understandPush(mapping, request, definition.timeZone, receivedAt, (count, reason) => {
          log.warn('http-push.items-left-out', { count, reason });
          isRefused(`${count} of the items of a push were left out: ${reason}`);
        });
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        log.warn('http-push.refused', { reason: error.message, bytes: request.body.length });
        isRefused(error.message);
        alive();
        throw error;
      }
      alive();
      return understood.map(({ draft, ...event }) => ({
        ...event,
        draft: { ...draft, phase: open.decide(draft, draft.phase, clock.monotonic()) },
        receivedAt,
      }));
    },

    async probe(): Promise<DeviceFacts> {
      const types = [...new Set(mapping.types.values())];
      return {
        model: 'HTTP push',
        serialNumber: '',
        firmware: '',
        deviceType: 'sender',
        inputs: 0,
        outputs: 0,
        channels: 0,
        hasPtz: false,
        hasThermal: types.some((type) => type.startsWith('temperature-')),
        warnings: [
          ...(started && lastAt === null
            ? ['Nothing has been pushed yet: let the sender push to the ingest path']
            : []),
          ...(refusal ? [`A push made no event: ${refusal.reason}`] : []),
        ],
      };
    },

    async offers() {
      const types = new Set(mapping.types.values());
      if (mapping.defaultType) types.add(mapping.defaultType);
      return { ...noOffers, eventTypes: [...types] };
    },

    setOutput: () => refuse('outputs'),
    readOutput: () => refuse('outputs'),
    snapshot: () => refuse('pictures'),
    gotoPreset: () => refuse('presets'),

    recent: recent.list,
    answer: () => ({ ...mapping.answer }),

    async close() {},
  };
}
