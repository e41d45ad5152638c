import type { Feature, FeatureList } from './output';

/** Names of one feature: the standard's (SFNC) first, older cameras' second (PROTOCOLS §6.2). */
export const featureNames = {
  triggerSelector: ['TriggerSelector'],
  triggerMode: ['TriggerMode'],
  triggerSource: ['TriggerSource'],
  triggerActivation: ['TriggerActivation'],
  triggerDelay: ['TriggerDelay', 'TriggerDelayAbs'],
  triggerDivider: ['TriggerDivider'],
  triggerSoftware: ['TriggerSoftware'],
  lineSelector: ['LineSelector'],
  lineMode: ['LineMode'],
  lineStatus: ['LineStatus'],
  lineStatusAll: ['LineStatusAll'],
  lineInverter: ['LineInverter'],
  lineSource: ['LineSource'],
  lineDebouncer: ['LineDebouncerTime', 'LineDebouncerTimeAbs'],
  userOutputSelector: ['UserOutputSelector'],
  userOutputValue: ['UserOutputValue'],
  exposure: ['ExposureTime', 'ExposureTimeAbs'],
  vendor: ['DeviceVendorName'],
  model: ['DeviceModelName'],
  serial: ['DeviceSerialNumber', 'DeviceID'],
  firmware: ['DeviceFirmwareVersion', 'DeviceVersion'],
} as const;

export type FeatureKey = keyof typeof featureNames;

/** What a camera has, by the list of its features. */
export interface Abilities {
  /** The name under which the camera has it, or null. What is not available at the moment counts: it may come back. */
  name(key: FeatureKey): string | null;
  feature(key: FeatureKey): Feature | null;
  /** Entries of an enumeration that can be chosen now. */
  entries(key: FeatureKey): string[];
  /** All entries, also those that are not available at the moment. */
  allEntries(key: FeatureKey): string[];
  /** Whether the camera lets it be written at all. */
  writable(key: FeatureKey): boolean;
}

export function readAbilities(features: FeatureList): Abilities {
  const name = (key: FeatureKey): string | null => {
    const has = featureNames[key].filter((n) => features.has(n));
    return has.find((n) => features.get(n)?.available) ?? has[0] ?? null;
  };
  const feature = (key: FeatureKey): Feature | null => features.get(name(key) ?? '') ?? null;
  return {
    name,
    feature,
    entries: (key) => (feature(key)?.entries ?? []).filter((e) => e.available).map((e) => e.name),
    allEntries: (key) => (feature(key)?.entries ?? []).map((e) => e.name),
    writable: (key) => feature(key) !== null && feature(key)?.access !== 'RO',
  };
}
