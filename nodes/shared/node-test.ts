import {
  type ActionTest,
  AlarmflowError,
  asAlarmflowError,
  type FlowEngine,
  type OutputTest,
  type TestOutcome,
  userError,
} from '../../engine/index';
import { jsonRoute } from './admin-routes';
import type { NodeKind } from './define-node';
import { bodyOf, dialogFields } from './dialog-config';
import type { AdminRequest, Red } from './runtime-api';

/** One thing that a node's test button tries, as the node would ask for it. */
export type NodeTest =
  | { action: Omit<ActionTest, 'nodeId' | 'nodeName' | 'who'> }
  | { output: Omit<OutputTest, 'nodeId' | 'nodeName' | 'who'> };

/** What is read of a node that can be tested. */
interface Named {
  name: string;
}

/** Outputs that one press of the button may hold at once. */
const MOST_AT_ONCE = 16;

/**
 * Gives a node the routes behind the test button of its dialog (`data-alarmflow-part="test"`). Both take what the open
 * dialog holds, of which nothing needs to be deployed but the devices and services that it points at.
 *
 * @param testsOf what the button tries; several are tried side by side
 */
export const testable = <Config extends Named>(
  kind: NodeKind<Config>,
  testsOf: (config: Config) => NodeTest[],
): NodeKind<Config> => ({
  ...kind,
  register(red) {
    kind.register?.(red);
    const guard = red.auth.needsPermission('devices.write');
    const reading = (request: AdminRequest) => readNode(red, kind, testsOf, request);
    red.httpAdmin.post(
      `/alarmflow/nodes/${kind.type}/test`,
      guard,
      jsonRoute(red, async (engine, request) => {
        const { asked, issues, who } = reading(request);
        const outcomes = await Promise.all(asked.map((test) => run(engine, test, who)));
        return joined(outcomes, issues);
      }),
    );
    red.httpAdmin.post(
      `/alarmflow/nodes/${kind.type}/check`,
      guard,
      jsonRoute(red, async (engine, request) => {
        const asked = filledIn(() => reading(request).asked) ?? [];
        const problems = await Promise.all(asked.map((test) => check(engine, test)));
        return { problems: [...new Set(problems.filter((problem) => problem !== null))] };
      }),
    );
  },
});

interface Asked {
  nodeId: string;
  nodeName: string;
  test: NodeTest;
}

function readNode<Config extends Named>(
  red: Red,
  kind: NodeKind<Config>,
  testsOf: (config: Config) => NodeTest[],
  request: AdminRequest,
): { asked: Asked[]; issues: string[]; who: string | undefined } {
  const fields = dialogFields(red, kind, bodyOf(request), kind.title);
  const config = deployedFirst(() => kind.read(fields));
  const tests = testsOf(config);
  if (tests.length > MOST_AT_ONCE)
    throw userError(
      'E_TOO_MANY_TESTS',
      `A test tries at most ${MOST_AT_ONCE} outputs at once, these are ${tests.length}: test them in groups`,
    );
  const who = request.user?.username;
  return {
    asked: tests.map((test) => ({ nodeId: fields.id, nodeName: config.name, test })),
    issues: fields.issues,
    who: typeof who === 'string' && who !== '' ? who : undefined,
  };
}

/** Null for a form that is not filled in yet: it has nothing to be checked, and its fields say what they lack. */
function filledIn<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (asAlarmflowError(thrown).family !== 'user') throw thrown;
    return null;
  }
}

/** What the dialog points at must be deployed: only then there is something that acts. */
function deployedFirst<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof AlarmflowError) || thrown.code !== 'E_REFERENCE_GONE') throw thrown;
    const [before] = thrown.message.split(': choose another');
    throw userError(
      'E_NOT_DEPLOYED',
      `${before}, or that is not deployed yet: if you have just added it, deploy first, then test`,
    );
  }
}

async function run(engine: FlowEngine, asked: Asked, who: string | undefined): Promise<TestOutcome> {
  const { nodeId, nodeName, test } = asked;
  const by = { nodeId, nodeName, ...(who === undefined ? {} : { who }) };
  try {
    return 'action' in test
      ? await engine.testAction({ ...test.action, ...by })
      : await engine.testOutput({ ...test.output, ...by });
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    if (error.family !== 'user') throw error;
    return { ok: false, detail: error.message, tookMs: 0 };
  }
}

const check = (engine: FlowEngine, { nodeId, nodeName, test }: Asked): Promise<string | null> =>
  'action' in test
    ? engine.checkAction({ ...test.action, nodeId, nodeName })
    : engine.checkOutput({ ...test.output, nodeId, nodeName });

/** Several outcomes as one; the bad ones first, because they are what somebody has to read. One that failed counts most. */
function joined(outcomes: readonly TestOutcome[], issues: readonly string[]): TestOutcome {
  const rank = ({ ok, tried }: TestOutcome): number => (ok ? 2 : tried === false ? 1 : 0);
  const ordered = [...outcomes].sort((a, b) => rank(a) - rank(b));
  const [worst] = ordered;
  const details = [...new Set([...ordered.map(({ detail }) => detail), ...issues])];
  return {
    ok: worst?.ok ?? false,
    ...(worst?.tried === false || !worst ? { tried: false } : {}),
    detail: details.join('\n') || 'There is nothing to test: choose what the node is to work on',
    tookMs: Math.max(0, ...outcomes.map(({ tookMs }) => tookMs)),
  };
}
