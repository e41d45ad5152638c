import type { Clock } from '../../clock/clock';
import type { DeviceDefinition, DeviceFacts } from '../../domain/devices';
import { type AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { Board } from './board';
import { createBoardLink } from './board-link';
import { readBits } from './requests';
import type { BoardSettings } from './settings';

export interface ProbeOptions {
  board: Board;
  definition: DeviceDefinition;
  settings: BoardSettings;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/**
 * Reads all that the settings name. Modbus boards say nothing of themselves, so the facts are those of the settings,
 * proved. Throws what tells the cause: not reachable, the other framing, a wrong unit id, wrong addresses.
 */
export async function probeBoard(options: ProbeOptions): Promise<DeviceFacts> {
  const { board, settings, definition, signal } = options;
  const warnings: string[] = [];
  try {
    if (settings.inputs.count > 0) await board.readInputs(signal);
    if (settings.outputs.count > 0) await outputsRead(options, warnings);
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    const silent =
      error.code === 'E_DEVICE_TIMEOUT' || error.code === 'E_DEVICE_PROTOCOL' || error.facts?.closed === true;
    throw silent && (await speaksOtherFraming(options)) ? otherFraming(definition.name, settings) : error;
  }
  if (settings.outputs.count > 0 && !settings.timer)
    warnings.push(
      'Its outputs stay as they are if alarmflow stops: if the board has timers or a watch-dog that switches off, use them',
    );
  return {
    model: `Modbus board (${settings.framing === 'tcp' ? 'Modbus TCP' : 'RTU over TCP'})`,
    serialNumber: '',
    firmware: '',
    deviceType: 'relay and input board',
    inputs: settings.inputs.count,
    outputs: settings.outputs.count,
    channels: 0,
    hasPtz: false,
    hasThermal: false,
    warnings,
  };
}

async function outputsRead({ board, settings, signal }: ProbeOptions, warnings: string[]): Promise<void> {
  try {
    const states = await board.readOutputs(signal);
    const odd = states.indexOf(null);
    if (odd >= 0)
      warnings.push(`Output ${odd + 1} holds neither the value for on nor the one for off: check both values`);
  } catch (thrown) {
    // Only written to, by its settings: then a refusal to be read proves that it is there.
    const error = asAlarmflowError(thrown);
    if (settings.outputs.readBack || error.family !== 'user') throw error;
  }
}

/** Asks on a connection of its own in the framing that is not set; any answer, an exception too, proves it. */
async function speaksOtherFraming({ definition, settings, clock, log, signal }: ProbeOptions): Promise<boolean> {
  const framing = settings.framing === 'tcp' ? 'rtu' : 'tcp';
  const { host, port } = definition;
  const link = createBoardLink({ host, port, framing, spacingMs: 0, backoff: () => 0, clock, log });
  try {
    await link.request(readBits('coils', 0, 1), {
      unit: settings.unit,
      timeoutMs: Math.min(1_000, settings.timeoutMs),
      board: definition.name,
      signal,
    });
    return true;
  } catch (thrown) {
    const { facts } = asAlarmflowError(thrown);
    return facts !== undefined && 'exception' in facts;
  } finally {
    link.close();
  }
}

const otherFraming = (name: string, { framing }: BoardSettings): AlarmflowError =>
  userError(
    'E_DEVICE_OPTIONS',
    framing === 'tcp'
      ? `"${name}" speaks RTU over TCP: choose that framing in its dialog`
      : `"${name}" speaks Modbus TCP: choose that framing in its dialog`,
  );
