/** Understands what arv-tool prints (PROTOCOLS §6.1). Pure; odd text is never an error here. */

/** One line of `arv-tool control`. */
export type Reply =
  /** `Name = text`: a value that was read, also after a write. */
  | { kind: 'value'; name: string; text: string }
  | { kind: 'executed'; name: string }
  | { kind: 'missing'; name: string }
  | { kind: 'error'; name: string; doing: 'read' | 'write' | 'execute'; reason: string }
  | { kind: 'other'; text: string };

const LINE_LIMIT = 4_096;
const FEATURE_LIMIT = 20_000;
const ENTRY_LIMIT = 2_000;

/** The lines of a text, without blank ones; overlong ones are cut. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/\r$/, '').slice(0, LINE_LIMIT))
    .filter((line) => line.trim() !== '');

export const parseReplies = (text: string): Reply[] => linesOf(text).map(parseReply);

export function parseReply(line: string): Reply {
  const missing = /^Feature '([^']{1,200})' not found$/.exec(line);
  if (missing) return { kind: 'missing', name: missing[1]! };
  const failed = /^(\S{1,200}) (read|write|execute) error: (.*)$/.exec(line);
  if (failed)
    return { kind: 'error', name: failed[1]!, doing: failed[2] as 'read' | 'write' | 'execute', reason: failed[3]! };
  const done = /^(\S{1,200}) executed$/.exec(line);
  if (done) return { kind: 'executed', name: done[1]! };
  const value = /^(\S{1,200}) = (.*)$/.exec(line);
  if (value) return { kind: 'value', name: value[1]!, text: value[2]! };
  return { kind: 'other', text: line };
}

/** The number of a value as printed, with what the camera says of it: `1500 us min:0 max:1e+06 inc:0.5`. */
export interface PrintedNumber {
  value: number;
  min: number | null;
  max: number | null;
  inc: number | null;
}

const NUMBER = '-?\\d{1,20}(?:\\.\\d{1,20})?(?:e[+-]?\\d{1,3})?';
const startsWithNumber = new RegExp(`^${NUMBER}(?= |$)`, 'i');

export function parseNumber(text: string): PrintedNumber | null {
  const value = startsWithNumber.exec(text);
  if (!value) return null;
  const limit = (name: string): number | null => {
    const found = new RegExp(` ${name}:(${NUMBER})(?= |$)`, 'i').exec(text);
    return found ? Number(found[1]) : null;
  };
  return { value: Number(value[0]), min: limit('min'), max: limit('max'), inc: limit('inc') };
}

export interface Feature {
  /** GenICam node type, e.g. `Enumeration`. */
  type: string;
  /** null where this version of the tool does not print it, or the feature is not available. */
  access: 'RO' | 'RW' | 'WO' | null;
  /** Not at the moment: it may come back when something else is set. */
  available: boolean;
  /** Entries of an enumeration, in the camera's order. */
  entries: { name: string; available: boolean }[];
}

/** All features of a camera by name. */
export type FeatureList = ReadonlyMap<string, Feature>;

/** Understands `arv-tool features`. */
export function parseFeatures(text: string): FeatureList {
  const features = new Map<string, Feature>();
  let last: Feature | null = null;
  for (const line of linesOf(text)) {
    const match = /^ *(\w{1,40}) *: (?:\[(\w\w)\] )?'([^']{1,200})'( \(Not available\))?/.exec(line);
    if (!match) continue;
    const [, type = '', access, name = '', absent] = match;
    const available = absent === undefined;
    if (type === 'EnumEntry') {
      // The tool prints them last first.
      if (last && last.entries.length < ENTRY_LIMIT) last.entries.unshift({ name, available });
      continue;
    }
    last = null;
    if (type === 'Category' || features.size >= FEATURE_LIMIT) continue;
    const known = access === 'RO' || access === 'RW' || access === 'WO' ? access : null;
    const feature: Feature = { type, access: known, available, entries: [] };
    features.set(name, feature);
    if (type === 'Enumeration') last = feature;
  }
  return features;
}

export interface ListedCamera {
  /** Vendor-model-serial, as `-n` takes it. */
  name: string;
  /** IPv4 address of a GigE camera; something else for USB. */
  address: string;
}

/** Understands the list that arv-tool prints without a command. */
export const parseList = (text: string): ListedCamera[] =>
  linesOf(text)
    .map((line) => /^(.{1,200}) \(([^()]{0,100})\)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ name: match[1]!.trim(), address: match[2]! }));
