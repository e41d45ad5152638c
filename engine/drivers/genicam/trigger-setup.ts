import { asAlarmflowError } from '../../domain/errors';
import type { Abilities, FeatureKey } from './abilities';
import type { CallOptions, Camera, Selected } from './camera';
import { readFailed } from './line-roles';
import type { TriggerSetup } from './options';
import { parseNumber } from './output';

/** One feature that is to have a value. */
interface Step {
  feature: string;
  value: string;
  selected: Selected | null;
  /** Without it the trigger would be another one: nothing is written where the camera cannot have it. */
  essential: boolean;
}

/** What the camera has of the set-up, and what of it differs. */
export interface SetupState {
  /** `TriggerDelay is 0, set up is 500`. */
  differences: string[];
}

export interface TriggerSetter {
  /** Whether there is anything to write. */
  wanted(): boolean;
  /** Compares; throws what concerns the whole camera. */
  compare(options: CallOptions): Promise<SetupState>;
  /**
   * Writes what differs in the order of PROTOCOLS §6.2 (mode off first, on last), each step read back. Resolves with
   * warnings for what could not be written; a trigger that was half set up goes back to the mode that it had.
   */
  apply(options: CallOptions): Promise<string[]>;
}

export function createTriggerSetter(camera: Camera, abilities: Abilities, setup: TriggerSetup): TriggerSetter {
  const { steps, mode, missing, fatal } = planOf(abilities, setup);
  const all = mode ? [...steps, mode] : steps;

  async function differences(options: CallOptions): Promise<{ step: Step; is: string }[]> {
    const found: { step: Step; is: string }[] = [];
    // Those under one selector in one call.
    for (const group of groupsOf(all)) {
      const names = group.map((step) => step.feature);
      const selected = group[0]?.selected ?? null;
      const values = await (selected ? camera.readUnder(selected, names, options) : camera.read(names, options));
      group.forEach((step, at) => {
        const is = values[at] ?? '';
        if (!sameValue(is, step.value)) found.push({ step, is });
      });
    }
    return found;
  }

  return {
    wanted: () => all.length > 0 || missing.length > 0,

    async compare(options) {
      if (fatal) return { differences: [] };
      const found = await differences(options);
      return { differences: found.map(({ step, is }) => `${labelOf(step)} is ${plain(is)}, set up is ${step.value}`) };
    },

    async apply(options) {
      const warnings = missing.map((words) => words);
      if (fatal || all.length === 0) return warnings;
      const different = (await differences(options)).map(({ step }) => step);
      if (different.length === 0) return warnings;
      const modeFeature = abilities.name('triggerMode');
      const selected = triggerSelected(abilities, setup);
      // Also a new inverter looks like an edge: the trigger is off while anything of it changes.
      const changesTrigger = different.some((step) => step !== mode);
      const before = modeFeature === null ? null : await readMode(modeFeature, selected);
      let off = false;
      try {
        if (modeFeature !== null && before === 'On' && changesTrigger) {
          await set({ feature: modeFeature, value: 'Off', selected, essential: true });
          off = true;
        }
        for (const step of steps) if (different.includes(step)) await set(step);
        const last = mode?.value ?? before;
        if (modeFeature !== null && last !== null && (off || (mode && different.includes(mode))))
          await set({ feature: modeFeature, value: last, selected, essential: true });
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (!writeFailed.has(error.code)) throw error;
        warnings.push(`The trigger set-up was not written: ${error.message}`);
        if (off && modeFeature !== null && before !== null) await restore(modeFeature, before);
      }
      return warnings;

      async function set(step: Step): Promise<void> {
        let back: string;
        try {
          back = await camera.write(step.feature, step.value, step.selected, options);
        } catch (thrown) {
          const error = asAlarmflowError(thrown);
          if (step.essential || !readFailed.has(error.code)) throw error;
          warnings.push(`${labelOf(step)} was not written: ${error.message}`);
          return;
        }
        if (!sameValue(back, step.value))
          warnings.push(`The camera took ${plain(back)} for ${labelOf(step)}, set up is ${step.value}`);
      }
      async function restore(feature: string, value: string): Promise<void> {
        try {
          await set({ feature, value, selected, essential: true });
        } catch (thrown) {
          warnings.push(`The trigger was left off: ${asAlarmflowError(thrown).message}`);
        }
      }
      async function readMode(feature: string, under: Selected | null): Promise<string> {
        const [value = ''] = await (under
          ? camera.readUnder(under, [feature], options)
          : camera.read([feature], options));
        return value;
      }
    },
  };
}

/** What another program or the camera's state may have caused; the camera itself is there. */
export const writeFailed: ReadonlySet<string> = new Set([...readFailed, 'E_DEVICE_BUSY']);

const labelOf = ({ feature, selected }: Step): string => (selected ? `${feature} of ${selected.value}` : feature);

/** A value without the limits behind it. */
const plain = (text: string): string => text.replace(/ (?:min|max|inc):.*$/, '').slice(0, 60);

/** Numbers as printed have six digits, and cameras round to their own step. */
function sameValue(printed: string, wanted: string): boolean {
  const is = parseNumber(printed);
  if (is === null || !/^\d/.test(wanted)) return plain(printed) === wanted;
  const value = Number(wanted);
  const tolerance = Math.max(is.inc ?? 0, Math.abs(value) * 0.01, 0.5);
  // A whole number as small as a divider is right or wrong.
  return Number.isInteger(value) && Number.isInteger(is.value) && value < 100 && is.inc === null
    ? is.value === value
    : Math.abs(is.value - value) <= tolerance;
}

function groupsOf(steps: readonly Step[]): Step[][] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const key = step.selected ? `${step.selected.selector}=${step.selected.value}` : '';
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()];
}

function triggerSelected(abilities: Abilities, setup: TriggerSetup): Selected | null {
  if (setup.selector === null || abilities.name('triggerSelector') === null) return null;
  return { selector: 'TriggerSelector', value: setup.selector };
}

interface Plan {
  /** In the order in which they are written; the mode goes before and after them. */
  steps: Step[];
  mode: Step | null;
  missing: string[];
  /** Something that the trigger cannot be without is missing: nothing is written. */
  fatal: boolean;
}

function planOf(abilities: Abilities, setup: TriggerSetup): Plan {
  const missing: string[] = [];
  let fatal = false;
  const trigger = triggerSelected(abilities, setup);
  const line = setup.line === null ? null : { selector: 'LineSelector', value: setup.line };

  /** Whether the camera can have it; says why not. */
  function possible(key: FeatureKey, label: string, entry: string | null, essential: boolean): boolean {
    const words = (): string | null => {
      if (abilities.name(key) === null) return `The camera has no ${label}: leave it as it is in the device's dialog`;
      if (entry === null) return null;
      if (abilities.entries(key).includes(entry)) return null;
      if (abilities.allEntries(key).includes(entry)) return `${label} ${entry} is not available in the camera now`;
      return `${label} ${entry} does not exist in the camera; it has: ${abilities.entries(key).join(', ')}`;
    };
    const why = words();
    if (why === null) return true;
    missing.push(essential ? `The trigger set-up was not written: ${why}` : why);
    fatal ||= essential;
    return false;
  }
  const steps: Step[] = [];
  const add = (
    key: FeatureKey,
    label: string,
    value: string | number | null,
    isEntry: boolean,
    selected: Selected | null,
  ): void => {
    if (value === null) return;
    const text = String(value);
    if (possible(key, label, isEntry ? text : null, isEntry))
      steps.push({ feature: abilities.name(key) ?? label, value: text, selected, essential: isEntry });
  };
  if (setup.selector !== null) possible('triggerSelector', 'TriggerSelector', setup.selector, true);
  add('triggerSource', 'TriggerSource', setup.source, true, trigger);
  add('triggerActivation', 'TriggerActivation', setup.activation, true, trigger);
  add('triggerDelay', 'TriggerDelay', setup.delayUs, false, trigger);
  add('triggerDivider', 'TriggerDivider', setup.divider, false, trigger);
  if (line && (setup.debouncerUs !== null || setup.inverter !== null)) {
    if (possible('lineSelector', 'LineSelector', line.value, false)) {
      add('lineDebouncer', 'LineDebouncerTime', setup.debouncerUs, false, line);
      add('lineInverter', 'LineInverter', setup.inverter === null ? null : String(setup.inverter), false, line);
    }
  }
  const withMode = setup.mode !== null && possible('triggerMode', 'TriggerMode', setup.mode, true);
  const mode: Step | null = withMode
    ? { feature: 'TriggerMode', value: setup.mode ?? 'Off', selected: trigger, essential: true }
    : null;
  return { steps, mode, missing, fatal };
}
