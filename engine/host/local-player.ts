/**
 * Plays an alarm's sound on this machine: a program that the site's configuration names, started without a shell while
 * the output is held. Off is the safe side: it is ended with the hold, with this process, and, if that was killed, by
 * the next start.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, endedWithin, type Timer } from '../clock/clock';
import type { SwitchManner } from '../domain/devices';
import { asAlarmflowError, operationalError, userError } from '../domain/errors';
import { playerDevice } from '../domain/local-devices';
import type { Log } from '../domain/log';
import { alarmSound } from './alarm-sound';

export interface PlayerSettings {
  /** Program, by its name or path; null: this site has no player. */
  command: string | null;
  /** Its arguments; `{sound}` stands for the file, `{volume}` for 0–100. */
  arguments: readonly string[];
  /** Files, numbered from 1; none: a sound of our own. */
  sounds: readonly string[];
  /** Start it again when it ends before the hold does. */
  repeat: boolean;
}

export interface LocalPlayer {
  set(on: boolean, manner: SwitchManner, signal: AbortSignal): Promise<boolean>;
  isPlaying(): boolean;
  close(): Promise<void>;
}

export interface LocalPlayerOptions {
  settings: PlayerSettings;
  dataDir: string;
  clock: Clock;
  log: Log;
  /** It ended in the middle of a hold and does not start again: it has to be driven again. */
  failed(): void;
}

/** A program that ends within this time with an error has not played. */
const PROOF_MS = 250;
/** Ends by itself sooner than this: the next start waits. */
const SHORT_MS = 500;
const PAUSE_MS = 1_000;
/** Failures in a row after which the output is told to be away. */
const MOST_FAILURES = 3;
const KILL_AFTER_MS = 2_000;
/** What a program that has ended said last may still be on its way; a child of it may hold the line open. */
const LAST_WORDS_MS = 500;
const MOST_WORDS = 2_000;
const DEFAULT_VOLUME = 100;

interface Running {
  child: ChildProcess;
  args: readonly string[];
  startedAt: number;
  /** Resolves when it is gone. */
  ended: Promise<void>;
  /** Resolves when it has said all. */
  said: Promise<void>;
  words: string;
}

export function createLocalPlayer(options: LocalPlayerOptions): LocalPlayer {
  const { settings, clock, log } = options;
  const pidFile = join(options.dataDir, 'player.pid');
  /** What is to be played; null: nothing. */
  let wanted: readonly string[] | null = null;
  let running: Running | null = null;
  let again: Timer | null = null;
  let failures = 0;
  /** How often it is still to be played, the sound that plays included; null: as long as it is on. */
  let left: number | null = null;
  /** What was last asked for, and from when its times count; null: it is off. */
  let asked: { line: string; times: number | null; since: number } | null = null;

  const away = (reason: string): Error =>
    operationalError(
      'E_PLAYER_AWAY',
      `The local player "${settings.command}" does not play: ${reason}. Install the program, or correct playerCommand, playerArguments and playerSounds in the site's configuration`,
    );

  function soundOf(number: number | undefined): string {
    const { sounds } = settings;
    const file = sounds[(number ?? 1) - 1];
    if (file !== undefined) return file;
    // A number that is a device's own: an alarm that sounds otherwise is better than one that does not.
    const [first] = sounds;
    if (first !== undefined) return first;
    return ownSound();
  }

  function ownSound(): string {
    const own = join(options.dataDir, 'sounds', 'alarm.wav');
    const sound = alarmSound();
    try {
      // Written once: a disk that is full later must not take away the sound that is there.
      if (existsSync(own) && readFileSync(own).equals(sound)) return own;
      mkdirSync(join(options.dataDir, 'sounds'), { recursive: true });
      writeFileSync(own, sound);
      return own;
    } catch (thrown) {
      const { message } = asAlarmflowError(thrown);
      throw operationalError(
        'E_PLAYER_AWAY',
        `The local player has no sound: ${own} cannot be written (${message}). Free some space there, or name files in playerSounds of the site's configuration`,
        { cause: thrown },
      );
    }
  }

  function argumentsOf(manner: SwitchManner): string[] {
    const sound = soundOf(manner.sound);
    const volume = String(manner.volume ?? DEFAULT_VOLUME);
    const given = settings.arguments.length > 0 ? settings.arguments : ['{sound}'];
    return given.map((argument) => argument.replaceAll('{sound}', () => sound).replaceAll('{volume}', volume));
  }

  function begin(command: string, args: readonly string[]): Promise<Running> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, [...args], { stdio: ['ignore', 'ignore', 'pipe'], shell: false, windowsHide: true });
      let gone: () => void = () => undefined;
      const ended = new Promise<void>((done) => {
        gone = done;
      });
      const said = new Promise<void>((done) => {
        child.stderr?.once('close', () => done());
      });
      const own: Running = { child, args, startedAt: clock.monotonic(), ended, said, words: '' };
      child.stderr?.on('data', (bytes: Buffer) => {
        own.words = (own.words + bytes.toString('utf8')).slice(-MOST_WORDS);
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        gone();
        const missing =
          error.code === 'ENOENT' ? 'there is no such program on this machine' : (error.code ?? 'it fails');
        reject(away(missing));
      });
      child.once('spawn', () => {
        running = own;
        remember(pidFile, child.pid, command, args, log);
        resolve(own);
      });
      child.once('exit', (code, killedBy) => {
        gone();
        over(own, code, killedBy);
      });
    });
  }

  async function wordsOf(own: Running, code: number | null): Promise<string> {
    await endedWithin(clock, own.said, LAST_WORDS_MS);
    const last = own.words.trim().split('\n').at(-1)?.trim().slice(0, 200) ?? '';
    return `it ended with ${code ?? 'a signal'}${last === '' ? '' : ` ("${last}")`}`;
  }

  async function tellOf(own: Running, code: number | null, inARow: number): Promise<void> {
    log.warn('player.ended', { reason: await wordsOf(own, code), failures: inARow });
  }

  /** It ended; while it is to sound it is started again. */
  function over(own: Running, code: number | null, killedBy: NodeJS.Signals | null): void {
    if (running !== own) return;
    running = null;
    forget(pidFile, log);
    if (wanted === null || own.args !== wanted) return;
    const failed = code !== 0 || killedBy !== null;
    failures = failed ? failures + 1 : 0;
    if (failed) void tellOf(own, code, failures);
    if (failures >= MOST_FAILURES) {
      wanted = null;
      options.failed();
      return;
    }
    if (left !== null && !failed) left--;
    if (left === 0 || (left === null && !settings.repeat && !failed)) return;
    const short = clock.monotonic() - own.startedAt < SHORT_MS;
    again = clock.after(
      short ? PAUSE_MS : 0,
      () => {
        again = null;
        if (wanted !== own.args || settings.command === null) return;
        begin(settings.command, own.args).catch((thrown: unknown) => {
          log.warn('player.not-started', { error: asAlarmflowError(thrown).message });
          wanted = null;
          options.failed();
        });
      },
      { background: true },
    );
  }

  async function end(): Promise<void> {
    wanted = null;
    asked = null;
    again?.cancel();
    again = null;
    const own = running;
    if (!own) return;
    own.child.kill('SIGTERM');
    const hard = clock.after(KILL_AFTER_MS, () => own.child.kill('SIGKILL'));
    await own.ended;
    hard.cancel();
  }

  async function start(manner: SwitchManner, signal: AbortSignal): Promise<void> {
    const { command } = settings;
    if (command === null)
      throw userError(
        'E_NO_PLAYER',
        'This site has no local player: set playerCommand in its configuration (--player-command), e.g. aplay, and start alarmflow again',
      );
    const args = argumentsOf(manner);
    const line = args.join('\0');
    const { times = null, since } = manner;
    const same = wanted !== null && asked?.line === line && asked.times === times;
    if (same && (times === null ? running !== null : since !== undefined && since <= (asked?.since ?? 0))) return;
    await end();
    signal.throwIfAborted();
    wanted = args;
    asked = { line, times, since: since ?? clock.now() };
    left = times;
    failures = 0;
    try {
      const own = await begin(command, args);
      // A program that cannot play says so at once and ends.
      await Promise.race([own.ended, clock.sleep(PROOF_MS, signal)]);
      const { exitCode } = own.child;
      if (exitCode !== null && exitCode !== 0) throw away(await wordsOf(own, exitCode));
    } catch (thrown) {
      await end();
      throw thrown;
    }
  }

  /** One change after another: the off that follows an on must find what that has started. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  endLeftOver(pidFile, log);

  return {
    set: (on, manner, signal) =>
      inTurn(async () => {
        await (on ? start(manner, signal) : end());
        return on;
      }),
    isPlaying: () => running !== null || again !== null,
    close: () => inTurn(end),
  };
}

/** Written at each start, so that a sound outlives a killed process only until the next. */
function remember(pidFile: string, pid: number | undefined, command: string, args: readonly string[], log: Log): void {
  try {
    if (pid !== undefined) writeFileSync(pidFile, JSON.stringify({ pid, line: [command, ...args] }), { mode: 0o600 });
  } catch (thrown) {
    // A full disk must not silence an alarm: what is lost is that the next start could end it.
    log.warn('player.not-noted', { error: asAlarmflowError(thrown).message });
  }
}

function forget(pidFile: string, log: Log): void {
  try {
    rmSync(pidFile, { force: true });
  } catch (thrown) {
    // The next start compares it with what runs, and leaves others alone.
    log.warn('player.note-not-removed', { error: asAlarmflowError(thrown).message });
  }
}

/** Ends the player of a run that was killed; a process id that belongs to another program now is left alone. */
function endLeftOver(pidFile: string, log: Log): void {
  try {
    const { pid, line } = JSON.parse(readFileSync(pidFile, 'utf8')) as { pid: unknown; line: unknown };
    rmSync(pidFile, { force: true });
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2 || !Array.isArray(line)) return;
    const now = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    // An interpreter may stand before the command that was started.
    if (now.slice(-line.length + 1).join('\0') !== line.slice(1).join('\0')) return;
    process.kill(pid, 'SIGKILL');
    log.warn('player.left-over-ended', { pid, player: playerDevice.name });
  } catch (error) {
    // No file, no such process, or no /proc: there is nothing to end.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH') log.warn('player.left-over-unknown', { reason: String(code) });
  }
}
