import type { Clock, Timer } from '../../clock/clock';
import type { SwitchManner } from '../../domain/devices';
import { asAlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { FormerSettings } from '../former-settings';
import { childrenOf, type DocumentNode, findNode, numberOf, textOf } from './document';
import type { IsapiCalls } from './isapi-calls';

/** The device plays a sound for about this time and then falls silent by itself (PROTOCOLS §1.7). */
const PLAY_MS = 5_000;
const BASE = '/ISAPI/Event/triggers/notifications/AudioAlarm';

/** Name under which the volume before ours is kept. */
const VOLUME = 'siren-volume';

/** A sound that the device can play. */
export interface Sound {
  id: number;
  name: string;
}

/** The audible alarm of a camera, and the sirens of an alarm hub (`hub:<number>`). Their state cannot be read. */
export interface Siren {
  /** null: it has none. */
  sounds(signal: AbortSignal): Promise<Sound[] | null>;
  set(name: string, on: boolean, manner: SwitchManner, signal: AbortSignal): Promise<null>;
  close(): void;
}

export interface SirenOptions {
  calls: IsapiCalls;
  deviceName: string;
  /** Volume before ours. */
  former: FormerSettings;
  clock: Clock;
  log: Log;
  /** Aborts with the connection. */
  closing: AbortSignal;
}

export function createSiren({ calls, deviceName, former, clock, log, closing }: SirenOptions): Siren {
  const what = `Audible alarm of "${deviceName}"`;
  let timer: Timer | null = null;
  /** When what is played is over, in monotonic milliseconds; null: when it is switched off. */
  let ends: number | null = null;
  /** What was last begun, and from when its times count; null: it is off. */
  let begun: { what: string; since: number } | null = null;

  async function sounds(signal: AbortSignal): Promise<Sound[] | null> {
    const told = await calls.read(`${BASE}/capabilities?format=json`, what, signal);
    if (told) return soundsIn(told.root);
    return (await calls.read(`${BASE}?format=json`, what, signal)) ? [] : null;
  }

  /** @param changing called with the volume before, if it is another */
  async function setVolume(
    volume: number,
    signal: AbortSignal,
    changing: (before: number) => Promise<void> = async () => {},
  ): Promise<void> {
    const told = await calls.read(`${BASE}?format=json`, what, signal);
    const before = told ? numberOf(findNode(told.root, 'AudioAlarm') ?? told.root, 'audioVolume') : undefined;
    if (!told || before === undefined || before === volume) return;
    const config = withVolume(told.body, volume);
    if (config === null) return;
    await changing(before);
    await calls.write({ path: `${BASE}?format=json`, json: config }, what, signal);
  }

  const play = (sound: number, signal: AbortSignal): Promise<unknown> =>
    calls.write({ path: `${BASE}/${sound}/test?format=json`, json: {} }, what, signal);

  function stop(): void {
    timer?.cancel();
    timer = null;
  }

  async function restoreVolume(signal: AbortSignal): Promise<void> {
    const volume = Number((await former.get(VOLUME)) ?? Number.NaN);
    if (Number.isFinite(volume)) await setVolume(volume, signal);
    await former.forget(VOLUME);
  }

  /**
   * Plays again and again; an engine that dies leaves a device that falls silent by itself. The number of times in the
   * device's own settings (`alarmTimes`) counts for its own linkage, not for a sound that is asked for.
   *
   * @param left how often it is still to be played; null: as long as it is on
   */
  function goOn(sound: number, left: number | null): void {
    timer = clock.after(
      PLAY_MS,
      () => {
        timer = null;
        const over = left === 0 || (ends !== null && clock.monotonic() >= ends - 100);
        if (!over) goOn(sound, left === null ? null : left - 1);
        (over ? restoreVolume(closing) : play(sound, closing)).catch((thrown: unknown) => {
          if (!closing.aborted) log.warn('hikvision.siren-not-renewed', { reason: asAlarmflowError(thrown).message });
        });
      },
      { background: true },
    );
  }

  async function chosen(manner: SwitchManner, signal: AbortSignal): Promise<number> {
    const list = await sounds(signal);
    if (list === null)
      throw userError('E_NOT_SUPPORTED', `${what}: this model has none; choose an alarm output or another device`);
    if (manner.sound !== undefined) {
      if (list.length > 0 && !list.some((s) => s.id === manner.sound))
        throw userError(
          'E_BAD_PARAMETER',
          `${what}: there is no sound ${manner.sound}; there are: ${list.map((s) => `${s.id} ${s.name}`.trim()).join(', ')}`,
        );
      return wholeSound(manner.sound);
    }
    const told = await calls.read(`${BASE}?format=json`, what, signal);
    const config = told && (findNode(told.root, 'AudioAlarm') ?? told.root);
    const byClass = textOf(config ?? undefined, 'audioClass')?.toLowerCase() === 'customaudio' ? ['customAudioID'] : [];
    return wholeSound(numberOf(config ?? undefined, ...byClass, 'audioID', 'alertAudioID') ?? list[0]?.id ?? 1);
  }

  const wholeSound = (sound: number): number => {
    if (Number.isInteger(sound) && sound > 0 && sound < 100_000) return sound;
    throw userError('E_BAD_PARAMETER', `${what}: sound ${sound} is none; give a whole number from 1`);
  };

  async function setHub(id: string, on: boolean, signal: AbortSignal): Promise<null> {
    await calls.write(
      {
        path: `/ISAPI/SecurityCP/control/siren/${id}?format=json`,
        json: { SirenCtrl: { switch: on ? 'open' : 'close' } },
      },
      `Siren ${id} of "${deviceName}"`,
      signal,
    );
    return null;
  }

  return {
    sounds,

    async set(name, on, manner, signal) {
      const hub = /^hub:(\d{1,5})$/.exec(name);
      if (hub) return setHub(hub[1] ?? '', on, signal);
      if (name !== '' && name !== '1')
        throw userError(
          'E_BAD_PARAMETER',
          `"${name.slice(0, 40)}" is no siren of "${deviceName}": leave it empty, or give hub:<number> for one of an alarm hub`,
        );
      if (!on) {
        stop();
        begun = null;
        await restoreVolume(signal);
        return null;
      }
      const sound = await chosen(manner, signal);
      const until = manner.forMs === undefined ? null : clock.monotonic() + manner.forMs;
      const { times, since } = manner;
      const what = `${sound}/${manner.volume}/${times}`;
      if (times !== undefined && since !== undefined && begun?.what === what && since <= begun.since) {
        ends = until;
        return null;
      }
      if (manner.volume !== undefined) {
        await setVolume(Math.min(100, Math.max(0, Math.round(manner.volume))), signal, async (before) => {
          if ((await former.get(VOLUME)) === undefined) await former.keep(VOLUME, String(before));
        });
      }
      await play(sound, signal);
      stop();
      begun = { what, since: since ?? clock.now() };
      ends = until;
      goOn(sound, times === undefined ? null : times - 1);
      return null;
    },

    close: stop,
  };
}

/** `audioTypeListCap`, in newer firmware `AlertAudioTypeListCap` and others beside it. */
function soundsIn(root: DocumentNode): Sound[] {
  const cap = findNode(root, 'AudioAlarmCap') ?? root;
  const lists = ['audioTypeListCap', 'AlertAudioTypeListCap', 'CustomAudioTypeListCap'];
  const found = lists
    .flatMap((list) => childrenOf(cap, list))
    .flatMap((item) => {
      const id = numberOf(item, 'audioID', 'alertAudioID', 'customAudioID');
      const name = textOf(item, 'audioDescription', 'alertAudioDescription', 'customAudioName') ?? '';
      return id === undefined ? [] : [{ id, name: name.slice(0, 100) }];
    });
  return [...new Map(found.slice(0, 200).map((s) => [s.id, s])).values()];
}

/** The configuration as the device sent it, with another volume; null where it has no such form. */
function withVolume(body: Buffer, volume: number): unknown {
  let config: unknown;
  try {
    config = JSON.parse(body.toString('utf8').replaceAll('\0', ' '));
  } catch {
    // XML, or JSON that only our lenient reader understands: it can't be written back unchanged.
    return null;
  }
  if (typeof config !== 'object' || config === null || !('AudioAlarm' in config)) return null;
  const { AudioAlarm: alarm } = config;
  return typeof alarm === 'object' && alarm !== null ? { AudioAlarm: { ...alarm, audioVolume: volume } } : null;
}
