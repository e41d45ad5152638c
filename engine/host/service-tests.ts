/** The test buttons of services of others: none of them sends anything while the site makes a dry run. */
import type { FlowEngine } from '../index';

/** Tests that keep to the dry run by themselves, or only ask who is there. */
type OtherTests = 'testAction' | 'testOutput' | 'testDevice';

/** Every other test that the engine has: who adds one is made to say here what it does. */
export type ServiceTests = Pick<FlowEngine, Exclude<Extract<keyof FlowEngine, `test${string}`>, OtherTests>>;

type Words = { readonly [Name in keyof ServiceTests]: (...asked: Parameters<ServiceTests[Name]>) => string };

const at = ({ name, host, port }: { name: string; host: string; port: number }): string =>
  name && name !== host ? `"${name}" (${host}:${port})` : `${host}:${port}`;

/** What each would do, told instead of doing it. */
const words: Words = {
  testMailServer: (server, to) => `would send a test mail to ${to} by mail server ${at(server)}`,
  testFileServer: (server) =>
    server.protocol === 'folder'
      ? `would write a test file into the folder ${server.root} and remove it again`
      : `would log in to file server ${at(server)}, write a test file and remove it again`,
  testSnmpReceiver: (receiver) =>
    `would send an SNMPv${receiver.access.version} ${receiver.notification} to SNMP receiver ${at(receiver)}`,
  testAlarmCentre: ({ name, url, method }) => {
    const { host } = new URL(url);
    return `would send ${method} with a sign of life to alarm centre ${name && name !== host ? `"${name}" (${host})` : host}`;
  },
  testMqttBroker: (broker) => `would log in to MQTT broker ${at(broker)} and out again`,
};

/** What is said in place of a test, here and by tests of other things. */
export const dryTest = (what: string): { ok: boolean; detail: string } => ({
  ok: true,
  detail: `Dry run: ${what}; nothing was sent`,
});

/** The tests, each of which asks first whether the site makes a dry run. */
export function withDryTests(tests: ServiceTests, siteIsDry: () => boolean): ServiceTests {
  const guarded = Object.keys(words).map((key) => {
    const name = key as keyof ServiceTests;
    const ask = async (...asked: unknown[]) =>
      siteIsDry()
        ? dryTest((words[name] as (...asked: unknown[]) => string)(...asked))
        : await (tests[name] as (...asked: unknown[]) => Promise<{ ok: boolean; detail: string }>)(...asked);
    return [name, ask] as const;
  });
  return Object.fromEntries(guarded) as unknown as ServiceTests;
}
