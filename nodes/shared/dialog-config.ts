import { type FlowEngine, userError } from '../../engine/index';
import { jsonRoute } from './admin-routes';
import { completeConfig, type NodeKind, subjectOf } from './define-node';
import { Fields } from './fields';
import type { AdminRequest, RawConfig, Red } from './runtime-api';

/** What the editor sends for a password that the user has not touched. */
const UNCHANGED_PASSWORD = '__PWRD__';

/** The dialog is open and nothing is deployed yet. */
export const DIALOG_REMEDY = 'correct it and try again';

/** The JSON object in a request's body; a user error otherwise. */
export function bodyOf(request: AdminRequest): RawConfig {
  const { body } = request;
  // Anything but JSON could be sent by a form of a foreign page without the browser asking first.
  const isJson = /^application\/json\b/i.test(String(request.headers['content-type'] ?? ''));
  if (!isJson || typeof body !== 'object' || body === null || Array.isArray(body))
    throw userError('E_BAD_REQUEST', 'The request needs a JSON object as its body: reload the editor and try again');
  return body as RawConfig;
}

/**
 * Reads a config node as its open dialog has it, for a test button; nothing of it needs to be deployed.
 * A password that was not touched is the deployed one.
 */
export const readDialog = <Config>(red: Red, kind: NodeKind<Config>, sent: RawConfig): Config =>
  kind.read(dialogFields(red, kind, sent));

/** As Node-RED does with a deployed node: a value that is nothing but a variable stands for that. */
function filledIn(value: unknown): unknown {
  const name = typeof value === 'string' ? /^\$\{(\w+)\}$/.exec(value)?.[1] : undefined;
  return name === undefined ? value : (process.env[name] ?? value);
}

/**
 * The same, not read yet: what is left out of the reading is known by its issues.
 *
 * @param unnamed how messages name it while it has no name; absent: by its kind
 */
export function dialogFields<Config>(red: Red, kind: NodeKind<Config>, sent: RawConfig, unnamed?: string): Fields {
  const id = typeof sent.id === 'string' && /^[\w.-]{1,64}$/.test(sent.id) ? sent.id : 'new';
  const secrets = kind.credentials ?? {};
  const config = Object.fromEntries(
    Object.entries(sent)
      .filter(([field]) => !Object.hasOwn(secrets, field))
      .map(([field, value]) => [field, filledIn(value)]),
  );
  const stored = red.nodes.getCredentials(id) ?? {};
  const isNamed = typeof config.name === 'string' && config.name.trim() !== '';
  // Its id is known to nobody who fills in the dialog of a new one.
  const subject = isNamed ? subjectOf(kind.title, { ...config, id }) : (unnamed ?? kind.title);
  return new Fields(
    completeConfig(kind, { ...config, id }, subject),
    subject,
    (reference) => red.nodes.getNode(reference),
    Object.fromEntries(
      Object.keys(secrets).map((field) => [field, sent[field] === UNCHANGED_PASSWORD ? stored[field] : sent[field]]),
    ),
    DIALOG_REMEDY,
  );
}

/** The route behind a test button: tries what the open dialog holds and says what happened. */
export function testRoute<Config>(
  red: Red,
  path: string,
  kind: NodeKind<Config>,
  test: (engine: FlowEngine, config: Config) => Promise<{ ok: boolean; detail: string }>,
): void {
  red.httpAdmin.post(
    path,
    red.auth.needsPermission('devices.write'),
    jsonRoute(red, (engine, request) => test(engine, readDialog(red, kind, bodyOf(request)))),
  );
}
