import { type AreaDefinition, type ArmingOrder, type ArmingProgram, armingWays, theSite } from '../domain/arming';
import { userError } from '../domain/errors';
import { isScope, subjectKey } from './arming-rows';

const LONGEST_DELAY_MS = 3_600_000;
const LONGEST_ORDER_MS = 366 * 86_400_000;
const MOST_INPUTS = 64;

/** What the flows say about arming: areas, the site's own settings, and schedules of other subjects. */
export interface Areas {
  /** @throws E_BAD_AREA, E_SITE_AREA_TWICE, E_ARMING_SCHEDULE_TWICE (user) */
  define(area: AreaDefinition): void;
  /** @throws E_ARMING_SCHEDULE_TWICE (user) */
  defineProgram(program: ArmingProgram): void;
  detach(nodeId: string): void;
  /** Forgets what was detached and not defined again; the ids of the areas among it. */
  sweep(): string[];
  /** An area by its node id; not the node that covers the site. */
  get(id: string): AreaDefinition | undefined;
  /** The node that covers the site. */
  site(): AreaDefinition | undefined;
  all(): AreaDefinition[];
  /** Schedule of a subject, or null. */
  scheduleOf(key: string): string | null;
  scheduledKeys(): Iterable<string>;
  scheduleIds(): Iterable<string>;
}

interface Held<T> {
  value: T;
  attached: boolean;
}

const keyOf = (area: AreaDefinition): string =>
  subjectKey(area.covers === 'site' ? theSite : { scope: 'area', id: area.id });

export function createAreas(called: (key: string) => string): Areas {
  const areas = new Map<string, Held<AreaDefinition>>();
  const programs = new Map<string, Held<ArmingProgram>>();
  /** Schedule of each subject, by key. */
  const schedules = new Map<string, string>();

  /** All that is said of schedules: which node, which subject, which schedule. */
  const said = function* (attachedOnly: boolean): Generator<{ nodeId: string; key: string; scheduleId: string }> {
    for (const [nodeId, { value, attached }] of areas) {
      if (value.scheduleId === null || (attachedOnly && !attached)) continue;
      yield { nodeId, key: keyOf(value), scheduleId: value.scheduleId };
    }
    for (const [nodeId, { value, attached }] of programs) {
      if (attachedOnly && !attached) continue;
      yield { nodeId, key: subjectKey(value.subject), scheduleId: value.scheduleId };
    }
  };

  const refuseSecondSchedule = (nodeId: string, key: string): void => {
    for (const other of said(true)) {
      if (other.key !== key || other.nodeId === nodeId) continue;
      throw userError(
        'E_ARMING_SCHEDULE_TWICE',
        `Two nodes (${other.nodeId} and ${nodeId}) give ${called(key)} a schedule; which one would count cannot be told: leave one of them without`,
      );
    }
  };

  const rebuild = (): void => {
    schedules.clear();
    for (const { key, scheduleId } of said(false)) schedules.set(key, scheduleId);
    for (const { key, scheduleId } of said(true)) schedules.set(key, scheduleId);
  };

  return {
    define(area) {
      checkArea(area);
      if (area.covers === 'site') {
        const other = [...areas.values()].find(
          ({ value, attached }) => attached && value.covers === 'site' && value.id !== area.id,
        );
        if (other !== undefined) {
          throw userError(
            'E_SITE_AREA_TWICE',
            `Area "${area.name}" and area "${other.value.name}" both cover the whole site: only one can`,
          );
        }
      }
      if (area.scheduleId !== null) refuseSecondSchedule(area.id, keyOf(area));
      areas.set(area.id, { value: structuredClone(area), attached: true });
      rebuild();
    },
    defineProgram(program) {
      refuseSecondSchedule(program.nodeId, subjectKey(program.subject));
      programs.set(program.nodeId, { value: structuredClone(program), attached: true });
      rebuild();
    },
    detach(nodeId) {
      for (const held of [areas.get(nodeId), programs.get(nodeId)]) if (held !== undefined) held.attached = false;
    },
    sweep() {
      const gone: string[] = [];
      for (const [id, { attached }] of areas) if (!attached && areas.delete(id)) gone.push(id);
      for (const [id, { attached }] of programs) if (!attached) programs.delete(id);
      rebuild();
      return gone;
    },
    get(id) {
      const area = areas.get(id)?.value;
      return area?.covers === 'area' ? area : undefined;
    },
    site() {
      for (const { value, attached } of areas.values()) if (attached && value.covers === 'site') return value;
      return [...areas.values()].find(({ value }) => value.covers === 'site')?.value;
    },
    all: () => [...areas.values()].map(({ value }) => value),
    scheduleOf: (key) => schedules.get(key) ?? null,
    scheduledKeys: () => schedules.keys(),
    scheduleIds: () => schedules.values(),
  };
}

function checkArea(area: AreaDefinition): void {
  const refuse = (why: string): never => {
    throw userError('E_BAD_AREA', `Area "${area.name}": ${why}`);
  };
  for (const [field, value] of [
    ['exitDelayMs', area.exitDelayMs],
    ['entryDelayMs', area.entryDelayMs],
  ] as const) {
    if (!Number.isFinite(value) || value < 0 || value > LONGEST_DELAY_MS) {
      refuse(`${field} is ${value}; give milliseconds from 0 to ${LONGEST_DELAY_MS}`);
    }
  }
  if (!Array.isArray(area.inputs) || area.inputs.length > MOST_INPUTS) refuse(`it can have ${MOST_INPUTS} inputs`);
}

/**
 * Checks an order that came from outside.
 *
 * @throws E_BAD_ORDER (user)
 */
export function checkOrder({ subject, armed, how, forMs }: ArmingOrder): void {
  const refuse = (why: string): never => {
    throw userError(
      'E_BAD_ORDER',
      `The order to ${armed === 'toggle' ? 'toggle' : armed ? 'arm' : 'disarm'} cannot be used: ${why}`,
    );
  };
  if (!isScope(subject.scope) || typeof subject.id !== 'string' || subject.id === '') refuse('it names no subject');
  if (subject.scope === 'site' && subject.id !== theSite.id) refuse(`the site's id is "${theSite.id}"`);
  if (subject.scope === 'channel' && !/^.+\/[1-9]\d{0,5}$/.test(subject.id)) {
    refuse('a channel is named "<device>/<number from 1>"');
  }
  if (!armingWays.includes(how)) refuse(`"how" is one of ${armingWays.join(', ')}`);
  if (forMs !== null && !(Number.isFinite(forMs) && forMs > 0 && forMs <= LONGEST_ORDER_MS)) {
    refuse('its time is longer than nothing and at most 366 days');
  }
}
