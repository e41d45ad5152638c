/** Results of a flow's tests, as command line and editor show them. */

export interface RuleTestFailure {
  /** Line of the expectation in its file. */
  line: number;
  expected: string;
  /** What happened instead, a line each, with times from the start of the test. */
  happened: string[];
}

export interface RuleTestResult {
  name: string;
  line: number;
  ok: boolean;
  failures: RuleTestFailure[];
}

export interface RuleTestReport {
  kind: 'rule-tests';
  passed: number;
  failed: number;
  /** Where the tests come from: a file, or a node of the flow. */
  suites: { source: string; results: RuleTestResult[] }[];
  /** What a person has to know before trusting the results. */
  warnings: string[];
}
