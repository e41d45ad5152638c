import type { DeviceEvent } from '../domain/events';
import type { AlarmPolicy } from '../domain/triggers';
import { levelOf } from './filter';
import type { GateContext, GateSignal } from './state';
import { duration } from './words';

/** Quiet time of a pulse whose driver and trigger name none (PROTOCOLS §0.5: 5–10 s). */
export const DEFAULT_PULSE_QUIET_MS = 5_000;

/**
 * What tells a device event from any other of its kind, or null when the device gives nothing to tell it by.
 * A refresh needs the repeat counter: without it, two of one second look the same and are not.
 */
function identityOf(event: DeviceEvent): string | null {
  if (event.deviceTime === null) return null;
  if (event.repeat === undefined && (event.deviceAt === null || event.phase === 'refresh')) return null;
  return `${event.phase}|${event.vendorType}|${event.deviceTime}|${event.repeat ?? ''}|${event.rule ?? ''}|${event.objectId ?? ''}|${event.target ?? ''}|${event.direction ?? ''}`;
}

/** Quiet time that implies the end of what the event tells, or null where only a real end counts. */
export function quietOf(event: DeviceEvent, policy: AlarmPolicy): number | null {
  if (policy.quietMs !== null) return policy.quietMs > 0 ? policy.quietMs : null;
  if (event.phase === 'pulse') return Math.max(0, event.quietMs ?? DEFAULT_PULSE_QUIET_MS);
  return event.quietMs !== undefined && event.quietMs > 0 ? event.quietMs : null;
}

function lateness(event: DeviceEvent): string {
  const replayed = event.retransmitted === true ? ', sent again by the device' : '';
  return event.deviceAt === null
    ? `replayed from before${replayed}; recorded only`
    : `device time ${event.deviceTime ?? event.deviceAt}, ${duration(event.receivedAt - event.deviceAt)} before its receipt${replayed}; recorded only`;
}

/**
 * An event as the gates see it.
 *
 * @param refused why the trigger's filter refuses it, or null
 */
export function signalOf(
  event: DeviceEvent,
  policy: AlarmPolicy,
  refused: string | null,
  context: GateContext,
): GateSignal {
  return {
    kind: 'signal',
    at: event.receivedAt,
    phase: event.phase,
    eventId: event.id,
    identity: identityOf(event),
    stream: event.vendorType.toLowerCase(),
    ...(event.rule === undefined || policy.keyParts.includes('rule') ? {} : { rule: event.rule }),
    level: levelOf(event),
    quietMs: quietOf(event, policy),
    late: event.late ? lateness(event) : null,
    filter: refused,
    context,
  };
}
