/** What actions and outputs see of a device: its connection of the moment, and what that cannot do said in words. */
import type { ConnectedDevice, PtzMove, SwitchKind } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import type { DriverConnection } from './driver';
import { moveWords } from './ptz-moves';

/** @param connectionOf asked at each call; throws AlarmflowError while there is none */
export function connectedDevice(
  id: string,
  nameOf: () => string,
  connectionOf: () => DriverConnection,
): ConnectedDevice {
  const use = async <T>(call: (connection: DriverConnection) => Promise<T>): Promise<T> => {
    const connection = connectionOf();
    try {
      return await call(connection);
    } catch (thrown) {
      throw asAlarmflowError(thrown);
    }
  };
  async function moved(c: DriverConnection, channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    if (c.ptz) return c.ptz(channel, move, signal);
    return move.move === 'preset' ? c.gotoPreset(channel, move.number, signal) : noPtz(c.name, moveWords(move));
  }
  return {
    id,
    get name() {
      return nameOf();
    },
    setOutput: (output, on, signal) => use((c) => c.setOutput(output, on, signal)),
    readOutput: (output, signal) => use((c) => c.readOutput(output, signal)),
    contactOf(kind, output) {
      return connectionOf().contactOf?.(kind, output) ?? null;
    },
    snapshot: (channel, signal) => use((c) => c.snapshot(channel, signal)),
    gotoPreset: (channel, preset, signal) => use((c) => c.gotoPreset(channel, preset, signal)),
    setSwitch: (kind, name, on, manner, signal) =>
      use((c) => (c.setSwitch ? c.setSwitch(kind, name, on, manner, signal) : noSwitch(c.name, kind))),
    readSwitch: (kind, name, signal) =>
      use((c) => (c.readSwitch ? c.readSwitch(kind, name, signal) : noSwitch(c.name, kind))),
    ptz: (channel, move, signal) => use((c) => moved(c, channel, move, signal)),
    turn: (channel, move, signal) =>
      use(async (c) => {
        if (c.turn) return c.turn(channel, move, signal);
        await moved(c, channel, move, signal);
        return { arrival: null };
      }),
    liveStream: (channel, signal) => use((c) => (c.liveStream ? c.liveStream(channel, signal) : noStream(c.name))),
    trigger: (name, signal) => use((c) => (c.trigger ? c.trigger(name, signal) : noTrigger(c.name))),
    publish: (message, signal) => use((c) => (c.publish ? c.publish(message, signal) : noBroker(c.name))),
    writeModbus: (write, signal) => use((c) => (c.writeModbus ? c.writeModbus(write, signal) : noBoard(c.name))),
  };
}

const noSwitch = (device: string, kind: SwitchKind): Promise<never> =>
  Promise.reject(
    userError(
      'E_NOT_SUPPORTED',
      `"${device}" has no ${kind} that alarmflow can switch: choose another device or action`,
    ),
  );

const noPtz = (device: string, move: string): Promise<never> =>
  Promise.reject(
    userError('E_NOT_SUPPORTED', `"${device}" does not know the PTZ move "${move}": choose a preset or another camera`),
  );

const noStream = (device: string): Promise<never> =>
  Promise.reject(
    userError(
      'E_NOT_SUPPORTED',
      `"${device}" has no live picture that alarmflow can record: record it on the device itself`,
    ),
  );

const noTrigger = (device: string): Promise<never> =>
  Promise.reject(userError('E_NOT_SUPPORTED', `"${device}" has no software trigger: choose another device or action`));

const noBroker = (device: string): Promise<never> =>
  Promise.reject(userError('E_NOT_SUPPORTED', `"${device}" is no MQTT broker: choose another device or action`));

const noBoard = (device: string): Promise<never> =>
  Promise.reject(userError('E_NOT_SUPPORTED', `"${device}" is no Modbus board: choose another device or action`));
