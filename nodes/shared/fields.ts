import { isIP } from 'node:net';
import { userError } from '../../engine/index';
import type { NodeInstance, RawConfig } from './runtime-api';

/** As it is spoken: an alarm centre, an SNMP receiver, a device. */
const withArticle = (thing: string): string => `${/^(?:[aeio]|[AEFHILMNORSX][A-Z])/.test(thing) ? 'an' : 'a'} ${thing}`;

/** Finds a config node that another node points at. */
export type FindNode = (id: string) => (NodeInstance & { alarmflowProblem?: string | null }) | null | undefined;

const MOST_SETTINGS = 100;
const LONGEST_SETTING = 64 * 1024;

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/**
 * Reads a node's configuration value by value. Every refusal is a user error that names the node, the field as its
 * dialog labels it, the value found and the remedy. Dialogs check the same; flow files may come from anywhere.
 */
export class Fields {
  /** References that point nowhere but leave the node usable; shown as an issue. */
  readonly issues: string[] = [];

  constructor(
    private readonly config: RawConfig,
    readonly subject: string,
    private readonly find: FindNode,
    readonly credentials: Record<string, unknown>,
    /** What somebody has to do about a wrong value, at the end of every refusal. */
    private readonly remedy = 'open its dialog, correct it and deploy again',
  ) {}

  get id(): string {
    return String(this.config.id);
  }

  /** Name given by the integrator, or the fallback. */
  name(fallback: string): string {
    return this.text('name', 'Name', { max: 200 }) || fallback;
  }

  private value(field: string): unknown {
    return Object.hasOwn(this.config, field) ? this.config[field] : undefined;
  }

  refuse(label: string, value: unknown, expected: string): never {
    throw userError(
      'E_NODE_CONFIG',
      `${this.subject}: field "${label}" is ${shown(value)}, it must be ${expected}; ${this.remedy}`,
    );
  }

  /** Text without surrounding blanks; '' when absent. */
  text(field: string, label: string, options: { max: number; required?: boolean; lines?: boolean }): string {
    const value = this.value(field) ?? '';
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text !== 'string') this.refuse(label, value, 'a text');
    const trimmed = options.lines ? text : text.trim();
    if (options.required && trimmed.trim() === '') this.refuse(label, value, 'filled in');
    if (trimmed.length > options.max) this.refuse(label, value, `at most ${options.max} characters long`);
    return trimmed;
  }

  /** A number within bounds; null when it is optional and empty. */
  number(
    field: string,
    label: string,
    options: { min: number; max: number; unit?: string; integer?: boolean; optional: true },
  ): number | null;
  number(
    field: string,
    label: string,
    options: { min: number; max: number; unit?: string; integer?: boolean; optional?: false },
  ): number;
  number(
    field: string,
    label: string,
    options: { min: number; max: number; unit?: string; integer?: boolean; optional?: boolean },
  ): number | null {
    const value = this.value(field);
    const { min, max, unit, integer, optional } = options;
    if (optional && (value === undefined || value === null || value === '')) return null;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    const expected = `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}${unit ? ` ${unit}` : ''}`;
    if (typeof number !== 'number' || !Number.isFinite(number) || number < min || number > max)
      this.refuse(label, value, expected);
    if (integer && !Number.isInteger(number)) this.refuse(label, value, expected);
    return number;
  }

  /** Seconds of the dialog as whole milliseconds. */
  seconds(field: string, label: string, min: number, max: number): number {
    return Math.round(this.number(field, label, { min, max, unit: 'seconds' }) * 1000);
  }

  flag(field: string, label: string): boolean {
    const value = this.value(field);
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    return this.refuse(label, value, 'on (true) or off (false)');
  }

  choice<T extends string>(field: string, label: string, options: readonly T[]): T {
    const value = this.value(field);
    const found = options.find((option) => option === value);
    return found ?? this.refuse(label, value, `one of ${options.join(', ')}`);
  }

  /** A list of choices; check boxes of a dialog. At least one unless `empty` is allowed. */
  choices<T extends string>(field: string, label: string, options: readonly T[], empty = false): T[] {
    const value = this.value(field);
    if (!Array.isArray(value)) this.refuse(label, value, `a list out of ${options.join(', ')}`);
    const chosen = options.filter((option) => value.includes(option));
    const strange = value.find((entry) => !options.some((option) => option === entry));
    if (strange !== undefined) this.refuse(label, strange, `one of ${options.join(', ')}`);
    if (chosen.length === 0 && !empty) this.refuse(label, value, `at least one of ${options.join(', ')}`);
    return chosen;
  }

  /** A list from a text with commas, semicolons or lines between its entries, or from an array. */
  list(field: string, label: string, options: { max: number; entryLength: number; required?: boolean }): string[] {
    const value = this.value(field) ?? '';
    const parts =
      typeof value === 'string' ? value.split(/[,;\n]/) : typeof value === 'number' ? [String(value)] : value;
    if (!Array.isArray(parts)) this.refuse(label, value, 'a list with commas between its entries');
    const entries: string[] = [];
    for (const part of parts) {
      const text = typeof part === 'number' ? String(part) : part;
      if (typeof text !== 'string') this.refuse(label, part, 'a list of texts');
      const trimmed = text.trim();
      if (trimmed.length > options.entryLength)
        this.refuse(label, trimmed, `a list of entries with at most ${options.entryLength} characters`);
      if (trimmed !== '' && !entries.includes(trimmed)) entries.push(trimmed);
    }
    if (entries.length > options.max) this.refuse(label, value, `a list of at most ${options.max} entries`);
    if (options.required && entries.length === 0) this.refuse(label, value, 'filled in');
    return entries;
  }

  /** Channels, counted from 1; an empty list means any. */
  channels(field: string, label: string): number[] {
    return this.list(field, label, { max: 256, entryLength: 10 }).map((entry) => {
      const channel = Number(entry);
      return Number.isInteger(channel) && channel >= 1 && channel <= 65_535
        ? channel
        : this.refuse(label, entry, 'empty or channel numbers from 1, with commas between them');
    });
  }

  addresses(field: string, label: string): string[] {
    return this.list(field, label, { max: 256, entryLength: 64 }).map((entry) =>
      isIP(entry) ? entry : this.refuse(label, entry, 'IP addresses with commas between them'),
    );
  }

  /** Plain mail addresses, `name@domain`. */
  mailAddresses(field: string, label: string, max: number, optional = false): string[] {
    return this.list(field, label, { max, entryLength: 254, required: !optional }).map((entry) =>
      isMailAddress(entry) ? entry : this.refuse(label, entry, 'mail addresses like name@example.org'),
    );
  }

  /** A host name or an IP address; '' when it is optional and empty. */
  host(field: string, label: string, options: { optional?: boolean } = {}): string {
    const host = this.text(field, label, { max: 253, required: !options.optional });
    if (host === '') return '';
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    if (isIP(bare)) return bare;
    if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(host))
      this.refuse(label, host, 'a host name or an IP address, without http:// and without a path');
    return host;
  }

  /** IANA zone, or null when empty: the zone of this machine. */
  timeZone(field: string, label: string): string | null {
    const zone = this.text(field, label, { max: 64 });
    if (zone === '') return null;
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone });
    } catch {
      // The range error says no more than that the name is unknown.
      this.refuse(label, zone, 'a time zone like Europe/Berlin');
    }
    return zone;
  }

  /** Id of a config node of the given type; null when optional and empty. Throws when it is gone or unusable. */
  reference(field: string, label: string, type: string, optional: true): string | null;
  reference(field: string, label: string, type: string, optional?: false): string;
  reference(field: string, label: string, type: string, optional = false): string | null {
    const id = this.text(field, label, { max: 64 });
    if (id === '' || id === '_ADD_') {
      if (optional) return null;
      throw userError(
        'E_NODE_CONFIG',
        `${this.subject}: field "${label}" is empty; ${this.remedy.replace('correct it', 'choose one')}`,
      );
    }
    const problem = this.referenceProblem(id, label, type);
    if (problem) throw problem;
    return id;
  }

  /** Like an optional reference, but one that is gone only makes an issue: the node does without it. */
  referenceIfThere(field: string, label: string, type: string): string | null {
    const id = this.text(field, label, { max: 64 });
    if (id === '' || id === '_ADD_') return null;
    const problem = this.referenceProblem(id, label, type);
    if (!problem) return id;
    this.issues.push(problem.message);
    return null;
  }

  /** Whether a config node is named, there or gone. */
  isChosen(field: string): boolean {
    const id = this.value(field);
    return typeof id === 'string' && id !== '' && id !== '_ADD_';
  }

  /**
   * Ids of config nodes; an empty list means any. Those that are gone are left out and kept as issues, so that the
   * others go on working; when all are gone the node cannot mean anything and the first refusal is thrown.
   */
  references(field: string, label: string, type: string): string[] {
    const ids = this.list(field, label, { max: 4096, entryLength: 64 });
    const usable: string[] = [];
    const problems: Error[] = [];
    for (const id of ids) {
      const problem = this.referenceProblem(id, label, type);
      if (problem) problems.push(problem);
      else usable.push(id);
    }
    if (ids.length > 0 && usable.length === 0) throw problems[0];
    this.issues.push(...problems.map((problem) => problem.message));
    return usable;
  }

  /** Whether a config node of the type is there, for entries that the node can do without; an issue if not. */
  isThere(id: string, label: string, type: string): boolean {
    const problem = this.referenceProblem(id, label, type);
    if (problem) this.issues.push(problem.message);
    return problem === null;
  }

  private referenceProblem(id: string, label: string, type: string): Error | null {
    const found = this.find(id);
    // "Alarm centre" is a word, "MQTT broker" is not.
    const thing = label.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase()).replace(/s$/, '');
    if (!found)
      return userError(
        'E_REFERENCE_GONE',
        `${this.subject} points at ${withArticle(thing)} that is gone or disabled (${id}): choose another in field "${label}" and deploy again`,
      );
    if (found.type !== type)
      return userError(
        'E_REFERENCE_TYPE',
        `${this.subject}: field "${label}" points at a node of type ${found.type} (${id}), it must be ${type}: choose another and deploy again`,
      );
    if (found.alarmflowProblem)
      return userError(
        'E_REFERENCE_BROKEN',
        `${this.subject} points at ${withArticle(thing)} that is not set up right: mend that first. ${found.alarmflowProblem}`,
      );
    return null;
  }

  /** Settings with plain values, by their names; what they mean is checked by whoever knows. */
  settings(field: string, label: string): Record<string, string | number | boolean> {
    const value = this.value(field) ?? {};
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.refuse(label, value, 'an object with settings');
    const entries = Object.entries(value);
    if (entries.length > MOST_SETTINGS) this.refuse(label, value, `an object with at most ${MOST_SETTINGS} settings`);
    const read: Record<string, string | number | boolean> = {};
    for (const [name, setting] of entries) {
      if (!/^[a-z]\w{0,63}$/i.test(name)) this.refuse(label, name, 'an object whose names are plain words');
      if (typeof setting === 'string' && setting.length > LONGEST_SETTING)
        this.refuse(label, name, `an object with texts of at most ${LONGEST_SETTING} characters`);
      if (typeof setting !== 'string' && typeof setting !== 'number' && typeof setting !== 'boolean')
        this.refuse(label, setting, 'an object with texts, numbers, true and false');
      read[name] = setting;
    }
    return read;
  }

  /** Anything, for nodes that check a structure of their own. */
  raw(field: string): unknown {
    return this.value(field);
  }

  /** A text of the node's credentials; null when there is none. Its value is in no refusal. */
  secret(field: string, label: string, options: { least?: number; max: number; required?: boolean }): string | null {
    const value = this.credentials[field];
    if (typeof value !== 'string' || value === '') {
      if (options.required) this.refuse(label, '', 'filled in');
      return null;
    }
    if (value.length < (options.least ?? 0)) this.refuse(label, '•••', `at least ${options.least} characters long`);
    if (value.length > options.max) this.refuse(label, '•••', `at most ${options.max} characters long`);
    return value;
  }

  /** User and password of the node's credentials, or null for none. `alone`: a password may stand without a user. */
  login(alone = false): { user: string; password: string } | null {
    const { user, password } = this.credentials;
    if (typeof user !== 'string' || user === '') {
      if (alone && typeof password === 'string' && password !== '') return { user: '', password };
      if (typeof password === 'string' && password !== '')
        throw userError(
          'E_NODE_CONFIG',
          `${this.subject}: there is a password but no user in field "User"; ${this.remedy}`,
        );
      return null;
    }
    return { user, password: typeof password === 'string' ? password : '' };
  }
}

/** Whether a text is one plain mail address; the mail server has the last word. No line break may pass (header injection). */
export const isMailAddress = (text: string): boolean =>
  text.length <= 254 && /^[^\s@<>,;:"\\()[\]]{1,64}@[^\s@<>,;:"\\()[\]]{1,189}$/.test(text);

/** The same, or `Name <name@domain>`. */
export function isSender(text: string): boolean {
  const named = /^[^<>\r\n]{1,120}<([^<>]{1,254})>$/.exec(text);
  return isMailAddress(named ? named[1]!.trim() : text);
}
