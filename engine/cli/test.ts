import { readFile } from 'node:fs/promises';
import { userError } from '../domain/errors';
import { checkFlows, type FlowNode } from '../host/flow-file';
import { readFlowFile } from '../host/flow-source';
import {
  type RuleTest,
  type RuleTestReport,
  type RuleTestResult,
  readRuleTests,
  runRuleTests,
  startSimulationRuntime,
} from '../simulation';

export interface TestCommandOptions {
  tests: string[];
  only?: string;
  allow: string[];
  json: boolean;
}

const LARGEST_TEST_FILE = 8 * 1024 * 1024;
const LARGEST_INPUT = 64 * 1024 * 1024;
/** Node of a flow that holds tests. */
const TESTS_NODE = 'alarmflow-rule-tests';

/** Tests with the place they come from. */
interface Suite {
  source: string;
  tests: RuleTest[];
}

async function readTestFile(file: string, isOptional: boolean): Promise<string | null> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > LARGEST_TEST_FILE)
      throw userError('E_RULE_TESTS', `The test file ${file} is larger than ${LARGEST_TEST_FILE} bytes`);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isOptional && code === 'ENOENT') return null;
    if (code === 'E_RULE_TESTS') throw error;
    throw userError('E_RULE_TESTS', `The test file ${file} cannot be read (${code}): check its path`, { cause: error });
  }
}

/** `flows/demo-site.json` → `flows/demo-site.test.json` */
export const testFileBeside = (flowFile: string): string => flowFile.replace(/(\.json)?$/i, '.test.json');

/** Tests that nodes of the flow hold; nodes on disabled tabs count, for they test what is to come. */
function suitesOf(nodes: readonly FlowNode[]): Suite[] {
  return nodes.flatMap((node) => {
    if (node.type !== TESTS_NODE || node.d === true) return [];
    const source = typeof node.name === 'string' && node.name !== '' ? `Rule tests "${node.name}"` : 'Rule tests';
    const text = typeof node.tests === 'string' ? node.tests.trim() : '';
    return text === '' ? [] : [{ source, tests: readRuleTests(text, source) }];
  });
}

async function readInput(): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_INPUT) throw userError('E_FLOW_FILE', `Standard input is larger than ${LARGEST_INPUT} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw userError('E_FLOW_FILE', 'Standard input is no valid JSON', { cause: error });
  }
}

/** `alarmflow test <flow>`; resolves to whether all tests have passed. */
export async function testCommand(
  flowFile: string,
  options: TestCommandOptions,
  print: (line: string) => void,
): Promise<boolean> {
  const flows =
    flowFile === '-' ? checkFlows(await readInput(), 'The flow on standard input') : await readFlowFile(flowFile);
  const suites = suitesOf(flows);
  const files = options.tests.length > 0 ? options.tests : flowFile === '-' ? [] : [testFileBeside(flowFile)];
  for (const file of files) {
    const text = await readTestFile(file, options.tests.length === 0);
    if (text !== null) suites.push({ source: file, tests: readRuleTests(text, `The test file ${file}`) });
  }
  const wanted = suites
    .map(({ source, tests }) => ({
      source,
      tests: tests.filter(({ name }) => options.only === undefined || name.includes(options.only)),
    }))
    .filter(({ tests }) => tests.length > 0);
  if (wanted.length === 0)
    throw userError(
      'E_NO_TESTS',
      options.only !== undefined && suites.length > 0
        ? `No test has "${options.only}" in its name`
        : `The flow has no tests: ${flowFile === '-' ? '' : `write ${testFileBeside(flowFile)}, or `}add a rule tests node to it`,
    );

  const report: RuleTestReport = { kind: 'rule-tests', passed: 0, failed: 0, suites: [], warnings: [] };
  const runtime = await startSimulationRuntime();
  try {
    for (const { source, tests } of wanted) {
      if (!options.json) print(source);
      const { results, warnings } = await runRuleTests({
        runtime,
        flows,
        tests,
        allow: new Set(options.allow),
        onResult(result) {
          if (!options.json) for (const line of resultLines(result)) print(line);
        },
      });
      report.suites.push({ source, results });
      report.passed += results.filter(({ ok }) => ok).length;
      report.failed += results.filter(({ ok }) => !ok).length;
      report.warnings = [...new Set([...report.warnings, ...warnings])];
    }
  } finally {
    await runtime.close();
  }
  if (options.json) print(JSON.stringify(report));
  else {
    for (const warning of report.warnings) print(`  warning  ${warning}`);
    print('');
    print(`${report.passed} passed, ${report.failed} failed`);
  }
  return report.failed === 0;
}

function resultLines({ name, line, ok, failures }: RuleTestResult): string[] {
  return [
    `  ${ok ? '✓' : '✗'} ${name}${ok ? '' : ` (line ${line})`}`,
    ...failures.flatMap((failure) => [
      `      line ${failure.line}: expected ${failure.expected}; what happened instead:`,
      ...failure.happened.map((text) => `        ${text}`),
    ]),
  ];
}
