import type { Clock } from '../../clock/clock';
import { systemClock } from '../../clock/system-clock';
import type { DeviceDriver } from '../driver';
import { createTurns, type Turns } from '../wire/turns';
import { connectGenicam } from './connection';
import { decodeGenicam } from './decode';
import { discoverCameras, GVCP_PORT } from './discover';
import { createFeatureCache } from './identity';
import { genicamDialog, readGenicamFields } from './options';
import { createToolRunner, type RunTool, type ToolCommand } from './tool';

export type { GenicamFaultName, GenicamSimulator, GenicamSimulatorOptions } from './simulator';
export { aravisFaults, genicamFaultNames, startGenicamSimulator } from './simulator';
export type { RunTool, ToolCommand, ToolLimits, ToolOutput } from './tool';

export interface GenicamDriverOptions {
  /** The program in place of Debian's `arv-tool-0.8`, for tests. */
  tool?: ToolCommand;
  /** Runs it in place of a process, for tests. */
  run?: RunTool;
}

/** The driver with a tool of its own, for tests. */
export function createGenicamDriver(options: GenicamDriverOptions = {}): DeviceDriver {
  const cache = createFeatureCache();
  // One process at a time for one camera, whichever connection asks: the selectors are the camera's, not ours.
  const turns = new Map<string, Turns>();
  const turnsOf = (host: string): Turns => {
    const known = turns.get(host);
    if (known) return known;
    const fresh = createTurns(1);
    turns.set(host, fresh);
    return fresh;
  };
  const runOn = (clock: Clock): RunTool => options.run ?? createToolRunner(clock, options.tool);
  return {
    kind: 'genicam',
    title: 'Area-scan camera (GenICam, GigE Vision and USB3 Vision)',
    defaultPort: GVCP_PORT,
    dialog: genicamDialog,
    readOptions: readGenicamFields,
    discover: (found, signal) => discoverCameras(runOn(systemClock), found, signal),
    connect: (context) =>
      connectGenicam(context, { run: runOn(context.clock), turns: turnsOf(context.definition.host), cache }),
    decode: decodeGenicam,
  };
}

/** Area-scan cameras through Aravis' command line (PROTOCOLS §6). */
export const genicamDriver: DeviceDriver = createGenicamDriver();
