import { userError } from '../../domain/errors';

/*
 * An own engine for the patterns that an operator writes, because a backtracking one can be made to run for hours by the
 * text that a stranger pushes. Each pair of instruction and position is tried once at most (as in RE2's BitState), so the
 * time is bounded by their product, whatever pattern and text are; groups and greediness mean what they do in JavaScript.
 */

/** Longest pattern, in characters. */
const MOST_PATTERN = 200;
/** Instructions after counted repeats are written out. */
const MOST_STEPS = 256;
/** Characters of a text that are searched. */
export const MOST_SEARCHED = 32 * 1024;
const MOST_REPEAT = 100;

/** A pattern that takes linear time. */
export interface Pattern {
  /** The first group that took part, or the whole match where there is no group; null: no match. */
  find(text: string): string | null;
}

type Test = (code: number) => boolean;

type Step =
  | { do: 'test'; test: Test }
  | { do: 'split'; first: number; second: number }
  | { do: 'jump'; to: number }
  | { do: 'save'; slot: number }
  | { do: 'at'; place: 'start' | 'end' | 'word' | 'no-word' }
  | { do: 'done' };

type Node =
  | { is: 'test'; test: Test }
  | { is: 'at'; place: 'start' | 'end' | 'word' | 'no-word' }
  | { is: 'all'; nodes: Node[] }
  | { is: 'any'; nodes: Node[] }
  | { is: 'group'; slot: number | null; node: Node }
  | { is: 'repeat'; node: Node; least: number; most: number; greedy: boolean };

const isDigit: Test = (c) => c >= 0x30 && c <= 0x39;
const isWord: Test = (c) => isDigit(c) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f;
const isSpace: Test = (c) => c === 0x20 || (c >= 0x09 && c <= 0x0d) || c === 0xa0 || c === 0xfeff;
const isLineEnd: Test = (c) => c === 0x0a || c === 0x0d;
const not =
  (test: Test): Test =>
  (c) =>
    !test(c);
const CLASSES: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, 0: 0 };

const bad = (pattern: string, reason: string): Error =>
  userError('E_DEVICE_OPTIONS', `The pattern /${pattern.slice(0, 60)}/ is not taken: ${reason}`);

class Parser {
  readonly #text: string;
  readonly #folded: boolean;
  #at = 0;
  #depth = 0;
  groups = 0;

  constructor(text: string, folded: boolean) {
    this.#text = text;
    this.#folded = folded;
  }

  parse(): Node {
    const node = this.#alternatives();
    if (this.#at < this.#text.length) throw bad(this.#text, `")" at ${this.#at + 1} closes nothing`);
    return node;
  }

  #alternatives(): Node {
    if (++this.#depth > 20) throw bad(this.#text, 'its groups are nested more than 20 deep');
    const nodes = [this.#sequence()];
    while (this.#text[this.#at] === '|') {
      this.#at++;
      nodes.push(this.#sequence());
    }
    this.#depth--;
    return nodes.length === 1 ? nodes[0]! : { is: 'any', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      const next = this.#text[this.#at];
      if (next === undefined || next === '|' || next === ')') return { is: 'all', nodes };
      nodes.push(this.#repeated(this.#atom()));
    }
  }

  #repeated(node: Node): Node {
    const next = this.#text[this.#at];
    let least = 0;
    let most = Number.POSITIVE_INFINITY;
    if (next === '+') least = 1;
    else if (next === '?') most = 1;
    else if (next === '{') {
      const counted = /^\{(\d{1,3})(,?)(\d{0,3})\}/.exec(this.#text.slice(this.#at));
      if (!counted) return node;
      least = Number(counted[1]);
      if (counted[2] === '') most = least;
      else if (counted[3] !== '') most = Number(counted[3]);
      if (least > MOST_REPEAT || (most > MOST_REPEAT && most !== Number.POSITIVE_INFINITY) || most < least)
        throw bad(
          this.#text,
          `${counted[0]} repeats more than ${MOST_REPEAT} times, or its numbers are the wrong way round`,
        );
      this.#at += counted[0].length - 1;
    } else if (next !== '*') return node;
    if (node.is === 'at') throw bad(this.#text, `nothing to repeat at ${this.#at + 1}`);
    this.#at++;
    const greedy = this.#text[this.#at] !== '?';
    if (!greedy) this.#at++;
    if (/^[*+?]/.test(this.#text.slice(this.#at))) throw bad(this.#text, `nothing to repeat at ${this.#at + 1}`);
    return { is: 'repeat', node, least, most, greedy };
  }

  #atom(): Node {
    const char = this.#text[this.#at++]!;
    if (char === '(') return this.#group();
    if (char === '[') return { is: 'test', test: this.#set() };
    if (char === '.') return { is: 'test', test: not(isLineEnd) };
    if (char === '^') return { is: 'at', place: 'start' };
    if (char === '$') return { is: 'at', place: 'end' };
    if (char === '*' || char === '+' || char === '?') throw bad(this.#text, `nothing to repeat at ${this.#at}`);
    if (char !== '\\') return { is: 'test', test: this.#same(char.charCodeAt(0)) };
    const escaped = this.#text[this.#at];
    if (escaped === 'b' || escaped === 'B') {
      this.#at++;
      return { is: 'at', place: escaped === 'b' ? 'word' : 'no-word' };
    }
    const found = this.#escape();
    return { is: 'test', test: typeof found === 'number' ? this.#same(found) : found };
  }

  #group(): Node {
    let slot: number | null = null;
    if (this.#text.startsWith('?:', this.#at)) this.#at += 2;
    else if (/^\?<[A-Za-z]\w{0,30}>/.test(this.#text.slice(this.#at))) {
      this.#at = this.#text.indexOf('>', this.#at) + 1;
      slot = ++this.groups;
    } else if (this.#text[this.#at] === '?')
      throw bad(this.#text, 'it looks ahead or behind, which would cost unbounded time; write it without');
    else slot = ++this.groups;
    const node = this.#alternatives();
    if (this.#text[this.#at] !== ')') throw bad(this.#text, 'a group has no ")"');
    this.#at++;
    return { is: 'group', slot, node };
  }

  /** What stands behind a backslash: a class, or the code of one character. */
  #escape(): Test | number {
    const char = this.#text[this.#at++];
    if (char === undefined) throw bad(this.#text, 'it ends with a backslash');
    const known = Object.hasOwn(CLASSES, char) ? CLASSES[char] : undefined;
    if (known) return known;
    if (Object.hasOwn(CONTROLS, char)) return CONTROLS[char]!;
    const hex = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4}))/i.exec(char + this.#text.slice(this.#at, this.#at + 4));
    if (hex) {
      this.#at += hex[0].length - 1;
      return Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
    }
    if (/[1-9k]/.test(char))
      throw bad(this.#text, 'it refers back to a group, which would cost unbounded time; write it without');
    if (/[a-z]/i.test(char)) throw bad(this.#text, `\\${char} is unknown here`);
    return char.charCodeAt(0);
  }

  #set(): Test {
    const negative = this.#text[this.#at] === '^';
    if (negative) this.#at++;
    const tests: Test[] = [];
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined) throw bad(this.#text, 'a "[" has no "]"');
      if (char === ']') break;
      const from = char === '\\' ? this.#escape() : char.charCodeAt(0);
      if (typeof from !== 'number') {
        tests.push(from);
        continue;
      }
      if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']' || this.#text[this.#at + 1] === undefined) {
        tests.push(this.#same(from));
        continue;
      }
      this.#at++;
      const end = this.#text[this.#at++]!;
      const to = end === '\\' ? this.#escape() : end.charCodeAt(0);
      if (typeof to !== 'number' || to < from) throw bad(this.#text, 'a range in "[…]" is the wrong way round');
      tests.push(this.#between(from, to));
    }
    const any: Test = (c) => tests.some((test) => test(c));
    return negative ? not(any) : any;
  }

  #same(code: number): Test {
    if (!this.#folded) return (c) => c === code;
    const wanted = fold(code);
    return (c) => fold(c) === wanted;
  }

  #between(from: number, to: number): Test {
    const inside: Test = (c) => c >= from && c <= to;
    if (!this.#folded) return inside;
    return (c) => inside(c) || inside(fold(c)) || inside(String.fromCharCode(c).toUpperCase().charCodeAt(0));
  }
}

const fold = (code: number): number => String.fromCharCode(code).toLowerCase().charCodeAt(0);

function compile(node: Node, steps: Step[], pattern: string): void {
  const add = (step: Step): number => {
    if (steps.length >= MOST_STEPS) throw bad(pattern, 'it is too long, or repeats too much: make it simpler');
    return steps.push(step) - 1;
  };
  const branch = (at: number, into: number, past: number, greedy: boolean): void => {
    steps[at] = { do: 'split', first: greedy ? into : past, second: greedy ? past : into };
  };
  switch (node.is) {
    case 'test':
      add({ do: 'test', test: node.test });
      return;
    case 'at':
      add({ do: 'at', place: node.place });
      return;
    case 'all':
      for (const inner of node.nodes) compile(inner, steps, pattern);
      return;
    case 'any': {
      const leave: number[] = [];
      node.nodes.forEach((inner, index) => {
        const last = index === node.nodes.length - 1;
        const split = last ? -1 : add({ do: 'jump', to: 0 });
        compile(inner, steps, pattern);
        if (last) return;
        leave.push(add({ do: 'jump', to: 0 }));
        branch(split, split + 1, steps.length, true);
      });
      for (const at of leave) steps[at] = { do: 'jump', to: steps.length };
      return;
    }
    case 'group':
      if (node.slot !== null) add({ do: 'save', slot: node.slot * 2 });
      compile(node.node, steps, pattern);
      if (node.slot !== null) add({ do: 'save', slot: node.slot * 2 + 1 });
      return;
    case 'repeat': {
      for (let i = 0; i < node.least; i++) compile(node.node, steps, pattern);
      if (node.most === Number.POSITIVE_INFINITY) {
        const split = add({ do: 'jump', to: 0 });
        compile(node.node, steps, pattern);
        add({ do: 'jump', to: split });
        branch(split, split + 1, steps.length, node.greedy);
        return;
      }
      const splits: number[] = [];
      for (let i = node.least; i < node.most; i++) {
        splits.push(add({ do: 'jump', to: 0 }));
        compile(node.node, steps, pattern);
      }
      for (const at of splits) branch(at, at + 1, steps.length, node.greedy);
      return;
    }
  }
}

type Saved = { slot: number; at: number; before: Saved } | null;

function search(steps: readonly Step[], text: string): Saved | undefined {
  const width = text.length + 1;
  const seen = new Uint8Array(Math.ceil((steps.length * width) / 8));
  const stack: { step: number; at: number; saved: Saved }[] = [];
  for (let start = 0; start < width; start++) {
    stack.push({ step: 0, at: start, saved: { slot: 0, at: start, before: null } });
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      let { step, at, saved } = next;
      for (;;) {
        const bit = step * width + at;
        // What has failed from here once fails again, from whichever start it is reached.
        if ((seen[bit >> 3]! >> (bit & 7)) & 1) break;
        seen[bit >> 3]! |= 1 << (bit & 7);
        const now = steps[step]!;
        if (now.do === 'done') return { slot: 1, at, before: saved };
        if (now.do === 'test') {
          if (at >= text.length || !now.test(text.charCodeAt(at))) break;
          at++;
          step++;
        } else if (now.do === 'split') {
          stack.push({ step: now.second, at, saved });
          step = now.first;
        } else if (now.do === 'jump') step = now.to;
        else if (now.do === 'save') {
          saved = { slot: now.slot, at, before: saved };
          step++;
        } else if (holdsAt(now.place, text, at)) step++;
        else break;
      }
    }
  }
  return undefined;
}

/** `^` and `$` hold at the ends of every line: what is searched is mostly lines of `name: value`. */
function holdsAt(place: 'start' | 'end' | 'word' | 'no-word', text: string, at: number): boolean {
  if (place === 'start') return at === 0 || isLineEnd(text.charCodeAt(at - 1));
  if (place === 'end') return at === text.length || isLineEnd(text.charCodeAt(at));
  const before = at > 0 && isWord(text.charCodeAt(at - 1));
  const behind = at < text.length && isWord(text.charCodeAt(at));
  return (before !== behind) === (place === 'word');
}

/**
 * A pattern in the syntax of JavaScript without looking around and referring back. Throws `E_DEVICE_OPTIONS` (user) for
 * what it doesn't know and for more than 200 characters or 256 steps. Only the first 32,768 characters of a text are
 * searched.
 *
 * @param folded letters of either case match (flag `i`)
 */
export function createPattern(source: string, folded: boolean): Pattern {
  if (source.length > MOST_PATTERN) throw bad(source, `it has more than ${MOST_PATTERN} characters`);
  const parser = new Parser(source, folded);
  const steps: Step[] = [];
  compile(parser.parse(), steps, source);
  steps.push({ do: 'done' });
  return {
    find(text) {
      const searched = text.slice(0, MOST_SEARCHED);
      const found = search(steps, searched);
      if (found === undefined) return null;
      const places = new Map<number, number>();
      // The newest first: an older value of the same slot belongs to an earlier round of a repeat.
      for (let saved: Saved = found; saved !== null; saved = saved.before)
        if (!places.has(saved.slot)) places.set(saved.slot, saved.at);
      for (let group = 1; group <= parser.groups; group++) {
        const from = places.get(group * 2);
        const to = places.get(group * 2 + 1);
        if (from !== undefined && to !== undefined && to >= from) return searched.slice(from, to);
      }
      return parser.groups > 0 ? '' : searched.slice(places.get(0) ?? 0, places.get(1) ?? 0);
    },
  };
}
