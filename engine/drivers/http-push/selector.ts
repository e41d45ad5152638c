import { userError } from '../../domain/errors';
import type { XmlElement } from '../wire';
import type { Fields, PushBody } from './body';
import { createPattern, type Pattern } from './pattern';
import type { Tree } from './sloppy-json';

/** One push as selectors see it. */
export interface Scope {
  method: string;
  /** Parts of the path behind the token, unescaped. */
  path: readonly string[];
  query: Fields;
  headers: Record<string, string | string[] | undefined>;
  body: PushBody;
  /** The node that the event is read from, where a push holds several; paths begin there. */
  item: Place | null;
}

/** A node of a document. */
export type Place = { json: Tree } | { xml: XmlElement };

type JsonStep = { name: string } | { index: number } | { all: true } | { deep: string };
type XmlStep = { element: string; index: number | null; deep: boolean } | { attribute: string };

/** Where a value is to be found in a push. */
export type Selector =
  | { from: 'json'; steps: JsonStep[]; root: boolean }
  | { from: 'xml'; steps: XmlStep[]; root: boolean }
  | { from: 'form' | 'query' | 'header' | 'part'; name: string }
  | { from: 'path'; segment: number }
  | { from: 'text'; pattern: Pattern | null }
  | { from: 'constant'; value: string };

const MOST_FOUND = 1_000;
const MOST_STEPS = 32;

const bad = (text: string, remedy: string): Error =>
  userError('E_DEVICE_OPTIONS', `"${text.slice(0, 80)}" tells no place in a push: ${remedy}`);

/**
 * Reads the place of a value: `$.event.type`, `$.list[0].id`, `$['a b']`, `$..name`, `$[*]`; `/alarm/type`,
 * `//type`, `/alarm/@id`, `/a/b[2]`; `$$…` and `^/…` from the top of the document where each event is an item of it;
 * `form:name`, `query:name`, `header:name`, `path:2`, `part:name`; `text:` or `text:/pattern/i`; `"constant"`.
 * Throws `E_DEVICE_OPTIONS` (user).
 */
export function parseSelector(text: string): Selector {
  const written = text.trim();
  const constant = /^(?:"([^"]*)"|'([^']*)')$/.exec(written);
  if (constant) return { from: 'constant', value: constant[1] ?? constant[2] ?? '' };
  if (written.startsWith('$')) return jsonSelector(written);
  if (written.startsWith('/') || written.startsWith('^/')) return xmlSelector(written);
  const cut = written.indexOf(':');
  const kind = written.slice(0, Math.max(0, cut)).toLowerCase();
  const name = written.slice(cut + 1).trim();
  if (kind === 'form' || kind === 'query' || kind === 'header' || kind === 'part') {
    if (name === '' || name.length > 200) throw bad(written, `give a name behind "${kind}:"`);
    return { from: kind, name };
  }
  if (kind === 'path') {
    if (!/^-?[1-9]\d?$/.test(name))
      throw bad(written, 'give the number of a part of the path, path:1 for the first, path:-1 for the last');
    return { from: 'path', segment: Number(name) };
  }
  if (kind === 'text') {
    if (name === '') return { from: 'text', pattern: null };
    const pattern = /^\/(.+)\/([a-z]*)$/.exec(name);
    if (!pattern || !/^i?$/.test(pattern[2] ?? '')) throw bad(written, 'write text:/pattern/ or text:/pattern/i');
    return { from: 'text', pattern: createPattern(pattern[1] ?? '', pattern[2] === 'i') };
  }
  throw bad(
    written,
    'write $.json.path, /xml/path, form:name, query:name, header:name, path:1, part:name, text:/pattern/ or "constant"',
  );
}

function jsonSelector(written: string): Selector {
  const root = written.startsWith('$$');
  let rest = written.slice(root ? 2 : 1);
  const steps: JsonStep[] = [];
  while (rest !== '') {
    const match =
      /^\.\.([^.[\]\s"']{1,200})/.exec(rest) ??
      /^\.([^.[\]\s"']{1,200})/.exec(rest) ??
      /^\[(\d{1,6}|\*|"[^"]{1,200}"|'[^']{1,200}')\]/.exec(rest);
    if (!match) throw bad(written, 'write its steps as $.name, $["name with blanks"], $[0], $[*] or $..name');
    const step = match[1] ?? '';
    if (rest.startsWith('..')) steps.push({ deep: step });
    else if (rest.startsWith('.')) steps.push(step === '*' ? { all: true } : { name: step });
    else if (step === '*') steps.push({ all: true });
    else if (/^\d/.test(step)) steps.push({ index: Number(step) });
    else steps.push({ name: step.slice(1, -1) });
    rest = rest.slice(match[0].length);
    if (steps.length > MOST_STEPS) throw bad(written, `use at most ${MOST_STEPS} steps`);
  }
  return { from: 'json', steps, root };
}

function xmlSelector(written: string): Selector {
  const root = written.startsWith('^');
  let rest = root ? written.slice(1) : written;
  const steps: XmlStep[] = [];
  while (rest !== '') {
    const match = /^(\/\/?)(@?)([^/@[\]\s]{1,200})(?:\[(\d{1,6})\])?/.exec(rest);
    if (!match || steps.some((step) => 'attribute' in step))
      throw bad(written, 'write its steps as /element, //element, /element[2], and /@attribute at the end');
    // A prefix belongs to the document that it was copied from; local names are compared.
    const name = (match[3] ?? '').replace(/^.*:/, '');
    if (match[2] === '@') steps.push({ attribute: name });
    else
      steps.push({ element: name, index: match[4] === undefined ? null : Number(match[4]), deep: match[1] === '//' });
    rest = rest.slice(match[0].length);
    if (steps.length > MOST_STEPS) throw bad(written, `use at most ${MOST_STEPS} steps`);
  }
  return { from: 'xml', steps, root };
}

/** Whether a place lies in the item of a list, so that each event has its own. */
export const dependsOnItem = (selector: Selector): boolean =>
  (selector.from === 'json' || selector.from === 'xml') && !selector.root;

const isList = (tree: Tree): tree is readonly Tree[] => Array.isArray(tree);
const isObject = (tree: Tree): tree is ReadonlyMap<string, Tree> => tree instanceof Map;

function jsonStep(at: readonly Tree[], step: JsonStep): Tree[] {
  const found: Tree[] = [];
  const named = (tree: Tree, name: string): void => {
    // A name applied to a list means each of its items: a single object and a list of one are the same to a reader.
    if (isList(tree)) for (const item of tree) named(item, name);
    else if (isObject(tree)) {
      const value = tree.get(name);
      if (value !== undefined) found.push(value);
    }
  };
  const deep = (tree: Tree, name: string): void => {
    if (found.length >= MOST_FOUND) return;
    if (isList(tree)) for (const item of tree) deep(item, name);
    else if (isObject(tree)) {
      const value = tree.get(name);
      if (value !== undefined) found.push(value);
      for (const inner of tree.values()) deep(inner, name);
    }
  };
  for (const tree of at) {
    if ('name' in step) named(tree, step.name);
    else if ('deep' in step) deep(tree, step.deep);
    else if ('all' in step) {
      if (isList(tree)) found.push(...tree.slice(0, MOST_FOUND));
      else if (isObject(tree)) found.push(...[...tree.values()].slice(0, MOST_FOUND));
    } else {
      const item = isList(tree) ? tree[step.index] : step.index === 0 ? tree : undefined;
      if (item !== undefined) found.push(item);
    }
    if (found.length >= MOST_FOUND) break;
  }
  return found.slice(0, MOST_FOUND);
}

function xmlStep(at: readonly XmlElement[], step: Extract<XmlStep, { element: string }>): XmlElement[] {
  const found: XmlElement[] = [];
  const fits = (element: XmlElement): boolean => step.element === '*' || element.name === step.element;
  const visit = (element: XmlElement, into: XmlElement[]): void => {
    for (const inner of element.children) {
      if (into.length >= MOST_FOUND) return;
      if (fits(inner)) into.push(inner);
      if (step.deep) visit(inner, into);
    }
  };
  for (const element of at) {
    const inside: XmlElement[] = [];
    visit(element, inside);
    if (step.index === null) found.push(...inside);
    else if (inside[step.index - 1]) found.push(inside[step.index - 1]!);
    if (found.length >= MOST_FOUND) break;
  }
  return found.slice(0, MOST_FOUND);
}

/** A document node above the root, so that the first step names the root element as in XPath. */
const above = (root: XmlElement): XmlElement => ({
  name: '',
  attributes: Object.create(null) as Record<string, string>,
  children: [root],
  text: '',
});

/** The nodes of documents that a selector leads to; none for one that leads elsewhere. */
export function placesOf(selector: Selector, scope: Scope): Place[] {
  const { item, body } = scope;
  if (selector.from === 'json') {
    if (item && 'xml' in item && !selector.root) return [];
    let at: Tree[] = item && 'json' in item && !selector.root ? [item.json] : body.json;
    for (const step of selector.steps) at = jsonStep(at, step);
    return at.map((json) => ({ json }));
  }
  if (selector.from !== 'xml' || selector.steps.some((step) => 'attribute' in step)) return [];
  return elementsOf(selector.steps, xmlRoots(selector.root, scope)).map((xml) => ({ xml }));
}

const xmlRoots = (root: boolean, { item, body }: Scope): XmlElement[] => {
  if (!root && item) return 'xml' in item ? [above(item.xml)] : [];
  return body.xml.map(above);
};

function elementsOf(steps: readonly XmlStep[], from: XmlElement[]): XmlElement[] {
  let at = from;
  for (const step of steps) if ('element' in step) at = xmlStep(at, step);
  return at;
}

function fieldsNamed(fields: Fields, name: string): string[] {
  const exact = fields.filter((field) => field.name === name);
  const wanted = name.toLowerCase();
  const found = exact.length > 0 ? exact : fields.filter((field) => field.name.toLowerCase() === wanted);
  return found.map((field) => field.value);
}

/** All texts that a selector leads to, trimmed, without empty ones. */
export function valuesOf(selector: Selector, scope: Scope): string[] {
  return textsOf(selector, scope)
    .map((text) => text.trim())
    .filter((text) => text !== '');
}

function textsOf(selector: Selector, scope: Scope): string[] {
  const { body } = scope;
  switch (selector.from) {
    case 'constant':
      return [selector.value];
    case 'json':
      return placesOf(selector, scope).flatMap((place) =>
        'json' in place && typeof place.json === 'string' ? [place.json] : [],
      );
    case 'xml': {
      const last = selector.steps.at(-1);
      const elements = elementsOf(selector.steps, xmlRoots(selector.root, scope));
      if (last && 'attribute' in last) return elements.flatMap((element) => element.attributes[last.attribute] ?? []);
      return elements.map((element) => element.text);
    }
    case 'form':
      return fieldsNamed(body.form, selector.name);
    case 'query':
      return fieldsNamed(scope.query, selector.name);
    case 'header': {
      const value = scope.headers[selector.name.toLowerCase()];
      return value === undefined ? [] : [value].flat();
    }
    case 'path': {
      const value = scope.path.at(selector.segment > 0 ? selector.segment - 1 : selector.segment);
      return value === undefined ? [] : [value];
    }
    case 'text': {
      if (selector.pattern === null) return [body.text];
      const found = selector.pattern.find(body.text);
      return found === null ? [] : [found];
    }
    case 'part':
      return [];
  }
}
