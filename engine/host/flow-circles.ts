/**
 * Config nodes that wait for one another. Node-RED takes every property of a config node whose value is the id of another
 * for a reference, a name as well, and creates a config node only after those that it refers to. A circle of them stops
 * the start of everything else, and Node-RED tells of it nowhere but on standard output (@node-red/runtime, Flow.start).
 */

type Entry = Record<string, unknown>;

interface Reference {
  from: Entry;
  field: string;
  to: Entry;
}

/** A file made to have many is mended step by step. */
const MOST_CIRCLES = 20;

const notReferences: ReadonlySet<string> = new Set(['id', 'wires', '_users']);
const structural: ReadonlySet<unknown> = new Set(['tab', 'subflow', 'group']);

const idOf = (entry: Entry): string => String(entry.id);

const called = (entry: Entry): string =>
  typeof entry.name === 'string' && entry.name !== '' && entry.name !== entry.id
    ? `"${entry.name.slice(0, 60)}" (${idOf(entry)})`
    : `"${idOf(entry)}"`;

/** As Node-RED looks a value up: a list with one entry counts as that entry. */
const keyOf = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number'
    ? String(value)
    : Array.isArray(value) && value.length === 1
      ? keyOf(value[0])
      : null;

/** The circles of a flow, each in one sentence with the remedy. Entries that are no nodes are passed over. */
export function circlesIn(flows: readonly unknown[]): string[] {
  const entries = flows.filter((entry): entry is Entry => typeof entry === 'object' && entry !== null);
  const containers = new Set(entries.filter(({ type }) => type === 'tab' || type === 'subflow').map(idOf));
  const asleep = new Set(entries.filter(({ type, disabled }) => type === 'tab' && disabled === true).map(idOf));
  const groups = new Map<string, Map<string, Entry>>();
  for (const entry of entries) {
    const drawn = Object.hasOwn(entry, 'x') && Object.hasOwn(entry, 'y');
    if (structural.has(entry.type) || drawn || entry.d === true) continue;
    const place = typeof entry.z === 'string' && containers.has(entry.z) ? entry.z : '';
    if (asleep.has(place)) continue;
    const group = groups.get(place) ?? new Map<string, Entry>();
    groups.set(place, group.set(idOf(entry), entry));
  }
  return [...groups.values()].flatMap(circlesAmong);
}

function circlesAmong(configs: ReadonlyMap<string, Entry>): string[] {
  const referencesOf = (from: Entry): Reference[] =>
    Object.entries(from).flatMap(([field, value]) => {
      const key = notReferences.has(field) ? null : keyOf(value);
      const to = key === null ? undefined : configs.get(key);
      return to ? [{ from, field, to }] : [];
    });
  const found: string[] = [];
  const done = new Set<Entry>();
  for (const start of configs.values()) {
    if (done.has(start)) continue;
    if (found.length >= MOST_CIRCLES) break;
    // Walked without recursion: a flow file may make the way as long as it likes.
    const way: { entry: Entry; left: Reference[]; by: Reference | null }[] = [
      { entry: start, left: referencesOf(start), by: null },
    ];
    const onWay = new Set([start]);
    while (way.length > 0 && found.length < MOST_CIRCLES) {
      const here = way[way.length - 1]!;
      const next = here.left.shift();
      if (next === undefined) {
        way.pop();
        onWay.delete(here.entry);
        done.add(here.entry);
      } else if (onWay.has(next.to)) {
        const from = way.findIndex(({ entry }) => entry === next.to);
        found.push(told([...way.slice(from + 1).flatMap(({ by }) => by ?? []), next]));
      } else if (!done.has(next.to)) {
        way.push({ entry: next.to, left: referencesOf(next.to), by: next });
        onWay.add(next.to);
      }
    }
  }
  return found;
}

function told(circle: readonly Reference[]): string {
  const [first] = circle;
  if (first && circle.length === 1)
    return `${called(first.from)} has its own id "${idOf(first.from)}" as "${first.field}", which Node-RED takes for a node that waits for itself: change its "${first.field}" or its id`;
  const links = circle.slice(0, 10).map(({ from, field, to }) => `${called(from)} names "${idOf(to)}" as "${field}"`);
  return `config nodes wait for one another in a circle, so that Node-RED starts none of them: ${links.join(', ')}; change one of these values`;
}
