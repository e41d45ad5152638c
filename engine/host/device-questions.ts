/** What the dialogs of the editor ask about devices. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type {
  DeviceChoices,
  DeviceDefinition,
  DeviceFacts,
  DeviceOffers,
  DevicePushSetUp,
  DeviceStatus,
  DeviceTest,
  Discovery,
  DriverChoice,
  RecentPush,
} from '../domain/devices';
import { noOffers } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import type { DeviceEvent, EventType } from '../domain/events';
import { spanWords } from '../drivers';

/** What a device was told; `engine/drivers` says it in full. */
interface ToldPush {
  slot: string;
  tested: boolean | null;
  warnings: string[];
  url: string;
}

/** The devices as dialogs ask them; `engine/drivers` has more. */
export interface AskedDevices {
  test(definition: DeviceDefinition, signal: AbortSignal): Promise<DeviceFacts>;
  offers(id: string, signal: AbortSignal): Promise<DeviceOffers>;
  setUpPush(definition: DeviceDefinition, signal: AbortSignal): Promise<ToldPush>;
  /** null: the flow that runs defines no such device. */
  status(id: string): DeviceStatus | null;
  recent(id: string): { at: number; contentType: string | null; bytes: Buffer }[];
}

export interface DeviceQuestionParts {
  devices: AskedDevices;
  /** Drivers that the device dialog offers. */
  drivers: readonly DriverChoice[];
  /** Looks for devices on the network, for a few seconds. */
  discover(kind: string | null): Promise<Discovery>;
  /** What the record has of a device lately, the latest first: types, and who sent them where it receives of many. */
  sentLately(deviceId: string): Promise<{ types: EventType[]; senders: string[] }>;
  /** How to set up a driver's devices, as Markdown; null: nothing is written. */
  guide(kind: string): Promise<string | null>;
  clock: Clock;
}

export interface DeviceQuestions {
  deviceDrivers(): Promise<readonly DriverChoice[]>;
  testDevice(definition: DeviceDefinition): Promise<DeviceTest>;
  setUpDevicePush(definition: DeviceDefinition): Promise<DevicePushSetUp>;
  deviceOffers(deviceId: string): Promise<DeviceChoices>;
  discoverDevices(kind: string | null): Promise<Discovery>;
  recentPushes(deviceId: string): Promise<RecentPush[]>;
  deviceGuide(kind: string): Promise<string | null>;
}

const TEST_TIMEOUT_MS = 10_000;
const OFFERS_TIMEOUT_MS = 8_000;
/** Reading, writing, reading back, and the device's own test of the way to us. */
const SET_UP_TIMEOUT_MS = 25_000;
const MOST_SENT = 200;
const NOT_DEPLOYED = 'Deploy the flow: until then this site refuses what the device pushes';

/** Types and senders of events, each once; a sender that has a name is told by it. */
export function sentIn(events: readonly Pick<DeviceEvent, 'type' | 'sender' | 'input'>[]): {
  types: EventType[];
  senders: string[];
} {
  return {
    types: [...new Set(events.map(({ type }) => type))],
    senders: [...new Set(events.flatMap(({ sender, input }) => (sender === undefined ? [] : [input ?? sender])))],
  };
}

/** What silence of a device means, beside what its test found; null: nothing. */
function lifeWords({ signOfLifeMs, name }: DeviceDefinition, status: DeviceStatus | null, now: number): string | null {
  if (!signOfLifeMs) return null;
  const expected = `A sign of life of "${name}" is expected at least every ${spanWords(signOfLifeMs)}`;
  if (status === null) return `${expected}, from the next deploy on`;
  if (status.lastSeenAt === null) return `${expected}; nothing has come yet`;
  const ago = now - status.lastSeenAt;
  return `${expected}; the last came ${spanWords(ago)} ago${ago > signOfLifeMs ? ': it is overdue' : ''}`;
}

/** What went wrong in a few words, by the code of the error. */
const failures: Readonly<Record<string, string>> = {
  E_CREDENTIALS_REFUSED: 'Wrong user or password',
  E_CREDENTIALS_MISSING: 'The login is missing',
  E_ACCOUNT_LOCKED: 'The account is locked',
  E_LOW_PRIVILEGE: 'The user has too few rights',
  E_DEVICE_LOGIN: 'The device wants another login',
  E_DEVICE_TLS: 'The encrypted connection failed',
  E_DEVICE_TYPE: 'Another kind of device',
  E_NOT_ONVIF: 'Another kind of device',
  E_NOT_ISAPI: 'Another kind of device',
  E_ISAPI_OFF: 'ISAPI is switched off on the device',
  E_ONVIF_USER: 'The ONVIF user is missing on the device',
  E_NOT_ACTIVATED: 'The device has not been activated',
  E_USB_ACCESS: 'No right to the USB device',
  E_NO_EVENTS: 'The device has no events to tell',
  E_DEVICE_OPTIONS: 'A setting of the driver is wrong',
  E_DEVICE_TIMEOUT: 'No answer',
  E_DEVICE_OFFLINE: 'Not reachable',
  E_DEVICE_BUSY: 'The device is busy',
  E_DEVICE_PROTOCOL: 'The device answers something else',
  E_DEVICE_ANSWER: 'The device answers something else',
  E_BAD_DOCUMENT: 'The device answers something else',
  E_DEVICE_ERROR: 'The device refuses',
  E_ARAVIS_MISSING: 'A program is missing on this machine',
  E_PORT_IN_USE: 'The port is in use',
  E_PORT_FORBIDDEN: 'The port may not be opened',
  E_NOT_SUPPORTED: 'The device cannot do that',
  E_UNKNOWN_DRIVER: 'There is no such driver',
  E_NO_PUSH_ADDRESS: 'The address of this site is not known',
  E_NO_FREE_SLOT: 'The device has no room for another receiver',
  E_BAD_PARAMETER: 'The device cannot push to this address',
};

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A device in one sentence; what it does not tell is left out. */
function sentence(facts: DeviceFacts): string {
  const model = [facts.model, facts.deviceType === '' ? '' : `(${facts.deviceType})`].filter((word) => word !== '');
  const parts = [
    model.join(' ') || 'The device answers',
    ...(facts.firmware === '' ? [] : [`firmware ${facts.firmware}`]),
    ...(facts.serialNumber === '' ? [] : [`serial number ${facts.serialNumber}`]),
  ];
  const has = [
    ...(facts.channels > 0 ? [plural(facts.channels, 'channel')] : []),
    // A device that could have contacts is told without them; a sender or a broker has nothing to count.
    ...(facts.channels + facts.inputs + facts.outputs > 0
      ? [plural(facts.inputs, 'input'), plural(facts.outputs, 'output')]
      : []),
    ...(facts.hasPtz ? ['PTZ'] : []),
    ...(facts.hasThermal ? ['thermal'] : []),
  ];
  return has.length > 0 ? `${parts.join(', ')}: ${has.join(', ')}` : parts.join(', ');
}

const testedWords = (tested: boolean | null): string =>
  tested === null
    ? 'it has no test of its own: raise an event on the device to see that it comes'
    : tested
      ? 'it has reached this site'
      : 'it has not reached this site';

/** Where a device pushes, without the secret that its URL ends with. */
const placeOf = (url: string): string => new URL(url).origin;

export function createDeviceQuestions(parts: DeviceQuestionParts): DeviceQuestions {
  const { devices, clock } = parts;

  /** A question that ends at its time. */
  async function within<T>(ms: number, late: () => Error, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    let fail: (reason: unknown) => void = () => undefined;
    const over = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const timer = clock.after(ms, () => {
      const reason = late();
      limit.abort(reason);
      fail(reason);
    });
    try {
      return await Promise.race([ask(limit.signal), over]);
    } catch (thrown) {
      throw asAlarmflowError(limit.signal.aborted ? limit.signal.reason : thrown);
    } finally {
      timer.cancel();
    }
  }

  const lateAt = (definition: DeviceDefinition, ms: number) => () => {
    const where = definition.host === '' ? definition.name : `${definition.host}:${definition.port}`;
    return userError(
      'E_DEVICE_TIMEOUT',
      `${where} did not answer within ${ms / 1000} s: check address, port and network`,
    );
  };

  const failureOf = (thrown: unknown, otherwise: string): { detail: string; failure: string } => {
    const { code, message } = asAlarmflowError(thrown);
    return { detail: message, failure: failures[code] ?? otherwise };
  };

  return {
    deviceDrivers: async () => parts.drivers,
    discoverDevices: (kind) => parts.discover(kind),

    async deviceGuide(kind) {
      if (!parts.drivers.some((driver) => driver.kind === kind))
        throw userError('E_UNKNOWN_DRIVER', `There is no driver "${kind.slice(0, 64)}"`);
      return parts.guide(kind);
    },

    async testDevice(definition) {
      const probe = { ...definition, id: `test-${randomBytes(4).toString('hex')}` };
      try {
        const facts = await within(TEST_TIMEOUT_MS, lateAt(definition, TEST_TIMEOUT_MS), (signal) =>
          devices.test(probe, signal),
        );
        const life = lifeWords(definition, devices.status(definition.id), clock.now());
        const warnings = life === null ? facts.warnings : [...facts.warnings, life];
        return { ok: true, detail: sentence(facts), facts: { ...facts, warnings } };
      } catch (thrown) {
        return { ok: false, ...failureOf(thrown, 'The test failed') };
      }
    },

    async setUpDevicePush(definition) {
      try {
        const { slot, tested, warnings, url } = await within(
          SET_UP_TIMEOUT_MS,
          lateAt(definition, SET_UP_TIMEOUT_MS),
          (signal) => devices.setUpPush(definition, signal),
        );
        return {
          ok: true,
          detail: `"${definition.name}" now pushes to ${placeOf(url)} (server ${slot} in its list); ${testedWords(tested)}`,
          warnings: [...warnings, ...(devices.status(definition.id) === null ? [NOT_DEPLOYED] : [])],
        };
      } catch (thrown) {
        return { ok: false, ...failureOf(thrown, 'The device could not be set up'), warnings: [] };
      }
    },

    async deviceOffers(deviceId) {
      const lately = await parts.sentLately(deviceId);
      const sent = lately.types.slice(0, MOST_SENT);
      const senders = lately.senders.length > 0 ? { senders: lately.senders.slice(0, MOST_SENT) } : {};
      const late = () => userError('E_DEVICE_TIMEOUT', 'the device did not answer in time');
      try {
        const offers = await within(OFFERS_TIMEOUT_MS, late, (signal) => devices.offers(deviceId, signal));
        return { offers, sent, ...senders, problem: null };
      } catch (thrown) {
        // Dialogs work without the device, too: what it would have offered is typed in.
        return { offers: structuredClone(noOffers), sent, ...senders, problem: asAlarmflowError(thrown).message };
      }
    },

    recentPushes: async (deviceId) =>
      devices
        .recent(deviceId)
        .map(({ at, contentType, bytes }) => ({ at, contentType, text: bytes.toString('utf8') }))
        .reverse(),
  };
}
