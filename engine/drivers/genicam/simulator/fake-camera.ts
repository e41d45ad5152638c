import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../clock/clock';
import { operationalError } from '../../../domain/errors';
import { GVCP_PORT } from '../discover';
import { powerOn } from './camera-features';
import { cameraXml } from './camera-xml';
import { type GvcpRegisters, gvcpRegisters } from './gvcp';

/** Aravis' fake camera with our description. */
export interface FakeCamera {
  registers: GvcpRegisters;
  /** Stops the process as it stands (half-open), or lets it go on. */
  freeze(frozen: boolean): void;
  stop(): Promise<void>;
}

const COMMAND = 'arv-fake-gv-camera-0.8';
const START_MS = 15_000;
const STEP_MS = 50;

/**
 * Starts it. GigE Vision's control port is fixed: there can be one for each address. Throws `E_ARAVIS_MISSING`,
 * `E_PORT_IN_USE` (operational).
 */
export async function startFakeCamera(
  host: string,
  serial: string,
  variants: ReadonlySet<string>,
  clock: Clock,
): Promise<FakeCamera> {
  const registers = gvcpRegisters(host, clock);
  const taken = (): Error =>
    operationalError(
      'E_PORT_IN_USE',
      `Another camera (or simulated camera) has ${host}:${GVCP_PORT}, and this port is fixed: stop it first`,
    );
  if (await registers.answers()) throw taken();
  const folder = await mkdtemp(join(tmpdir(), 'alarmflow-camera-'));
  const file = join(folder, 'camera.xml');
  await writeFile(file, cameraXml(variants), { mode: 0o600 });
  const child = spawn(COMMAND, ['-i', host, '-s', serial, '-g', file], { stdio: 'ignore' });
  const ended = new Promise<Error | null>((resolve) => {
    child.on('error', (cause) =>
      resolve(
        operationalError(
          'E_ARAVIS_MISSING',
          `"${COMMAND}" is not installed on this machine: run "sudo apt install aravis-tools aravis-tools-cli"`,
          { cause },
        ),
      ),
    );
    child.on('exit', () => resolve(null));
  });
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);

  async function stop(): Promise<void> {
    process.removeListener('exit', orphaned);
    if (isRunning(child)) {
      child.kill('SIGKILL');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const outcome = await Promise.race([ended.then((error) => error ?? taken()), answering(registers, clock)]);
    if (outcome instanceof Error) throw outcome;
    for (const [address, value] of powerOn(variants)) await registers.write(address, value);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { registers, freeze: (frozen) => void child.kill(frozen ? 'SIGSTOP' : 'SIGCONT'), stop };
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

async function answering(registers: GvcpRegisters, clock: Clock): Promise<Error | null> {
  for (let waited = 0; waited < START_MS; waited += STEP_MS) {
    if (await registers.answers()) return null;
    await clock.sleep(STEP_MS);
  }
  return operationalError('E_DEVICE_TIMEOUT', `${COMMAND} did not answer within ${START_MS} ms of its start`);
}
