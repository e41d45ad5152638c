/** ffmpeg as a process of its own: no shell, no login among its arguments, a plain error for each way it fails. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { type AlarmflowError, operationalError, userError } from '../domain/errors';

/** Most of what it says in words that is kept. */
const MOST_WORDS = 8 * 1024;

export const ffmpegMissing = (path: string): AlarmflowError =>
  userError(
    'E_FFMPEG_MISSING',
    `ffmpeg cannot be started as "${path}": install it (Debian, Ubuntu: apt install ffmpeg) or set ffmpegPath (--ffmpeg-path) to where it is`,
  );

export interface FfmpegRun {
  child: ChildProcess;
  /** What it said so far, the end of it. */
  words(): string;
  /** Resolves with its exit code, or null when it was ended by a signal; rejects with E_FFMPEG_MISSING. */
  ended: Promise<number | null>;
  /** Ends it at once. */
  kill(): void;
}

/**
 * Starts ffmpeg; its standard input and output are pipes. `words` may hold addresses with a login: only what `reasonOf`
 * makes of them may be shown.
 *
 * @param level `info`: it also tells what it has found in its input
 */
export function startFfmpeg(path: string, args: readonly string[], level: 'error' | 'info' = 'error'): FfmpegRun {
  const child = spawn(path, ['-hide_banner', '-nostats', '-loglevel', `level+${level}`, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
    windowsHide: true,
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('latin1')).slice(-MOST_WORDS);
  });
  // A process that has ended takes no more input: its exit code tells why.
  child.stdin?.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (thrown: NodeJS.ErrnoException) =>
      reject(/^E(?:NOENT|ACCES|NOEXEC|NOTDIR)$/.test(thrown.code ?? '') ? ffmpegMissing(path) : startFailed(thrown)),
    );
    child.once('close', (code) => resolve(code));
  });
  // Whoever waits gets the rejection; without anybody waiting it must not end the process.
  ended.catch(() => undefined);
  if (child.pid !== undefined) {
    try {
      // Alarms go before pictures of them.
      setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // It has ended already, or the system knows no priorities: it then runs with ours.
    }
  }
  return { child, words: () => said, ended, kill: () => void child.kill('SIGKILL') };
}

const startFailed = (thrown: Error): AlarmflowError =>
  operationalError('E_RECORDER', `ffmpeg could not be started: ${thrown.message}`, { cause: thrown });

/** Why it failed, in one line without any address. */
export function reasonOf(words: string): string {
  const lines = words
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/rtsps?:\/\//i.test(line) && !/\[(?:info|warning)\]/.test(line.slice(0, 60)));
  const last = (lines.at(-1) ?? '').replace(/^(?:\[[^\]]*\] *){1,3}/, '').replace(/^(?:pipe:\d?|fd:): */, '');
  return last.replace(/[\p{Cc}]/gu, ' ').slice(0, 200) || 'it gave no reason';
}

/**
 * Runs ffmpeg to its end: `input` into its standard input, its output back, at most `most` bytes.
 * @throws E_FFMPEG_MISSING (user), E_RECORDER (operational), the signal's reason
 */
export async function runFfmpeg(
  path: string,
  args: readonly string[],
  input: AsyncIterable<Buffer>,
  most: number,
  signal: AbortSignal,
): Promise<Buffer> {
  signal.throwIfAborted();
  const run = startFfmpeg(path, args);
  const stop = (): void => run.kill();
  signal.addEventListener('abort', stop, { once: true });
  const parts: Buffer[] = [];
  let bytes = 0;
  run.child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > most) run.kill();
    else parts.push(chunk);
  });
  try {
    const fed = feed(run, input);
    const code = await run.ended;
    await fed;
    signal.throwIfAborted();
    if (bytes > most)
      throw operationalError('E_RECORDER', `ffmpeg made more than the ${most} bytes that a picture may have`);
    if (code !== 0) throw operationalError('E_RECORDER', `ffmpeg could not do it: ${reasonOf(run.words())}`);
    return Buffer.concat(parts);
  } finally {
    signal.removeEventListener('abort', stop);
    run.kill();
  }
}

/** Writes as fast as it reads; ends early when it wants no more. */
async function feed(run: FfmpegRun, input: AsyncIterable<Buffer>): Promise<void> {
  const { stdin } = run.child;
  if (!stdin) return;
  let over = false;
  const ended = run.ended.then(
    () => undefined,
    () => undefined,
  );
  void ended.then(() => {
    over = true;
  });
  for await (const chunk of input) {
    if (over || stdin.destroyed) return;
    if (!stdin.write(chunk))
      await Promise.race([new Promise<void>((resolve) => stdin.once('drain', () => resolve())), ended]);
  }
  stdin.end();
}

/** Whether ffmpeg is there. */
export async function ffmpegVersion(path: string): Promise<{ ok: boolean; detail: string }> {
  const run = startFfmpeg(path, ['-version']);
  let said = '';
  run.child.stdout?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('latin1')).slice(0, 200);
  });
  try {
    await run.ended;
  } catch (thrown) {
    return { ok: false, detail: (thrown as AlarmflowError).message };
  }
  const version = /^ffmpeg version (\S+)/.exec(said)?.[1];
  return version === undefined
    ? { ok: false, detail: `"${path}" is no ffmpeg: set ffmpegPath (--ffmpeg-path) to where it is` }
    : { ok: true, detail: `ffmpeg ${version}` };
}
