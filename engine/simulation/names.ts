/** Finds what people name in event files and rule tests: by node id, or by the name in the flow. */
import { type ArmingSubject, theSite } from '../domain/arming';
import { userError } from '../domain/errors';
import type { LoadedFlow } from './runtime';

export interface Names {
  /** `alarmflow` stands for the site's own events. */
  device(text: string): string;
  trigger(text: string): string;
  /** `site`, an area, a trigger or a device. */
  armable(text: string): ArmingSubject;
  /** Id of an output, by its id, its name, `<device>/<number>` or `<device>/<kind>/<number>`. */
  output(text: string): string;
  /** Any node of the flow. */
  node(text: string): string;
}

interface Candidate {
  id: string;
  name: string;
}

const MOST_TOLD = 12;

/** @throws E_UNKNOWN_NAME (user) that lists what there is, for a text that names nothing or several things */
function find(what: string, text: string, candidates: readonly Candidate[]): string {
  const byId = candidates.find(({ id }) => id === text);
  if (byId) return byId.id;
  const plain = text.trim().toLowerCase();
  const named = [...new Set(candidates.filter(({ name }) => name.trim().toLowerCase() === plain).map(({ id }) => id))];
  if (named.length === 1) return named[0]!;
  if (named.length > 1)
    throw userError(
      'E_UNKNOWN_NAME',
      `"${text}" names ${named.length} ${what}s of the flow: name it by its id, one of ${named.slice(0, MOST_TOLD).join(', ')}`,
    );
  const known = [...new Set(candidates.map(({ name }) => `"${name}"`))];
  throw userError(
    'E_UNKNOWN_NAME',
    known.length === 0
      ? `The flow has no ${what} at all, so none is called "${text}"`
      : `The flow has no ${what} "${text}"; it has ${known.slice(0, MOST_TOLD).join(', ')}${known.length > MOST_TOLD ? ' …' : ''}`,
  );
}

export function namesOf({ defined, nodes, site }: LoadedFlow): Names {
  const ofKind = (kind: string): Candidate[] => defined.filter((entry) => entry.kind === kind);
  return {
    device: (text) => (text === 'alarmflow' ? text : find('device', text, ofKind('device'))),
    trigger: (text) => find('trigger', text, ofKind('trigger')),
    armable(text) {
      if (text === theSite.id) return theSite;
      const scopes = ['area', 'trigger', 'device'] as const;
      const candidates = scopes.flatMap((scope) => ofKind(scope));
      const id = find('area, trigger or device', text, candidates);
      const scope = scopes.find((kind) => defined.some((entry) => entry.kind === kind && entry.id === id));
      return { scope: scope ?? 'area', id };
    },
    output(text) {
      const outputs = site.outputs.list();
      return find(
        'output',
        text,
        outputs.flatMap(({ id, name, deviceId, kind, output }) => [
          { id, name },
          // A siren and a relay of one device may have one number: then its kind stands between them.
          { id, name: `${site.flow.deviceName(deviceId)}/${kind}/${output}` },
          { id, name: `${deviceId}/${output}` },
          { id, name: `${site.flow.deviceName(deviceId)}/${output}` },
        ]),
      );
    },
    node: (text) =>
      find(
        'node',
        text,
        nodes.flatMap((node) =>
          typeof node.name === 'string' ? [{ id: node.id, name: node.name }] : [{ id: node.id, name: node.id }],
        ),
      ),
  };
}
