/** Runs the editor's side of the nodes without a browser: the resource scripts and each node's inline script. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import vm from 'node:vm';

export const root = join(__dirname, '../..');
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  'node-red': { nodes: Record<string, string>; plugins: Record<string, string> };
};

export interface NodeFolder {
  type: string;
  /** Name of its files, e.g. `relay-out`. */
  name: string;
  folder: string;
  html: string;
  catalogue: Record<string, unknown>;
}

/** The nodes that package.json gives to Node-RED. */
export const nodeFolders: NodeFolder[] = Object.entries(packageJson['node-red'].nodes).map(([type, file]) => {
  const source = join(root, file.replace(/^dist\//, '').replace(/\.js$/, '.ts'));
  const folder = dirname(source);
  const name = source.slice(folder.length + 1, -3);
  return {
    type,
    name,
    folder,
    html: readFileSync(join(folder, `${name}.html`), 'utf8'),
    catalogue: JSON.parse(readFileSync(join(folder, `locales/en-US/${name}.json`), 'utf8')),
  };
});

const editorFolder = join(root, 'nodes/plugins/editor');
export const editorHtml = readFileSync(join(editorFolder, 'editor.html'), 'utf8');
export const editorCatalogue = JSON.parse(
  readFileSync(join(editorFolder, 'locales/en-US/editor.json'), 'utf8'),
) as Record<string, unknown>;

/** The text behind a key like `label.host`, or undefined. */
export function textOf(catalogue: Record<string, unknown>, key: string): string | undefined {
  const found = key
    .split('.')
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], catalogue);
  return typeof found === 'string' ? found : undefined;
}

/** The text of a key with a namespace, as the editor finds it. */
export function translate(key: string): string | undefined {
  const [namespace, path] = key.split(':') as [string, string];
  if (namespace === 'alarmflow/alarmflow-editor') return textOf(editorCatalogue, path);
  const node = nodeFolders.find(({ type }) => namespace === `alarmflow/${type}`);
  return node && textOf(node.catalogue, path);
}

export type Validate = (this: unknown, value: unknown, options: { label?: string }) => true | string;

export interface Definition {
  category: string;
  color?: string;
  icon?: string;
  align?: string;
  inputs?: number;
  outputs?: number;
  credentials?: Record<string, unknown>;
  inputLabels?(): string;
  outputLabels?(): string;
  defaults: Record<string, { value: unknown; type?: string; label?: string; validate?: Validate; required?: boolean }>;
}

export interface WeekModel {
  isWeek(week: unknown): boolean;
  normal(week: unknown): Record<string, { from: number; to: number }[]>;
  bar(period: unknown): { from: number; to: number; rest: number };
  moved(period: unknown, minutes: number): { from: number; to: number } | null;
  parseOffset(text: string): number | null;
  span(period: unknown, say: (event: string) => string): string;
  format(minutes: number): string;
  parse(text: string): number | null;
}

export interface WeekDates {
  fault(entry: unknown, yearly: boolean): string | null;
  toYearly(text: string): string;
  toOnce(text: string, year: number): string;
}

export interface DeviceDialog {
  /** What of an event can be looked up in a push. */
  mappedFields: string[];
}

export interface Sandbox {
  deviceDialog: DeviceDialog;
  weekDates: WeekDates;
  definitions: Map<string, Definition>;
  /** Help texts by type, as the editor shows them. */
  helps: ReadonlyMap<string, { textContent: string }>;
  weekModel: WeekModel;
}

/** @param devices ids of the device nodes that the flow has */
export function openSandbox(devices: string[] = []): Sandbox {
  const definitions = new Map<string, Definition>();
  const helps = new Map(
    nodeFolders.map(({ type, html }) => [
      type,
      { textContent: /data-help-name="[^"]+">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '' },
    ]),
  );
  const parts = new Map(
    [...editorHtml.matchAll(/data-alarmflow-part="([^"]+)">([\s\S]*?)<\/script>/g)].map(([, part, text]) => [
      part,
      text,
    ]),
  );
  const document = {
    getElementById: () => ({}),
    querySelector(selector: string) {
      const part = /data-alarmflow-part="([^"]+)"/.exec(selector)?.[1];
      if (part !== undefined) return { textContent: parts.get(part) };
      return helps.get(/data-help-name="([^"]+)"/.exec(selector)?.[1] ?? '') ?? { textContent: '' };
    },
  };
  const window: { alarmflow?: { weekDates: WeekDates; weekModel: WeekModel; deviceDialog: DeviceDialog } } = {};
  const sandbox = {
    window,
    document,
    RED: {
      settings: { apiRootUrl: '' },
      events: { on: () => undefined },
      _: (key: string) => translate(key) ?? key,
      nodes: {
        registerType: (type: string, definition: Definition) => definitions.set(type, definition),
        node: (id: string) => (devices.includes(id) ? { type: 'alarmflow-device' } : undefined),
      },
    },
    get alarmflow() {
      return window.alarmflow;
    },
  };
  vm.createContext(sandbox);
  for (const [, file] of editorHtml.matchAll(/<script src="resources\/alarmflow\/([^"]+)">/g))
    vm.runInContext(readFileSync(join(root, 'resources', file!), 'utf8'), sandbox, { filename: file });
  for (const { html, name } of nodeFolders) {
    const script = /<script type="text\/javascript">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
    vm.runInContext(script, sandbox, { filename: `${name}.html` });
  }
  const { weekDates, weekModel, deviceDialog } = window.alarmflow!;
  return { definitions, helps, weekDates, weekModel, deviceDialog };
}
