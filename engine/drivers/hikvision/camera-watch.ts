import type { Clock, Timer } from '../../clock/clock';
import { asAlarmflowError } from '../../domain/errors';
import type { EventDraft } from '../../domain/events';
import type { Log } from '../../domain/log';
import { createSwitchStates } from '../switch-states';
import { childrenOf, type DocumentNode, findNode, numberOf, textOf } from './document';

/** A camera behind a recorder, as the recorder sees it. */
export interface CameraState {
  channel: number;
  /** null: the recorder doesn't say. That is no offline camera. */
  online: boolean | null;
  /** The recorder's word for it, e.g. `netUnreachable`; '' where it has none. */
  reason: string;
}

export interface CameraWatchOptions {
  /** States of all cameras, or null where the recorder doesn't tell them. */
  read(): Promise<CameraState[] | null>;
  nameOf(channel: number): string | undefined;
  deliver(draft: EventDraft): void;
  /** The recorder has other cameras than before. */
  changed(): void;
  clock: Clock;
  log: Log;
  everyMs: number;
}

/**
 * Asks a recorder which of its cameras are there (T15): most recorders say nothing on their stream when one goes. A
 * camera that is away is `source-offline` with its channel.
 */
export interface CameraWatch {
  /** The recorder is online: asks at once and from then on. */
  connected(): void;
  /** The recorder is gone: nothing is known of its cameras. */
  lost(): void;
  close(): void;
}

export function createCameraWatch(options: CameraWatchOptions): CameraWatch {
  const { clock, log } = options;
  const states = createSwitchStates();
  const reasons = new Map<number, string>();
  let known: ReadonlySet<number> | null = null;
  let timer: Timer | null = null;
  let running = false;
  /** The recorder has no such list: it is not asked again while it is connected. */
  let mute = false;
  /** Counts connections: an answer that belongs to an older one is dropped. */
  let turn = 0;

  function schedule(ms: number): void {
    timer?.cancel();
    timer = clock.after(ms, look, { background: true });
  }

  function look(): void {
    timer = null;
    const mine = turn;
    options
      .read()
      .then((cameras) => {
        if (mine !== turn || !running) return;
        if (cameras === null) {
          mute = true;
          return;
        }
        take(cameras);
        schedule(options.everyMs);
      })
      .catch((thrown: unknown) => {
        // The stream finds out whether the recorder is gone; the question is repeated meanwhile.
        log.debug('hikvision.cameras-not-read', { reason: asAlarmflowError(thrown).message });
        if (mine === turn && running) schedule(options.everyMs);
      });
  }

  function take(cameras: CameraState[]): void {
    const now = new Set(cameras.map((c) => c.channel));
    if (known && (known.size !== now.size || [...now].some((c) => !known?.has(c)))) options.changed();
    for (const channel of known ?? []) {
      if (now.has(channel)) continue;
      if (states.state(String(channel)) === true) tell(channel, 'stop', 'is no longer set up on the recorder');
      states.forget(String(channel));
    }
    known = now;
    for (const { channel, online, reason } of cameras) {
      if (online === null) continue;
      const phase = states.observe(String(channel), !online, reasons.get(channel) !== reason);
      reasons.set(channel, reason);
      if (phase) tell(channel, phase, online ? 'is online' : `is offline${reason === '' ? '' : `: ${reason}`}`, reason);
    }
  }

  function tell(channel: number, phase: EventDraft['phase'], words: string, reason = ''): void {
    const name = options.nameOf(channel);
    options.deliver({
      type: 'source-offline',
      vendorType: 'InputProxyChannelStatus',
      phase,
      channel,
      ...(name === undefined ? {} : { channelName: name }),
      description: `Camera ${channel}${name === undefined ? '' : ` "${name}"`} ${words}`,
      deviceTime: null,
      deviceAt: null,
      raw: JSON.stringify({ channel, online: phase === 'stop', reason }),
    });
  }

  return {
    connected() {
      if (mute || running || options.everyMs <= 0) return;
      running = true;
      turn++;
      schedule(0);
    },
    lost() {
      mute = false;
      if (!running) return;
      running = false;
      turn++;
      timer?.cancel();
      timer = null;
      states.connectionLost();
    },
    close() {
      running = false;
      turn++;
      timer?.cancel();
    },
  };
}

/** States in an `InputProxyChannelStatusList`; a recorder with one camera may send its state alone. */
export function cameraStatesIn(root: DocumentNode): CameraState[] {
  const list = findNode(root, 'InputProxyChannelStatusList') ?? { ...root, children: [root] };
  return childrenOf(list, 'InputProxyChannelStatus')
    .slice(0, 512)
    .flatMap((node) => {
      const channel = numberOf(node, 'id');
      if (channel === undefined || !Number.isInteger(channel) || channel < 1) return [];
      const told = textOf(node, 'online')?.toLowerCase();
      const online = told === 'true' || told === '1' ? true : told === 'false' || told === '0' ? false : null;
      const reason = online === false ? (textOf(node, 'chanDetectResult', 'detectResult') ?? '').slice(0, 100) : '';
      return [{ channel, online, reason }];
    });
}
