import { jsonRoute } from '../../shared/admin-routes';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { bodyOf } from '../../shared/dialog-config';
import { defaults, migrations } from './migrations';

interface RuleTests {
  name: string;
  /** JSON text; read by whoever runs the tests. */
  tests: string;
  atDeploy: 'offer' | 'always' | 'never';
}

const TITLE = 'Rule tests';

/** Holds the tests of a flow, so that they are saved, exported and deployed with it. At run time it does nothing. */
const ruleTests: NodeKind<RuleTests> = {
  type: 'alarmflow-rule-tests',
  title: TITLE,
  defaults,
  migrations,
  read: (fields) => ({
    name: fields.name(TITLE),
    tests: fields.text('tests', 'Tests', { max: 1_000_000, lines: true }),
    atDeploy: fields.choice('atDeploy', 'Before a deploy', ['offer', 'always', 'never'] as const),
  }),
  register(red) {
    // The flow comes from the editor and is not deployed: running its code asks for the right to deploy it.
    red.httpAdmin.post(
      '/alarmflow/rule-tests/run',
      red.auth.needsPermission('flows.write'),
      jsonRoute(red, (engine, request) => engine.runRuleTests(bodyOf(request).flows)),
    );
  },
};

export default defineNode(ruleTests);
