/** What nodes need of their devices, read from what they ask for, and held against what is known of the devices. */
import { capabilityProblem, type DeviceNeed, type KnownDevice } from '../domain/capabilities';
import type { ActionTest, OutputTest } from '../index';

/** A need, and of which device. */
export type NodeNeed = DeviceNeed & { deviceId: string };

const idOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const channelOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;

/**
 * Whatever its kind, an action names a channel of its device `channel` or `channels`, a preset `preset`, and the camera
 * whose picture it takes `snapshotDeviceId` and `snapshotChannel`.
 */
export function actionNeeds({ kind, deviceId, params }: Pick<ActionTest, 'kind' | 'deviceId' | 'params'>): NodeNeed[] {
  const needs: NodeNeed[] = [];
  const preset = channelOf(params.preset);
  const channels = [params.channel, ...(Array.isArray(params.channels) ? params.channels : [])].flatMap((value) => {
    const channel = channelOf(value);
    return channel === null ? [] : [channel];
  });
  if (deviceId !== null)
    for (const channel of channels)
      needs.push(
        kind === 'ptz-preset' && preset !== null
          ? { deviceId, need: 'output', kind: 'ptz', output: String(channel), move: { move: 'preset', number: preset } }
          : { deviceId, need: 'channel', channel },
      );
  const camera = idOf(params.snapshotDeviceId);
  const picture = channelOf(params.snapshotChannel);
  if (camera !== null && picture !== null) needs.push({ deviceId: camera, need: 'channel', channel: picture });
  return needs;
}

export function outputNeeds({
  deviceId,
  kind = 'relay',
  output,
  manner,
}: Pick<OutputTest, 'deviceId' | 'kind' | 'output' | 'manner'>): NodeNeed[] {
  return [
    {
      deviceId,
      need: 'output',
      kind,
      output,
      ...(manner?.move ? { move: manner.move } : {}),
      ...(manner?.home ? { home: manner.home } : {}),
    },
  ];
}

/** The first thing that cannot be had, in a sentence; null: nothing is known against any of them. */
export function firstProblem(
  needs: readonly NodeNeed[],
  known: (deviceId: string) => KnownDevice | null,
): string | null {
  for (const { deviceId, ...need } of needs) {
    const device = known(deviceId);
    const problem = device && capabilityProblem(need, device);
    if (problem) return problem;
  }
  return null;
}
