import type { Clock } from '../../clock/clock';
import type { SwitchManner } from '../../domain/devices';
import { operationalError, userError } from '../../domain/errors';
import type { FormerSettings } from '../former-settings';
import { type DocumentNode, findNode, numberOf, textOf } from './document';
import type { IsapiCalls } from './isapi-calls';
import { type NormalLight, normalLights } from './option-words';
import { editXml } from './xml-edit';

const WHITE = 'colorVuWhiteLight';
const EXTERNAL = '/ISAPI/System/externalDevice';
const SETTLE_MS = 300;
const frequencies = { solid: 'normallyOn', slow: 'low', medium: 'medium', fast: 'high' } as const;

/**
 * White light of a channel, by its number, or the `external` one (PROTOCOLS §1.7). Both are settings of the device:
 * what was set before is put back when the light goes off.
 */
export interface Light {
  /** Whether the channel has a white light that can be switched. */
  has(name: string, signal: AbortSignal): Promise<boolean>;
  set(name: string, on: boolean, manner: SwitchManner, signal: AbortSignal): Promise<boolean | null>;
  read(name: string, signal: AbortSignal): Promise<boolean | null>;
}

export interface LightOptions {
  calls: IsapiCalls;
  deviceName: string;
  normalLight: NormalLight;
  /** Settings found before ours, by path, in base64. */
  former: FormerSettings;
  clock: Clock;
}

export function createLight({ calls, deviceName, normalLight, former, clock }: LightOptions): Light {
  const titleOf = (name: string): string =>
    name === 'external' ? `External light of "${deviceName}"` : `White light of channel ${name} of "${deviceName}"`;

  /** Modes that the channel's light has; null where it doesn't say. */
  async function modes(path: string, what: string, signal: AbortSignal): Promise<string[] | null> {
    const told = await calls.read(`${path}/capabilities`, what, signal);
    const node = told && findNode(told.root, 'supplementLightMode');
    const list = node?.attributes?.opt ?? node?.text;
    return list ? list.split(',').map((m) => m.trim()) : null;
  }

  async function current(name: string, signal: AbortSignal): Promise<{ body: Buffer; root: DocumentNode }> {
    const what = titleOf(name);
    const told = await calls.read(pathOf(name, deviceName), what, signal);
    if (told) return told;
    throw userError('E_NOT_SUPPORTED', `${what}: this model has none; choose an alarm output or another device`);
  }

  const isOn = (name: string, root: DocumentNode): boolean | null => {
    if (name === 'external') {
      const told = textOf(findNode(root, 'SupplementLight'), 'enabled')?.toLowerCase();
      return told === undefined ? null : told === 'true';
    }
    const light = findNode(root, 'SupplementLight') ?? root;
    const mode = textOf(light, 'supplementLightMode');
    if (mode === undefined) return null;
    const brightness = numberOf(light, 'whiteLightBrightness', 'highWhiteLightBrightness');
    return mode.toLowerCase() === WHITE.toLowerCase() && brightness !== 0;
  };

  async function fieldsFor(
    name: string,
    on: boolean,
    manner: SwitchManner,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const brightness = String(Math.min(100, Math.max(0, Math.round(manner.brightness ?? 100))));
    if (name === 'external')
      return {
        enabled: String(on),
        ...(on && manner.brightness !== undefined ? { brightness } : {}),
        ...(on && manner.flash !== undefined ? { frequency: frequencies[manner.flash] } : {}),
        // The device's own timer, where it has one.
        ...(on && manner.forMs !== undefined
          ? { durationTime: String(Math.max(1, Math.ceil(manner.forMs / 1000))) }
          : {}),
      };
    const path = pathOf(name, deviceName);
    const offered = await modes(path, titleOf(name), signal);
    if (!on) return { supplementLightMode: restingMode(offered) };
    if (offered && !offered.includes(WHITE))
      throw userError('E_NOT_SUPPORTED', `${titleOf(name)}: it has only ${offered.join(', ')}`);
    return {
      supplementLightMode: WHITE,
      mixedLightBrightnessRegulatMode: 'manual',
      whiteLightBrightness: brightness,
      highWhiteLightBrightness: brightness,
      lowWhiteLightBrightness: brightness,
    };
  }

  /**
   * A light that is exactly as we would set it has been set by us, before the process was killed or the connection made
   * anew: to put that back would leave it on for ever.
   */
  const isAsAsked = (body: Buffer, fields: Record<string, string>, under: string | undefined): boolean =>
    editXml(body, fields, under) === editXml(body, {}, under);

  const restingMode = (offered: string[] | null): string => {
    if (normalLight !== 'auto') return normalLight;
    return normalLights.find((mode) => mode !== 'auto' && mode !== WHITE && offered?.includes(mode)) ?? 'close';
  };

  async function readBack(name: string, on: boolean, signal: AbortSignal): Promise<boolean | null> {
    const state = isOn(name, (await current(name, signal)).root);
    if (state === null || state === on) return state;
    await clock.sleep(SETTLE_MS, signal);
    return isOn(name, (await current(name, signal)).root);
  }

  return {
    async has(name, signal) {
      const path = pathOf(name, deviceName);
      const told = await calls.read(path, titleOf(name), signal);
      if (!told) return false;
      if (name === 'external') return findNode(told.root, 'SupplementLight') !== undefined;
      const offered = await modes(path, titleOf(name), signal);
      return offered ? offered.includes(WHITE) : findNode(told.root, 'supplementLightMode') !== undefined;
    },

    async set(given, on, manner, signal) {
      const name = given === '' ? '1' : given;
      const path = pathOf(name, deviceName);
      const before = await current(name, signal);
      const under = name === 'external' ? 'SupplementLight' : undefined;
      const kept = await former.get(path);
      const saved = kept === undefined ? undefined : Buffer.from(kept, 'base64');
      const fields = await fieldsFor(name, on, manner, signal);
      // A light that was on before we came stays as it was; only its brightness is ours for a while.
      const restored = !on && saved ? editXml(saved, under ? { enabled: 'false' } : {}, under) : null;
      if (on && !saved && !isAsAsked(before.body, fields, under))
        await former.keep(path, before.body.toString('base64'));
      await calls.write({ path, xml: restored ?? editXml(before.body, fields, under) }, titleOf(name), signal);
      const stays = restored !== null && saved !== undefined && !under && wasOn(saved, name);
      const state = await readBack(name, on || stays, signal);
      if (!on) await former.forget(path);
      if (state !== null && state !== (on || stays))
        throw operationalError(
          'E_DEVICE_ERROR',
          `${titleOf(name)}: the device took the setting, but its light did not follow. It is tried again`,
        );
      return stays ? null : state;
    },

    async read(given, signal) {
      const name = given === '' ? '1' : given;
      const told = await calls.read(pathOf(name, deviceName), titleOf(name), signal);
      return told ? isOn(name, told.root) : null;
    },
  };

  function wasOn(body: Buffer, name: string): boolean {
    const edited = Buffer.from(editXml(body, {}));
    const mode = /<supplementLightMode>\s*([^<]{0,60})</i.exec(edited.toString('utf8'))?.[1]?.trim();
    return name !== 'external' && mode === WHITE;
  }
}

function pathOf(name: string, device: string): string {
  if (name === 'external') return EXTERNAL;
  if (/^[1-9]\d{0,4}$/.test(name)) return `/ISAPI/Image/channels/${name}/supplementLight`;
  throw userError(
    'E_BAD_PARAMETER',
    `"${name.slice(0, 40)}" is no light of "${device}": give the number of a channel, from 1, or "external"`,
  );
}
