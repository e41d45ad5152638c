import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import {
  faultNames,
  type HikvisionSimulator,
  type HikvisionSimulatorOptions,
  sceneNames,
  startHikvisionSimulator,
} from '../../../engine/drivers/hikvision';
import { pushBody } from '../../../engine/drivers/hikvision/simulator/listeners';
import { createFaultSwitches } from '../../../engine/drivers/simulated/faults';
import { until } from '../../support/recording-sink';

let open: HikvisionSimulator | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

async function start(options: HikvisionSimulatorOptions = {}): Promise<HikvisionSimulator> {
  open = await startHikvisionSimulator({ login: 'none', ...options });
  return open;
}

const post = (sim: HikvisionSimulator, path: string, body: unknown, type = 'application/json'): Promise<Response> =>
  fetch(`${sim.url}${path}`, { method: 'POST', headers: { 'Content-Type': type }, body: JSON.stringify(body) });

describe('the simulated device', () => {
  it.each(sceneNames)('reports the scene %s', async (scene) => {
    const sim = await start({ faults: ['no-heartbeat'] });
    const answer = await fetch(`${sim.url}/ISAPI/Event/notification/alertStream`);
    await sim.fire({ scene });
    const reader = answer.body?.getReader();
    let text = '';
    while (!text.includes('eventState')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    await reader?.cancel();
    expect(text).toContain('eventType');
  });

  it('fires, shows and changes faults over its control path, for pages of its own only', async () => {
    const sim = await start();
    expect((await post(sim, '/sim/fire', { scene: 'alarm-input', input: 2 })).status).toBe(200);
    expect(await (await fetch(`${sim.url}/sim/state`)).json()).toMatchObject({
      inputs: [{ active: false }, { active: true }],
    });
    expect((await post(sim, '/sim/faults', { slow: true })).status).toBe(200);
    expect(sim.faults.list()).toEqual(['slow']);
    expect((await post(sim, '/sim/fire', { scene: 'nothing' })).status).toBe(400);
    expect((await post(sim, '/sim/faults', { nothing: true })).status).toBe(400);
    expect((await post(sim, '/sim/fire', { scene: 'motion' }, 'text/plain')).status).toBe(415);
  });

  it('shows a page to a browser without a login', async () => {
    const sim = await start({ login: 'md5' });
    const page = await (await fetch(sim.url)).text();
    expect(page).toContain('Simulated ISAPI device');
    for (const fault of faultNames) expect(page).toContain(`data-fault="${fault}"`);
    expect((await fetch(`${sim.url}/ISAPI/System/deviceInfo`)).status).toBe(401);
  });

  it('locks the account after too many refused logins, also for the right password', async () => {
    const sim = await start({ login: 'basic', lockAfter: 2, lockMs: 60_000 });
    const get = (password: string): Promise<number> =>
      fetch(`${sim.url}/ISAPI/System/deviceInfo`, {
        headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
      }).then((r) => r.status);
    expect(await get('simulated1')).toBe(200);
    expect([await get('a'), await get('b'), await get('simulated1')]).toEqual([401, 401, 401]);
    sim.unlock();
    expect(await get('simulated1')).toBe(200);
  });

  it('repeats a condition for a while and then ends it', async () => {
    const sim = await start();
    const answer = await fetch(`${sim.url}/ISAPI/Event/notification/alertStream`);
    const fired = sim.fire({ scene: 'motion', lastMs: 1_200 });
    let text = '';
    const reader = answer.body?.getReader();
    while ((text.match(/<eventType>VMD/g) ?? []).length < 3)
      text += Buffer.from((await reader?.read())?.value ?? []).toString();
    await fired;
    await reader?.cancel();
    const counts = [
      ...text.matchAll(/<activePostCount>(\d)<\/activePostCount>\s*<eventType>VMD<\/eventType>\s*<eventState>(\w+)/g),
    ];
    expect(counts.map((m) => `${m[1]} ${m[2]}`)).toEqual(['1 active', '2 active', '2 inactive']);
  });

  it('refuses more streams than it serves', async () => {
    const sim = await start({ maxStreams: 1 });
    const stop = new AbortController();
    const first = await fetch(`${sim.url}/ISAPI/Event/notification/alertStream`, { signal: stop.signal });
    expect(first.status).toBe(200);
    expect((await fetch(`${sim.url}/ISAPI/Event/notification/alertStream`)).status).toBe(503);
    stop.abort();
    await until('the first is gone', () => sim.state().streams === 0);
  });

  it('switches an output off by its own delay', async () => {
    const clock = new VirtualClock(Date.now());
    const sim = await start({ outputPulseMs: 50, clock });
    const body = '<IOPortData><outputState>high</outputState></IOPortData>';
    const answer = await fetch(`${sim.url}/ISAPI/System/IO/outputs/1/trigger`, { method: 'PUT', body });
    expect(await answer.text()).toContain('<statusCode>1</statusCode>');
    await clock.advance(49);
    expect(sim.state().outputs[0]?.on).toBe(true);
    await clock.advance(1);
    expect(sim.state().outputs[0]?.on).toBe(false);
  });

  it('takes a list of listeners and gives it back', async () => {
    const sim = await start();
    const slot =
      '<HttpHostNotification><id>1</id><url>/in/x</url><protocolType>HTTP</protocolType><parameterFormatType>JSON</parameterFormatType>' +
      '<addressingFormatType>ipaddress</addressingFormatType><ipAddress>127.0.0.1</ipAddress><portNo>9</portNo></HttpHostNotification>';
    const path = `${sim.url}/ISAPI/Event/notification/httpHosts`;
    const put = await fetch(path, {
      method: 'PUT',
      body: `<HttpHostNotificationList>${slot}</HttpHostNotificationList>`,
    });
    expect(put.status).toBe(200);
    expect(await (await fetch(path)).text()).toContain('<url>/in/x</url>');
    expect((await fetch(path, { method: 'PUT', body: '<broken' })).status).toBe(400);
  });

  it('tells a time that can be set', async () => {
    const sim = await start();
    const path = `${sim.url}/ISAPI/System/time`;
    await fetch(path, { method: 'PUT', body: '<Time><localTime>2020-02-03T04:05:06Z</localTime></Time>' });
    expect(await (await fetch(path)).text()).toMatch(/20(19|20)-0[23]-0[234]T/);
  });

  it('writes file parts with the odd heads that were captured', () => {
    const faults = createFaultSwitches(faultNames, ['blank-line-before-head']);
    const { body, type } = pushBody(
      { text: '<a/>', contentType: 'application/xml', pictures: [Buffer.from('x')] },
      'VMD',
      faults,
    );
    expect(type).toBe('multipart/form-data; boundary=boundary');
    expect(body.toString()).toMatch(
      /^--boundary\r\n\r\nContent-Disposition: form-data; name="VMD"; filename="VMD.xml"/,
    );
  });

  it.each([
    [{ model: 'toaster' }, 'E_BAD_PARAMETER'],
    [{ faults: ['nothing'] }, 'E_UNKNOWN_FAULT'],
  ])('does not start with %o', async (options, code) => {
    await expect(startHikvisionSimulator(options)).rejects.toMatchObject({ code });
  });
});
