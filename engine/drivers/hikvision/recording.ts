import type { Clock } from '../../clock/clock';
import { asAlarmflowError, userError } from '../../domain/errors';
import { type DocumentNode, findNode, numberOf, textOf } from './document';
import type { IsapiCalls } from './isapi-calls';

const STATUS = '/ISAPI/System/workingstatus/chanStatus?format=json';
const STORAGE = '/ISAPI/ContentMgmt/Storage';
const SETTLE_MS = 300;

/** Manual recording of a channel, by its number (PROTOCOLS §1.7). */
export interface Recording {
  /** false: the device says that it has nothing to record on; null: it doesn't say. */
  hasStorage(signal: AbortSignal): Promise<boolean | null>;
  set(name: string, on: boolean, signal: AbortSignal): Promise<boolean | null>;
  /** Whether it records, by hand or by its own schedule; null where the device doesn't tell. */
  read(name: string, signal: AbortSignal): Promise<boolean | null>;
}

export function createRecording(calls: IsapiCalls, deviceName: string, clock: Clock): Recording {
  /** Form of the request that the device has taken. */
  let form: { method: 'PUT' | 'POST'; track: (channel: number) => string } | null = null;
  const titleOf = (channel: number): string => `Recording of channel ${channel} of "${deviceName}"`;

  const forms = [
    { method: 'PUT', track: (channel: number) => `${channel}01` },
    { method: 'POST', track: (channel: number) => `${channel}01` },
    { method: 'PUT', track: (channel: number) => String(channel) },
  ] as const;

  async function hasStorage(signal: AbortSignal): Promise<boolean | null> {
    const told = await calls.read(STORAGE, `Storage of "${deviceName}"`, signal);
    const media = told ? mediaIn(told.root) : null;
    return media === null ? null : media.some((status) => /^(ok|normal|idle|active|sleeping)$/i.test(status));
  }

  async function readState(channel: number, signal: AbortSignal): Promise<boolean | null> {
    const told = await calls.read(STATUS, titleOf(channel), signal);
    return told ? recordsIn(told.root, channel) : null;
  }

  async function send(channel: number, on: boolean, signal: AbortSignal): Promise<void> {
    const command = on ? 'start' : 'stop';
    let first: unknown;
    for (const tried of form ? [form] : forms) {
      const path = `/ISAPI/ContentMgmt/record/control/manual/${command}/tracks/${tried.track(channel)}`;
      try {
        await calls.write({ method: tried.method, path }, titleOf(channel), signal);
        form = tried;
        return;
      } catch (thrown) {
        const { code, facts } = asAlarmflowError(thrown);
        first ??= thrown;
        // Other firmware wants another method, or the bare number of the channel.
        const otherForm = facts?.http === 404 || facts?.http === 405 || facts?.sub === 'methodNotAllowed';
        if (code !== 'E_BAD_PARAMETER' && !otherForm) throw thrown;
      }
    }
    throw first;
  }

  return {
    hasStorage,

    async set(name, on, signal) {
      const channel = channelOf(name, deviceName);
      if (on && (await hasStorage(signal)) === false)
        throw userError(
          'E_NOT_SUPPORTED',
          `${titleOf(channel)}: the device has no disk or card to record on. Insert one, or initialise it on the device`,
        );
      try {
        await send(channel, on, signal);
      } catch (thrown) {
        // Some refuse to start what their schedule records already, and to stop what does not run.
        const error = asAlarmflowError(thrown);
        const refused = error.facts?.sub === 'invalidOperation' || error.facts?.code === 4;
        if (!refused || (await readState(channel, signal)) !== on) throw thrown;
        return on;
      }
      const state = await readState(channel, signal);
      if (state === null || state === on) return state;
      await clock.sleep(SETTLE_MS, signal);
      return readState(channel, signal);
    },

    read: (name, signal) => readState(channelOf(name, deviceName), signal),
  };
}

function channelOf(name: string, device: string): number {
  const text = name.trim() === '' ? '1' : name.trim();
  const channel = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (channel > 0) return channel;
  throw userError('E_BAD_PARAMETER', `"${name.slice(0, 40)}" is no channel of "${device}": give its number, from 1`);
}

/** States of disks, cards and network drives; null where there is no such list. */
function mediaIn(root: DocumentNode): string[] | null {
  const lists = [findNode(root, 'hddList'), findNode(root, 'nasList')].filter((list) => list !== undefined);
  if (lists.length === 0) return null;
  return lists.flatMap((list) => list.children).map((medium) => textOf(medium, 'status') ?? 'unknown');
}

function recordsIn(root: DocumentNode, channel: number): boolean | null {
  const entries: DocumentNode[] = [];
  const visit = (node: DocumentNode): void => {
    if (numberOf(node, 'chanNo', 'channelID') === channel) entries.push(node);
    else for (const c of node.children) visit(c);
  };
  visit(root);
  const told = textOf(entries[0], 'record', 'isRecord', 'recordStatus')?.toLowerCase();
  if (told === '1' || told === 'true' || told === 'recording') return true;
  return told === '0' || told === 'false' || told === 'stop' || told === 'idle' ? false : null;
}
