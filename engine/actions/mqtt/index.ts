/** The action `mqtt-publish` (REQUIREMENTS L13): tells an MQTT broker of each phase that is asked for. */
import type { Clock } from '../../clock/clock';
import { systemClock } from '../../clock/system-clock';
import type { ActionHandler, ActionResult, ActionRow } from '../../domain/actions';
import type { DeviceDirectory } from '../../domain/devices';
import { asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { MqttBroker } from '../../domain/mqtt-broker';
import { deviceOf } from '../device-of';
import { isAskedFor } from '../fields';
import { withHeldBack } from '../held-back';
import { createLoginBreaker, type LoginTry } from '../login-breaker';
import { idempotencyKey } from '../notify/machine-values';
import { brokerName, publishTo } from './broker';
import { mqttMessages } from './messages';
import { type MqttPublishParams, readMqttPublishParams } from './params';

export { type MqttPublishParams, readMqttPublishParams } from './params';

export interface MqttPublishParts {
  devices: DeviceDirectory;
  mqttBroker(id: string): MqttBroker | undefined;
  clock: Clock;
  siteName: string;
}

function brokerOf(parts: MqttPublishParts, id: string, row: ActionRow): MqttBroker {
  const broker = parts.mqttBroker(id);
  if (broker) return broker;
  throw userError(
    'E_UNKNOWN_BROKER',
    `MQTT node "${row.nodeName || row.nodeId}" names a broker that is gone: choose one in its dialog`,
  );
}

/** The broker as people know it. */
function nameOf(parts: MqttPublishParts, { brokerId }: MqttPublishParams, row: ActionRow): string {
  return brokerId === null ? `"${deviceOf(parts.devices, row).name}"` : brokerName(brokerOf(parts, brokerId, row));
}

/** A login as the breaker of refused logins knows it. */
const loginOf = (broker: MqttBroker): LoginTry => ({
  login: broker.credentials === null ? null : [broker.host, broker.port, broker.credentials],
  refusals: ['E_BROKER_LOGIN'],
  paused: (waitMs) =>
    operationalError(
      'E_BROKER_LOGIN_PAUSED',
      `${brokerName(broker)} has just refused the login; it is tried again in ${Math.ceil(waitMs / 1_000)} s. Check user and password`,
      { retryAfterMs: waitMs },
    ),
});

const proofs = { 0: 'was sent it; QoS 0 is not confirmed', 1: 'confirmed it', 2: 'confirmed it once for all' } as const;

export function mqttPublishHandler(parts: MqttPublishParts): ActionHandler {
  const breaker = createLoginBreaker(parts.clock);
  return {
    kind: 'mqtt-publish',
    heavy: false,
    defaultDeadlineMs: 60 * 60_000,
    attempts: 60,
    check(params) {
      readMqttPublishParams(params);
    },
    rehearse(row) {
      const params = readMqttPublishParams(row.params);
      const [{ topic, payload }] = mqttMessages(params, row, parts.siteName, false);
      const size = Buffer.byteLength(payload);
      return `would publish ${size} bytes on "${topic}" to ${nameOf(parts, params, row)} with QoS ${params.qos}`;
    },
    async execute({ row, signal, test }): Promise<ActionResult> {
      const params = readMqttPublishParams(row.params);
      if (!isAskedFor(params.phases, row) && !test)
        return { status: 'skipped', summary: `No message is asked for at the phase "${row.phase}"` };
      const messages = mqttMessages(params, row, parts.siteName, test === true);
      const name = nameOf(parts, params, row);
      if (params.brokerId === null) {
        const device = deviceOf(parts.devices, row);
        if (!device.publish) throw userError('E_NOT_SUPPORTED', `"${device.name}" is no MQTT broker: choose another`);
        for (const message of messages) await device.publish(message, signal);
      } else {
        const broker = brokerOf(parts, params.brokerId, row);
        await breaker.through(loginOf(broker), () =>
          publishTo(broker, messages, idempotencyKey(row), parts.clock, signal),
        );
      }
      return { status: 'done', summary: withHeldBack(`${name} ${proofs[params.qos]}: "${messages[0].topic}"`, row) };
    },
  };
}

/** Logs in and out again, and says what happened, for the dialog's test button. Never rejects. */
export async function testMqttBroker(
  broker: MqttBroker,
  clock: Clock = systemClock,
): Promise<{ ok: boolean; detail: string }> {
  try {
    await publishTo(broker, [], '', clock, new AbortController().signal);
    const login = broker.credentials ? `as ${broker.credentials.user}` : 'without a login';
    const hidden = broker.tls ? '' : '. Without TLS everybody on the network can read user and password';
    return { ok: true, detail: `${brokerName(broker)} takes us ${login}${hidden}` };
  } catch (thrown) {
    return { ok: false, detail: asAlarmflowError(thrown).message };
  }
}
