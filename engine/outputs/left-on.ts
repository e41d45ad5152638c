/**
 * What may be on where no device of the flow is found any more: a device that was moved or removed while nobody looked,
 * or that did not answer when it went. It is switched off there as soon as that can be done safely, and people are told.
 */
import { createHash } from 'node:crypto';
import type { Timer } from '../clock/clock';
import type { ConnectedDevice, DevicePlace } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import { outputWords } from '../domain/output-words';
import { type LeftOn, type OutputId, outputId } from '../domain/outputs';
import { addWrites, type Change, emptyChange, type StandingRow } from '../domain/record';
import { sendOutput } from './drive';
import type { Holding } from './holding';
import type { ManagedOutput } from './managed';
import type { OutputsOptions } from './options';

export const LEFT_ON = 'left-on';
/** A device that is only given another address by its router says so within this time: nobody need be told of it. */
export const GRACE_MS = 30_000;
/** One that is gone from the flow says nothing any more; its last connection may still be switching it off. */
const GONE_GRACE_MS = 6_000;
/** Time for one try, in milliseconds. */
const TRY_MS = 15_000;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 300_000;

export interface LeftOns {
  /** Takes up what the last run has left. */
  resume(rows: readonly StandingRow[]): void;
  /**
   * Remembers one; the tries begin when the change is on disk.
   * @param audited the audit trail says it already
   */
  add(
    output: Pick<ManagedOutput, 'state'>,
    place: DevicePlace,
    reason: string,
    change: Change,
    audited?: boolean,
  ): void;
  /** It has been proven off there after all. */
  settled(outputId: OutputId, place: DevicePlace): void;
  /** The flow is complete: devices can be looked for. */
  begin(): void;
  list(): LeftOn[];
  /** A person has seen to it. One that is gone meanwhile is no error. */
  acknowledge(id: string, who: string): Promise<void>;
}

/** One in memory. */
interface Watched {
  left: LeftOn;
  /** Monotonic milliseconds of the moment from which it is looked for. */
  since: number;
  tries: number;
  /** Trying again at that address is of no use: the login was refused, or another device is there. */
  refused: boolean;
  timer: Timer | null;
  busy: boolean;
  /** The audit trail says it already. */
  audited: boolean;
}

export function createLeftOns(options: OutputsOptions, holding: Holding): LeftOns {
  const { clock, log } = options;
  const watched = new Map<string, Watched>();
  let begun = false;

  const words = (left: LeftOn): string =>
    `${left.name}: ${outputWords(left)} of "${left.place.deviceName}" at ${left.place.host}:${left.place.port}`;

  function audited(change: Change, left: LeftOn, action: string, who: string, detail: string): void {
    const at = clock.now();
    const subject = outputId(left.deviceId, left.kind, left.output);
    addWrites(change, 'audit', { id: sortableId(at), at, who, action, subject, detail: `${words(left)} ${detail}` });
  }

  const rowOf = (left: LeftOn): StandingRow => ({ id: left.id, kind: LEFT_ON, doc: left });

  /** @param row already gone from memory */
  async function drop(row: Watched, action: string, who: string, detail: string): Promise<void> {
    const change = emptyChange();
    addWrites(change, 'standingDeleted', row.left.id);
    audited(change, row.left, action, who, detail);
    try {
      await holding.commit(change);
    } catch (thrown) {
      // It is looked at once more after the next start, which does no harm.
      log.error('output.left-on-not-kept', { output: row.left.id, error: asAlarmflowError(thrown).message });
    }
    options.leftOn?.over(row.left);
  }

  function forget({ left, timer }: Watched): void {
    watched.delete(left.id);
    timer?.cancel();
  }

  async function tell(row: Watched): Promise<void> {
    if (row.left.told) return;
    row.left = { ...row.left, told: true };
    const change = emptyChange();
    addWrites(change, 'standing', rowOf(row.left));
    if (!row.audited)
      audited(
        change,
        row.left,
        'output.left-on',
        'alarmflow',
        `may still be on: ${row.left.reason}. Switch it off by hand`,
      );
    log.warn('output.left-on', { output: row.left.id, address: row.left.place.host, error: row.left.reason });
    try {
      await holding.commit(change);
    } catch (thrown) {
      log.error('output.left-on-not-kept', { output: row.left.id, error: asAlarmflowError(thrown).message });
    }
    if (watched.get(row.left.id) === row) options.leftOn?.stands(row.left, true);
  }

  async function switchOff(left: LeftOn, device: ConnectedDevice, signal: AbortSignal): Promise<void> {
    const { deviceId, kind, output, name } = left;
    const state = { id: left.id, deviceId, kind, output, name, mode: 'auto', generation: 0, desired: false } as const;
    const parts = { clock, endOf: () => null, sinceOf: () => null };
    const off = {
      state: { ...state, confirmed: null, confirmedAt: null, lastError: null },
      netUntil: null,
      soundsSince: null,
    };
    if ((await sendOutput(parts, device, off, false, signal)) === true)
      throw operationalError('E_OUTPUT_NOT_CONFIRMED', 'the device reports it on after it was set off');
  }

  /** @returns what has become of it; null: it may be on still */
  async function tryOff(row: Watched, signal: AbortSignal): Promise<string | null> {
    const { left } = row;
    const { places } = options;
    if (!places) return null;
    const deviceId = places.deviceAt(left.place);
    if (deviceId !== null) {
      if (holding.managed.has(outputId(deviceId, left.kind, left.output))) return 'is driven by the flow again';
      await switchOff(left, options.devices.device(deviceId), signal);
      return 'was switched off';
    }
    if (row.refused) return null;
    await places.visit(left.deviceId, left.place, (device, stop) => switchOff(left, device, stop), signal);
    return 'was switched off';
  }

  async function look(row: Watched): Promise<void> {
    if (row.busy) return;
    row.busy = true;
    const stop = new AbortController();
    const late = operationalError('E_OUTPUT_TIMEOUT', `it did not answer within ${TRY_MS / 1_000} s`);
    const limit = clock.after(TRY_MS, () => stop.abort(late));
    try {
      const outcome = await tryOff(row, stop.signal);
      if (watched.get(row.left.id) !== row) return;
      if (outcome !== null) {
        forget(row);
        log.info('output.left-on-over', { output: row.left.id, outcome });
        await drop(row, 'output.left-off', 'alarmflow', outcome);
        return;
      }
    } catch (thrown) {
      const error = stop.signal.aborted ? late : asAlarmflowError(thrown);
      if (watched.get(row.left.id) !== row) return;
      row.refused ||= isFinal(error);
      row.left = { ...row.left, reason: error.message };
    } finally {
      limit.cancel();
      row.busy = false;
    }
    const gone = options.places?.placeOf(row.left.deviceId) === null;
    if (clock.monotonic() - row.since >= (gone ? GONE_GRACE_MS : GRACE_MS)) await tell(row);
    later(row);
  }

  function later(row: Watched): void {
    if (watched.get(row.left.id) !== row) return;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** row.tries++, LONGEST_WAIT_MS);
    row.timer = clock.after(wait, () => void look(row), { background: true });
  }

  function watch(left: LeftOn, audited = false): Watched {
    const since = clock.monotonic();
    const row: Watched = { left, since, tries: 0, refused: false, timer: null, busy: false, audited };
    watched.set(left.id, row);
    return row;
  }

  return {
    resume(rows) {
      for (const { kind, doc } of rows) if (kind === LEFT_ON) watch(doc as LeftOn);
    },
    add({ state }, place, reason, change, isAudited) {
      const { id, deviceId, kind, output, name } = state;
      const key = keyOf(id, place);
      if (watched.has(key)) return;
      const left: LeftOn = { id: key, deviceId, kind, output, name, place, since: clock.now(), reason, told: false };
      const row = watch(left, isAudited);
      addWrites(change, 'standing', rowOf(left));
      change.afterCommit.push(() => {
        if (begun) void look(row);
      });
    },
    settled(id, place) {
      const row = watched.get(keyOf(id, place));
      if (!row) return;
      forget(row);
      void drop(row, 'output.left-off', 'alarmflow', 'was switched off');
    },
    begin() {
      if (begun) return;
      begun = true;
      for (const row of watched.values()) {
        if (row.left.told) options.leftOn?.stands(row.left, false);
        void look(row);
      }
    },
    list: () => [...watched.values()].map(({ left }) => ({ ...left })),
    async acknowledge(id, who) {
      const row = watched.get(id);
      if (!row) return;
      forget(row);
      await drop(row, 'output.left-seen', who, 'is seen to');
    },
  };
}

/** Where it is of no use, or a danger to the account, to send the login once more. */
const isFinal = ({ code, family }: AlarmflowError): boolean => family === 'user' || code === 'E_CREDENTIALS_REFUSED';

function keyOf(id: OutputId, { driver, host, port, options = {} }: DevicePlace): string {
  const parts = JSON.stringify([id, driver, host, port, Object.entries(options).sort()]);
  return `${LEFT_ON}:${createHash('sha256').update(parts).digest('hex').slice(0, 24)}`;
}
