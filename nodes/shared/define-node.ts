import { AlarmflowError, asAlarmflowError, type FlowEngine } from '../../engine/index';
import { engineMissing, engineOf } from './engine-access';
import { Fields } from './fields';
import { type Migration, migrate } from './migrations';
import { issueStatus, statusOf, troubleStatus } from './notices';
import type { FlowMessage, NodeInstance, RawConfig, Red, Send } from './runtime-api';

/** What a node's own code is given. */
export interface NodeSite {
  engine: FlowEngine;
  id: string;
  /** How messages name the node, e.g. `Relay out "Siren"`. */
  subject: string;
  send: Send;
  warn(text: string): void;
  /** False once the node is being closed. */
  open(): boolean;
}

/** Everything that makes one kind of node. */
export interface NodeKind<Config> {
  /** Node-RED type, e.g. `alarmflow-relay-out`. */
  type: string;
  /** What people call it, e.g. `Relay out`. */
  title: string;
  /** The dialog's defaults; fill what a configuration leaves out. */
  defaults: Readonly<RawConfig>;
  migrations: readonly Migration[];
  credentials?: Record<string, { type: 'text' | 'password' }>;
  /** Checks and reads the configuration; throws user errors. */
  read(fields: Fields): Config;
  /** Tells the engine what this node is. */
  start?(config: Config, site: NodeSite): Promise<void>;
  /** Works on a message; resolves to the message to pass on, or null for none. */
  input?(message: FlowMessage, config: Config, site: NodeSite): Promise<FlowMessage | null>;
  /** Runs once when the type is registered, for admin routes. */
  register?(red: Red): void;
}

/** The configuration of a node as its kind understands it, migrated and complete. */
export function completeConfig<Config>(kind: NodeKind<Config>, config: RawConfig, subject: string): RawConfig {
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  return { ...kind.defaults, ...migrate(given, kind.migrations, subject) };
}

export function subjectOf(title: string, config: RawConfig): string {
  const name = typeof config.name === 'string' ? config.name.trim() : '';
  return `${title} "${(name || String(config.id)).slice(0, 80)}"`;
}

/**
 * The one way to make a node: a wrong configuration, a missing engine, a rejected promise or a closing flow
 * stays this node's matter and never takes Node-RED or another node with it (a rejection would end the process).
 */
export const defineNode =
  <Config>(kind: NodeKind<Config>) =>
  (red: Red): void => {
    kind.register?.(red);
    red.nodes.registerType(
      kind.type,
      function construct(this: NodeInstance, raw: RawConfig): void {
        red.nodes.createNode(this, raw);
        runNode(red, kind, this, raw);
      },
      kind.credentials ? { credentials: kind.credentials } : undefined,
    );
  };

function runNode<Config>(
  red: Red,
  kind: NodeKind<Config>,
  node: NodeInstance & { alarmflowProblem?: string | null },
  raw: RawConfig,
): void {
  const subject = subjectOf(kind.title, raw);
  const engine = engineOf(red);
  let closed = false;

  /** Shows why the node cannot work; its messages are refused with the same error. */
  const broken = (thrown: unknown, text: string): AlarmflowError => {
    const error = asAlarmflowError(thrown);
    node.alarmflowProblem = error.message;
    if (!closed) node.status(troubleStatus(text));
    node.error(error.family === 'bug' ? (error.stack ?? error.message) : error.message);
    return error;
  };

  let ready: { config: Config; engine: FlowEngine } | null = null;
  let issues: string[] = [];
  let failure: AlarmflowError | null = null;
  if (!engine) failure = broken(engineMissing(subject), 'engine missing');
  else {
    try {
      const fields = new Fields(
        completeConfig(kind, raw, subject),
        subject,
        (id) => red.nodes.getNode(id),
        node.credentials ?? {},
      );
      ready = { config: kind.read(fields), engine };
      issues = fields.issues;
      for (const issue of issues) node.warn(issue);
    } catch (thrown) {
      failure = broken(thrown, statusTextFor(thrown));
    }
  }

  const site: NodeSite | null = engine && {
    engine,
    id: node.id,
    subject,
    send: (message) => node.send(message),
    warn: (text) => node.warn(text),
    open: () => !closed,
  };

  const begin = async (): Promise<void> => {
    if (!ready || !site) return;
    try {
      await kind.start?.(ready.config, site);
      if (issues.length > 0) node.status(issueStatus('points at a device that is gone'));
      else
        await ready.engine.watchNode(node.id, (notice) => {
          if (!closed) node.status(statusOf(notice));
        });
    } catch (thrown) {
      failure = broken(thrown, 'not started');
    }
  };
  const started = begin();

  if (kind.input) {
    const { input } = kind;
    node.on('input', (message, send, done) => {
      const work = async (): Promise<void> => {
        await started;
        if (failure) throw failure;
        if (!ready || !site) throw engineMissing(subject);
        const passedOn = await input(message, ready.config, site);
        if (passedOn) send(passedOn);
      };
      work().then(
        () => done(),
        (thrown: unknown) => done(asAlarmflowError(thrown)),
      );
    });
  }

  if (engine) {
    node.on('close', (_removed, done) => {
      closed = true;
      // A definition that is still under way must not arrive after the farewell.
      const leave = async (): Promise<void> => {
        await started;
        await engine.detach(node.id);
      };
      leave().then(done, (thrown: unknown) => {
        node.error(`${subject} could not be closed in order: ${asAlarmflowError(thrown).message}`);
        done();
      });
    });
  }
}

function statusTextFor(thrown: unknown): string {
  if (!(thrown instanceof AlarmflowError)) return 'not started';
  if (thrown.code === 'E_REFERENCE_GONE') return 'points at nothing';
  if (thrown.code === 'E_CONFIG_NEWER') return 'needs newer alarmflow';
  return 'check settings';
}
