import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { type DahuaSimulator, type DahuaSimulatorOptions, startDahuaSimulator } from '../../../engine/drivers/dahua';
import { startSimulator } from '../../../engine/drivers/simulators';
import { until } from '../../support/recording-sink';

let open: DahuaSimulator | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

async function start(options: DahuaSimulatorOptions = {}): Promise<DahuaSimulator> {
  open = await startDahuaSimulator({ login: 'none', ...options });
  return open;
}

const get = async (sim: DahuaSimulator, path: string): Promise<string> =>
  (await fetch(`${sim.url}/cgi-bin/${path}`)).text();
const post = (sim: DahuaSimulator, path: string, body: unknown, type = 'application/json'): Promise<Response> =>
  fetch(`${sim.url}${path}`, { method: 'POST', headers: { 'Content-Type': type }, body: JSON.stringify(body) });

describe('the simulated device', () => {
  it('keeps its configuration as text', async () => {
    const sim = await start({ channels: 1, outputs: 1 });
    const path = 'configManager.cgi?action=getConfig&name=AlarmOut';
    expect(await get(sim, path)).toBe('table.AlarmOut[0].Mode=0\r\ntable.AlarmOut[0].Name=Horn 1\r\n');
    expect(await get(sim, 'configManager.cgi?action=setConfig&AlarmOut%5B0%5D.Mode=1')).toBe('OK\r\n');
    expect(await get(sim, path)).toContain('Mode=1');
    expect(await get(sim, 'configManager.cgi?action=setConfig&AlarmOut[0].Mode=1&AlarmOut[9].Mode=1')).toMatch(
      /^Error/,
    );
    expect(await get(sim, 'configManager.cgi?action=setConfig&AlarmOut%5B0%5D.Name=a+b')).toBe('OK\r\n');
    expect(await get(sim, path)).toContain('Name=a+b');
  });

  it('writes parts as the devices do', async () => {
    const sim = await start({ faults: ['no-heartbeat'] });
    const answer = await fetch(`${sim.url}/cgi-bin/eventManager.cgi?action=attach&codes=%5BAll%5D&heartbeat=5`);
    expect(answer.headers.get('content-type')).toBe('multipart/x-mixed-replace; boundary=myboundary');
    sim.setInput(1, true);
    const reader = answer.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    await reader?.cancel();
    expect(Buffer.from(value ?? []).toString()).toMatch(
      /^--myboundary\r\nContent-Type: text\/plain\r\nContent-Length:\d+\r\n\r\nCode=AlarmLocal;action=Start;index=1;data=\{\n/,
    );
    expect(await get(sim, 'alarm.cgi?action=getInState')).toBe('result=2\r\n');
    expect(await get(sim, 'eventManager.cgi?action=getEventIndexes&code=AlarmLocal')).toBe('channels[0]=1\r\n');
    expect(await get(sim, 'eventManager.cgi?action=getEventIndexes&code=VideoLoss')).toBe('Error\r\n');
  });

  it('fires, shows and changes faults over its control path, for pages of its own only', async () => {
    const sim = await start({ login: 'md5' });
    expect((await post(sim, '/sim/fire', { code: 'VideoLoss', index: 2 })).status).toBe(200);
    expect((await post(sim, '/sim/input', { input: 0, active: true })).status).toBe(200);
    expect((await post(sim, '/sim/faults', { slow: true })).status).toBe(200);
    const state = await (await fetch(`${sim.url}/sim/state`)).json();
    expect(state).toMatchObject({ faults: ['slow'], inputs: [{ active: true }, {}, {}, {}] });
    expect((await post(sim, '/sim/fire', { code: 'a b' })).status).toBe(400);
    expect((await post(sim, '/sim/input', { input: 99, active: true })).status).toBe(400);
    expect((await post(sim, '/sim/faults', { nothing: true })).status).toBe(400);
    expect((await post(sim, '/sim/fire', { code: 'VideoLoss' }, 'text/plain')).status).toBe(415);
    expect((await post(sim, '/sim/other', {})).status).toBe(404);
  });

  it('asks for a login and locks the account after too many refused ones', async () => {
    const sim = await start({ login: 'basic', lockAfter: 2, lockMs: 60_000, faults: ['lock-words'] });
    const answers = async (password: string): Promise<[number, string]> => {
      const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
      const response = await fetch(`${sim.url}/cgi-bin/magicBox.cgi?action=getDeviceType`, {
        headers: { authorization },
      });
      return [response.status, await response.text()];
    };
    expect((await answers('simulated1'))[0]).toBe(200);
    expect((await answers('a'))[0]).toBe(401);
    await answers('b');
    expect(await answers('simulated1')).toEqual([401, expect.stringMatching(/locked, remaining \d+ s/)]);
    sim.unlock();
    expect((await answers('simulated1'))[0]).toBe(200);
  });

  it('names the realm as its kind of firmware does', async () => {
    const sim = await start({ login: 'sha-256' });
    const challenge = (await fetch(`${sim.url}/cgi-bin/magicBox.cgi`)).headers.get('www-authenticate');
    expect(challenge).toMatch(/^Digest .*realm="Login to 6F00SIM0PAZ00001".*algorithm=SHA-256/);
  });

  it('refuses more streams than it serves', async () => {
    const sim = await start({ maxStreams: 1 });
    const path = `${sim.url}/cgi-bin/eventManager.cgi?action=attach&codes=[All]`;
    const stop = new AbortController();
    expect((await fetch(path, { signal: stop.signal })).status).toBe(200);
    expect((await fetch(path)).status).toBe(503);
    stop.abort();
    await until('the first is gone', () => sim.state().streams === 0);
  });

  it('silences its siren by itself', async () => {
    const clock = new VirtualClock(Date.now());
    const sim = await start({ model: 'camera', sirenMs: 40, clock });
    await get(sim, 'coaxialControlIO.cgi?action=control&channel=1&info%5B0%5D.Type=2&info%5B0%5D.IO=1');
    await clock.advance(39);
    expect(sim.state().siren).toBe(true);
    await clock.advance(1);
    expect(sim.state().siren).toBe(false);
  });

  it('is started by its kind', async () => {
    const device = await startSimulator('dahua', { model: 'camera' });
    expect(device.state()).toMatchObject({ model: 'camera' });
    await device.close();
  });

  it.each([
    [{ model: 'toaster' }, 'E_BAD_PARAMETER'],
    [{ faults: ['nothing'] }, 'E_UNKNOWN_FAULT'],
  ])('does not start with %o', async (options, code) => {
    await expect(startDahuaSimulator(options)).rejects.toMatchObject({ code });
  });
});
