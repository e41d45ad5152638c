/** The part of the package that tests use; it ships no types of its own. */
declare module 'node-red-node-test-helper' {
  interface NodeTestHelper {
    settings(settings: Record<string, unknown>): unknown;
    load(sets: unknown[], flow: unknown[], credentials?: Record<string, Record<string, string>>): Promise<void>;
    setFlows(flow: unknown[], type: 'full' | 'flows' | 'nodes'): Promise<void>;
    unload(): Promise<void>;
    getNode(id: string): unknown;
    request(): {
      get(path: string): Promise<TestResponse>;
      post(path: string): { set(name: string, value: string): TestPost; send(body: unknown): Promise<TestResponse> };
    };
  }
  interface TestPost {
    send(body: unknown): Promise<TestResponse>;
  }
  interface TestResponse {
    status: number;
    body: Record<string, unknown>;
  }
  const helper: NodeTestHelper;
  export default helper;
}
